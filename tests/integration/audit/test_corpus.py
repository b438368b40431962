"""Real wheels: what we say about each is a golden table, and auditwheel is the second opinion."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import corpus
import pytest

pytestmark = [pytest.mark.corpus, pytest.mark.network]

ROWS = corpus.load_corpus()
VERDICTS = json.loads(corpus.VERDICTS.read_text(encoding="utf-8"))

EXPLAINED = json.loads((Path(__file__).parent / "auditwheel_differences.json").read_text())
"""File name -> why auditwheel's glibc floor is another than ours."""


def test_the_verdict_is_that_of_the_golden_table(wheel: Path) -> None:
    assert corpus.summary(wheel) == VERDICTS[wheel.name]


def test_the_glibc_floor_is_auditwheels_or_the_difference_is_explained(wheel: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "auditwheel", "show", "--json", str(wheel)],
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,  # auditwheel takes minutes for the large ones, more on a busy machine
    )
    if done.returncode:
        assert wheel.name in EXPLAINED, done.stderr[-500:]
        return
    versions = json.loads(done.stdout)["versioned_symbols"]
    numbers = [
        tuple(map(int, version.removeprefix("GLIBC_").split(".")))
        for library in versions.values()
        for version in library
        if version.startswith("GLIBC_") and version[len("GLIBC_") :][0].isdigit()
    ]
    theirs = ".".join(map(str, max(numbers, default=(0,))))
    if theirs != VERDICTS[wheel.name]["glibc"]:
        assert wheel.name in EXPLAINED, f"auditwheel: {theirs}, we: {VERDICTS[wheel.name]['glibc']}"


def test_there_are_at_least_forty_wheels_and_each_has_a_verdict() -> None:
    assert len(ROWS) >= 40
    assert {row.filename for row in ROWS} == set(VERDICTS)
