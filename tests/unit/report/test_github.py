"""Verdicts as annotations: one line each, whatever names a wheel brings."""

from __future__ import annotations

from pathlib import Path

from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds
from cxxrt_toolchain.report.documents import Checked
from cxxrt_toolchain.report.github import github_lines
from cxxrt_toolchain.rules.every import CATALOGUE
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.rules.wheel.verdict import Verdict


def lines(*findings: Finding, path: str = "dist/a.whl") -> list[str]:
    verdict = Verdict(
        filename="a", judged_as="", runtime=None, findings=findings, needs=RuntimeNeeds()
    )
    return list(github_lines(Checked(path=Path(path), verdict=verdict), CATALOGUE))


def finding(severity: Severity, **fields: object) -> Finding:
    made = {"rule": "CXXRT-H12", "message": "asks for it", "remedies": ("Clear it.",), **fields}
    return Finding(severity=severity, **made)  # type: ignore[arg-type]  # fields of a finding


def test_severities_have_the_commands_of_the_host() -> None:
    found = lines(*(finding(each) for each in Severity))
    assert [line.split(" ")[0] for line in found] == ["::error", "::warning", "::notice"]


def test_a_line_names_the_file_the_rule_and_what_to_do() -> None:
    head = "::error file=dist/a.whl,title=CXXRT-H12%3A Executable stack::"
    assert lines(finding(Severity.ERROR, member="a/b.so", symbol="f")) == [
        head + "a/b.so: asks for it: f%0AClear it."
    ]


def test_an_ignored_finding_is_a_notice_that_says_so() -> None:
    (line,) = lines(finding(Severity.ERROR, ignored=True))
    assert line.startswith("::notice ")
    assert "Executable stack (ignored)::" in line


def test_names_cannot_end_a_line_a_property_or_the_command() -> None:
    hostile = "x\n::set-output name=a::b\r%0A,title=c::d\x1b[2J"
    (line,) = lines(finding(Severity.ERROR, member=hostile), path="dist/a,b:c%.whl")
    assert "\n" not in line
    assert "\r" not in line
    assert "\x1b" not in line
    assert line.startswith("::error file=dist/a%2Cb%3Ac%25.whl,title=CXXRT-H12%3A Executable")
    assert "%0A::set-output name=a::b\\x0d%250A,title=c::d\\x1b[2J" in line


def test_a_file_that_cannot_be_judged_is_an_error() -> None:
    assert list(github_lines(Checked(path=Path("a.whl"), error="no zip"), CATALOGUE)) == [
        "::error file=a.whl,title=cannot be judged::no zip"
    ]
