"""Whatever a verdict advises works: every command in it is run, and then its finding is gone."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import golden_case
import pytest

from cxxrt_toolchain.cli import main
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.rules.rule import Severity
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from pathlib import Path

    from cxxrt_toolchain.rules.rule import Finding

FOLDERS = sorted(path.parent for path in golden_case.CASES.glob("*/case.toml"))
CONDITIONS = ("where it is installed", "It refuses the wheel as it is")
"""What words say of a command that changes nothing here."""
COMMAND = re.compile(r"'(cxxrt (?:repair|encode)[^']*)'")


def _findings(path: Path, tag: str | None = None) -> tuple[Finding, ...]:
    with Wheel.open(path) as wheel:
        return judge(collect(wheel), tag=tag).findings


def _same(one: Finding, other: Finding) -> bool:
    return (one.rule, one.symbol, one.library) == (other.rule, other.symbol, other.library)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_commands_do_what_the_words_say(folder: Path, tmp_path: Path) -> None:
    case = golden_case.load_case(folder)
    if case.get("tag"):
        pytest.skip("the tag is the caller's, not the wheel's")
    wheel = golden_case.write_wheel_of(case, tmp_path)
    shown = [each for each in _findings(wheel) if each.severity is not Severity.NOTE]
    advised = [
        (found, remedy, command)
        for found in shown
        for remedy in found.remedies
        for command in COMMAND.findall(remedy)
    ]
    for number, (found, remedy, command) in enumerate(advised):
        out = tmp_path / f"out{number}"
        main([*shlex.split(command)[1:], "-w", str(out), str(wheel)])
        results = list(out.glob("*.whl"))
        assert results or any(words in remedy for words in CONDITIONS), f"{found}: {remedy}"
        left = [each for result in results for each in _findings(result)]
        assert not [each for each in left if _same(each, found)], f"{found}: {remedy}"
