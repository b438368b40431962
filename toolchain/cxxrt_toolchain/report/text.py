"""Reports, verdicts and plans as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds, glibc_floor, runtime_needs
from cxxrt_toolchain.wording import counted

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.symbols import SymbolTables
    from cxxrt_toolchain.facts.wheel import WheelReport
    from cxxrt_toolchain.repair.plan import RepairPlan
    from cxxrt_toolchain.report.terminal import Page
    from cxxrt_toolchain.rules.wheel.verdict import Verdict

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
"""By severity."""
_LABEL_WIDTH = 10


def show_report(page: Page, report: WheelReport, tables: SymbolTables) -> None:
    """The facts of one wheel."""
    page.line((report.filename, "bold"))
    tags = ".".join(report.tags.abi)
    _row(page, "tag", f"{'.'.join(report.tags.python)}-{tags}-{'.'.join(report.tags.platform)}")
    floor = max((glibc_floor(found.facts) for found in report.objects), default=(0,))
    if floor > (0,):
        _row(page, "glibc", f"{'.'.join(map(str, floor))} or newer")
    _row(page, "runtime", _needs(runtime_needs(report, repaired=False)))
    for found in report.objects:
        if found.copy_of is not None:
            _row(page, "bundled", f"{found.copy_of.value} as {found.member}", "yellow")
        for family in found.static:
            _row(page, "static", f"{family.value} in {found.member}", "yellow")
    _row(page, "provided", _provided(report, tables))
    _row(page, "objects", str(len(report.every_object)))
    for found in report.every_object:
        other = f" for {found.facts.machine}" if found in report.foreign else ""
        page.line((f"  {found.member}{other}", ""), (f"  {', '.join(found.facts.needed)}", "dim"))
    for broken in report.unreadable:
        page.line((f"  {broken.member}", ""), (f"  unreadable: {broken.reason}", "red"))


def show_names(page: Page, row: Mapping[str, Any], objects: Sequence[Mapping[str, Any]]) -> None:
    """What the directory and the texts of a wheel tell: rows as `cxxrt survey` has them."""
    page.line((row["filename"], "bold"))
    _row(page, "tag", f"{row['python']}-{row['abi']}-{row['platform']}")
    _row(page, "size", f"{row['size']} bytes, {counted(row['members'], 'member')}")
    for each in objects:
        if each["family"]:
            _row(page, "bundled", f"{each['family']} as {each['member']}", "yellow")
    _row(page, "requires", "; ".join(row["requires_dist"]))
    _row(page, "objects", f"{len(objects)} by their names; --full reads them")
    _row(page, "unseen", "the members' bytes and their local headers; --full compares them")
    for each in objects:
        page.line((f"  {each['member']}", ""), (f"  {each['size']} bytes", "dim"))


def show_verdict(page: Page, verdict: Verdict) -> None:
    """The findings of one wheel, worst first, and the verdict."""
    from cxxrt_toolchain.rules.rule import Severity

    says, style = ("conforms", "green") if verdict.conforms else ("does not conform", "red")
    counts = [
        counted(verdict.count(severity), severity.value)
        for severity in (Severity.ERROR, Severity.WARNING)
        if verdict.count(severity)
    ]
    if ignored := sum(found.ignored for found in verdict.findings):
        counts.append(f"{ignored} ignored")
    suffix = f" ({', '.join(counts)})" if counts else ""
    page.line((verdict.filename, "bold"), (": ", ""), (says + suffix, f"bold {style}"))
    _row(page, "judged as", verdict.judged_as)
    _row(page, "rules", ", ".join(verdict.selected))
    for found in verdict.findings:
        word = "ignored" if found.ignored else found.severity.value
        head = (f"  {word:<8}", _STYLES[found.weight.value])
        where = f" {found.member}" if found.member else ""
        page.line(head, (f"{found.rule:<10}", "bold"), (where, ""))
        page.line((f"{'':<10}{found.reason}", ""))
        if found.remedies and found.weight is not Severity.NOTE:
            page.line((f"{'':<10}{found.remedies[0]}", "dim"))


def show_plan(page: Page, plan: RepairPlan, before: Sequence[str] = ()) -> None:
    """What a repair would do, and what was done to the wheel before it was planned."""
    page.line((plan.source, "bold"), (" -> ", ""), (plan.result, "bold"))
    for line in (*before, *plan.edits):
        page.line((f"  {line}", ""))
    for refusal in plan.refusals:
        page.line(("  refused ", "bold red"), (refusal.refusal, ""))
    for note in plan.notes:
        page.line(("  note    ", "cyan"), (note, ""))


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
    shortfall = needs.shortfall(tables, epoch=1)
    return str(shortfall or f"by {needs.requirement(tables, epoch=1)}")


def _row(page: Page, label: str, value: str, style: str = "") -> None:
    if value:
        page.line((f"  {label:<{_LABEL_WIDTH}}", "dim"), (value, style))
