"""Reports, verdicts and plans as text for people.

In: values. Out: lines on a rich console, in colour where that is a terminal. Names that come out
of a wheel are shown with control characters escaped, so that no wheel can draw on the terminal.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from cxxrt_toolchain.audit.findings import Severity
from cxxrt_toolchain.audit.needs import runtime_needs
from cxxrt_toolchain.audit.policy_rules import glibc_floor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from cxxrt_toolchain.abi.symbols import SymbolTables
    from cxxrt_toolchain.audit.needs import RuntimeNeeds
    from cxxrt_toolchain.audit.report import ObjectReport, WheelReport
    from cxxrt_toolchain.audit.verdict import Verdict
    from cxxrt_toolchain.repair.plan import RepairPlan

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_LABEL_WIDTH = 10


def make_console(stream: TextIO | None = None) -> Console:
    """A console that neither wraps nor guesses at markup: its lines can be copied and grepped."""
    return Console(file=stream or sys.stdout, soft_wrap=True, highlight=False, markup=False)


def printable(text: str) -> str:
    """The text with everything that could control a terminal escaped."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def plural(count: int, noun: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def show_report(console: Console, report: WheelReport, tables: SymbolTables) -> None:
    """The facts of one wheel."""
    _line(console, (report.filename, "bold"))
    tags = ".".join(report.tags.abi)
    _row(console, "tag", f"{'.'.join(report.tags.python)}-{tags}-{'.'.join(report.tags.platform)}")
    floor = max((glibc_floor(found) for found in report.objects), default=(0,))
    if floor > (0,):
        _row(console, "glibc", f"{'.'.join(map(str, floor))} or newer")
    direct = runtime_needs(report, repaired=False)
    _row(console, "runtime", _needs(direct))
    for found in report.objects:
        if found.copy_of is not None:
            _row(console, "bundled", f"{found.copy_of.value} as {found.member}", "yellow")
        for family in found.static:
            _row(console, "static", f"{family.value} in {found.member}", "yellow")
    _row(console, "provided", _provided(report, tables))
    _row(console, "objects", str(len(report.objects)))
    for found in report.objects:
        _object(console, found)
    for broken in report.unreadable:
        _line(console, (f"  {broken.member}", ""), (f"  unreadable: {broken.reason}", "red"))


def show_verdict(console: Console, verdict: Verdict) -> None:
    """The findings of one wheel, worst first, and the verdict."""
    says, style = (
        ("conforms", "bold green") if verdict.conforms else ("does not conform", "bold red")
    )
    counts = [
        plural(verdict.count(severity), noun)
        for severity, noun in ((Severity.ERROR, "error"), (Severity.WARNING, "warning"))
        if verdict.count(severity)
    ]
    suffix = f" ({', '.join(counts)})" if counts else ""
    _line(console, (verdict.filename, "bold"), (": ", ""), (says + suffix, style))
    _row(console, "judged as", verdict.judged_as)
    for found in verdict.findings:
        head = (f"  {found.severity.value:<8}", _STYLES[found.severity])
        where = f" {found.member}" if found.member else ""
        _line(console, head, (f"{found.rule:<10}", "bold"), (where, ""))
        message = f"{found.message}: {found.symbol}" if found.symbol else found.message
        _line(console, (f"{'':<10}{message}", ""))
        if found.advice and found.severity is not Severity.INFO:
            _line(console, (f"{'':<10}{found.advice}", "dim"))


def show_plan(console: Console, plan: RepairPlan, before: Sequence[str] = ()) -> None:
    """What a repair would do, and what was done to the wheel before it was planned."""
    _line(console, (plan.source, "bold"), (" -> ", ""), (plan.result, "bold"))
    for line in before:
        _line(console, (f"  {line}", ""))
    for edit in plan.edits:
        _line(console, (f"  {edit}", ""))
    for refusal in plan.refusals:
        _line(console, ("  refused ", "bold red"), (str(refusal), ""))
    for note in plan.notes:
        _line(console, ("  note    ", "cyan"), (note, ""))


def _needs(needs: RuntimeNeeds) -> str:
    highest: dict[tuple[str, str], str] = {}
    for soname, node in needs.versions:
        highest[soname, node.partition("_")[0]] = node
    return "; ".join(
        " ".join([name, *(node for (soname, _), node in highest.items() if soname == name)])
        for name in needs.libraries
    )


def _provided(report: WheelReport, tables: SymbolTables) -> str:
    needs = runtime_needs(report, repaired=True)
    if not needs.libraries:
        return "needs nothing of the shared runtime"
    return needs.shortfall(tables, epoch=1) or f"by {needs.requirement(tables, epoch=1)}"


def _object(console: Console, found: ObjectReport) -> None:
    needed = ", ".join(found.facts.needed)
    _line(console, (f"  {found.member}", ""), (f"  {needed}", "dim"))


def _row(console: Console, label: str, value: str, style: str = "") -> None:
    if value:
        _line(console, (f"  {label:<{_LABEL_WIDTH}}", "dim"), (value, style))


def _line(console: Console, *parts: tuple[str, str]) -> None:
    console.print(Text.assemble(*((printable(text), style) for text, style in parts)))
