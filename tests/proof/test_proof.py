"""A few cases of the proof, end to end: published wheels, fetched, run, cured, diagnosed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
pytestmark = [pytest.mark.corpus, pytest.mark.network, pytest.mark.runtime]
CASES = (
    "faiss-cpu-1.5.3-then-tensorflow-1.12.0",
    "pymomentum-then-pyarrow-decimal",
    "tesseract-alone",
    "numpy-2.4.6-then-scipy-1.17.1-then-pandas-3.1.1",
)
"""M1, M2, M3 and a healthy one."""
_CANNOT = 2


@pytest.mark.parametrize("case", CASES)
def test_published_wheels_behave_as_recorded(case: str, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    report.write_text((HERE / "RESULTS.md").read_text(encoding="utf-8"), encoding="utf-8")
    for command in ("prove", "doctor"):
        options = ["--only", case, "--results", str(tmp_path / "results.json")]
        done = subprocess.run(
            [sys.executable, str(HERE / "run.py"), command, *options, "--report", str(report)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == _CANNOT:
            pytest.skip(f"needs an index, an interpreter or a mirror: {done.stderr.strip()}")
        assert done.returncode == 0, done.stdout + done.stderr
