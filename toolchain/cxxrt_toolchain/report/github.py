"""Verdicts as workflow commands of GitHub Actions: ``::error file=...,title=...::message``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cxxrt_toolchain.rules.rule import Rule, Severity
from cxxrt_toolchain.wording import printable

if TYPE_CHECKING:
    from cxxrt_toolchain.report.documents import Checked

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def github_lines(checked: Checked, catalogue: Mapping[str, Rule]) -> Iterator[str]:
    """An annotation for each finding of a wheel, or for the reason why it cannot be judged."""
    file = checked.path.as_posix()
    if checked.verdict is None:
        yield _command("error", file, "cannot be judged", checked.error)
        return
    for found in checked.verdict.findings:
        command = _COMMANDS[found.weight]
        title = f"{found.rule}: {catalogue[found.rule].title}"
        message = "\n".join([f"{found.where}{found.reason}", *found.remedies[:1]])
        yield _command(command, file, title + " (ignored)" * found.ignored, message)


def _command(name: str, file: str, title: str, message: str) -> str:
    return f"::{name} file={_property(file)},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """A message, escaped as ``command.ts`` of actions/toolkit does it."""
    shown = printable(text, keep="\n")
    return shown.replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
