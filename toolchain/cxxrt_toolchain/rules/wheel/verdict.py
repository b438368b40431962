"""The verdict on a wheel: report and specification in, `Verdict` with findings out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.spec import Spec, load_spec
from cxxrt_toolchain.abi.symbols import SymbolTables, load_symbol_tables
from cxxrt_toolchain.rules import rule
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.rules.wheel import (
    archive,
    copies,
    loading,
    promises,
    providers,
    symbols,
    tags,
    undefined,
)
from cxxrt_toolchain.rules.wheel.claim import Claim, make_claim
from cxxrt_toolchain.wording import listed

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.filename import WheelTags
    from cxxrt_toolchain.facts.needs.providers import Provider
    from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds
    from cxxrt_toolchain.facts.wheel import WheelReport
    from cxxrt_toolchain.rules.selection import Selection

DECLARING = (archive, copies, loading, promises, providers, symbols, tags, undefined)
"""The modules that declare the rules about wheels."""

PLAIN_EXCUSES = frozenset({"CXXRT-P2", "CXXRT-P5"})
"""What ``cxxrt repair`` refuses under a runtime ABI only: a plain name promises nothing about
copies and strings."""
_REPAIR = "'cxxrt repair'"
_NOT_OURS = (
    "The shared runtime is for CPython: build the wheel in the manylinux image of its name; let "
    "'auditwheel repair' finish it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the rules found in a wheel."""

    filename: str
    judged_as: str
    """The tags, ``python-abi-platform``, whose promise was checked."""
    runtime: str | None
    """The runtime ABI of those tags; None for a plain wheel."""
    findings: tuple[Finding, ...]
    """Worst first; the ignored ones last."""
    needs: RuntimeNeeds
    """What the wheel needs from the runtime, unrepaired."""
    selected: tuple[str, ...] = ()
    """The rules that it was judged by, sorted; empty for all rules."""

    @property
    def conforms(self) -> bool:
        """No finding is an error, except ignored ones."""
        return not any(found.weight is Severity.ERROR for found in self.findings)

    def count(self, severity: Severity) -> int:
        """How many findings have that severity and are not ignored."""
        return sum(found.severity is severity for found in self.findings if not found.ignored)

    def limited(self, selection: Selection) -> Verdict:
        """The verdict of the selected rules, with what the caller ignores marked."""
        findings, selected = selection.apply(self.findings), tuple(sorted(selection.selected))
        return replace(self, findings=findings, selected=selected)


def judge(
    report: WheelReport,
    *,
    tag: str | None = None,
    exclude: tuple[str, ...] = (),
    spec: Spec | None = None,
    tables: SymbolTables | None = None,
    providers: tuple[Provider, ...] = (),
) -> Verdict:
    """Apply every rule to a wheel; `tag`, `exclude` and `providers` are `claim.make_claim`'s.

    The specification and the tables are this toolchain's by default. Raises `UsageError` where
    `tag` has none of their forms.
    """
    spec, tables = spec or load_spec(), tables or load_symbol_tables()
    claim = make_claim(report, spec, tables, tag, exclude, providers=providers)
    fields = (claim.tags.python, claim.tags.abi, claim.tags.platform)
    return Verdict(
        filename=report.filename,
        judged_as="-".join(".".join(field) for field in fields),
        runtime=str(claim.runtime) if claim.runtime else None,
        findings=tuple(_possible(rule.judge(claim), claim)),
        needs=claim.needs,
    )


def _possible(findings: tuple[Finding, ...], claim: Claim) -> Iterator[Finding]:
    """The findings with advice that says what keeps ``cxxrt repair`` from following it."""
    refused = {each.rule for each in findings if each.unrepairable and not each.may_stay}
    for each in findings:
        remedies = each.remedies
        if claim.tags.other_pythons:
            remedies = tuple(_NOT_OURS if _REPAIR in text else text for text in remedies)
        elif refused and not each.unrepairable:
            remedies = tuple(_with_obstacles(text, refused) for text in remedies)
        yield replace(each, remedies=remedies)


def _with_obstacles(remedy: str, refused: set[str]) -> str:
    if _REPAIR not in remedy:
        return remedy
    if refused <= PLAIN_EXCUSES:
        return remedy.replace(_REPAIR, "'cxxrt repair --encoding plain'")
    return f"{remedy} It refuses the wheel as it is, because of {listed(sorted(refused))}."


def judge_repaired(
    report: WheelReport,
    new_tags: WheelTags,
    needs: RuntimeNeeds,
    tables: SymbolTables,
    exclude: tuple[str, ...] = (),
) -> tuple[Finding, ...]:
    """What the rules will find in the wheel that ``cxxrt repair`` would write, worst first.

    `new_tags` and `needs` are the new wheel's, `report` and `exclude` those of the wheel as it is.
    """
    repaired = (new_tags, needs)
    return rule.judge(make_claim(report, load_spec(), tables, None, exclude, repaired))
