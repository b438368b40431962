"""Judge a wheel: report and specification in, `Verdict` with findings out. Pure.

A negative verdict is a value. Every finding names its rule, its evidence and what to do; the
rules are in ``tag_rules``, ``policy_rules``, ``hazard_rules`` and ``wheel_rules``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.rules.rule import Severity
from cxxrt_toolchain.rules.wheel.archive import check_wheel
from cxxrt_toolchain.rules.wheel.claim import make_claim
from cxxrt_toolchain.rules.wheel.loading import check_hazards
from cxxrt_toolchain.rules.wheel.promises import check_policy
from cxxrt_toolchain.rules.wheel.tags import check_tags

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.spec import Spec
    from cxxrt_toolchain.abi.symbols import SymbolTables
    from cxxrt_toolchain.facts.needs import RuntimeNeeds
    from cxxrt_toolchain.facts.wheel import WheelReport
    from cxxrt_toolchain.rules.rule import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the rules found in a wheel."""

    filename: str
    judged_as: str
    """The tags, ``python-abi-platform``, whose promise was checked."""
    runtime: str | None
    """The runtime ABI of those tags; None for a plain wheel."""
    findings: tuple[Finding, ...]
    """Worst first."""
    needs: RuntimeNeeds
    """What the wheel, as it is, needs from the runtime."""

    @property
    def conforms(self) -> bool:
        """No finding is an error."""
        return not any(found.severity is Severity.ERROR for found in self.findings)

    def count(self, severity: Severity) -> int:
        """How many findings have that severity."""
        return sum(found.severity is severity for found in self.findings)


def judge(
    report: WheelReport,
    *,
    tag: str | None = None,
    exclude: tuple[str, ...] = (),
    spec: Spec | None = None,
    tables: SymbolTables | None = None,
) -> Verdict:
    """Apply every rule to a wheel.

    Args:
        report: The wheel's facts.
        tag: Judge it as if its name said this; see `claim.make_claim`.
        exclude: Patterns of SONAMEs that something else provides, for rule P1.
        spec: The vocabulary of tags; default: the one that this toolchain was released with.
        tables: Which runtime provides which symbol; default: likewise.

    Raises:
        UsageError: `tag` is no tag.
    """
    claim = make_claim(report, spec or load_spec(), tables or load_symbol_tables(), tag, exclude)
    findings = [
        *check_tags(claim),
        *check_policy(claim),
        *check_hazards(claim),
        *check_wheel(claim),
    ]
    fields = (claim.tags.python, claim.tags.abi, claim.tags.platform)
    return Verdict(
        filename=report.filename,
        judged_as="-".join(".".join(field) for field in fields),
        runtime=str(claim.runtime) if claim.runtime else None,
        findings=tuple(sorted(set(findings), key=lambda found: found.sort_key)),
        needs=claim.needs,
    )
