"""Carry out a plan, and keep the new wheel only where ``cxxrt check`` accepts it.

What ``cxxrt repair``, ``cxxrt encode`` and the build backend write comes from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.wheel import collect, identities
from cxxrt_toolchain.repair.apply import apply_plan, move_whole, refuse_source
from cxxrt_toolchain.rules.selection import Selection
from cxxrt_toolchain.rules.wheel.verdict import Verdict, judge
from cxxrt_toolchain.temporary import scratch_folder
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.wheel import WheelReport
    from cxxrt_toolchain.repair.options import PlanOptions
    from cxxrt_toolchain.repair.plan import RepairPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a plan."""

    verdict: Verdict
    """On the new wheel."""
    path: Path | None
    """The new wheel; None where it does not conform, or was not to be kept."""


def carry_out(
    plan: RepairPlan,
    wheel: Wheel,
    folder: Path | None,
    options: PlanOptions,
    report: WheelReport | None = None,
) -> Outcome:
    """Write the wheel that a plan describes, judge it, and move it into a folder if it conforms.

    Args:
        plan: A possible plan.
        wheel: The wheel that it is for; open.
        folder: Where the new one goes, made if it is missing; None: nothing is kept.
        options: What the verdict leaves out: `exclude` and `ignore`.
        report: The facts of `wheel`, whose RECORD somebody has judged; without it, the RECORD of
            the new wheel is compared with all its members.

    Raises:
        ToolchainError: As `apply_plan` does.
    """
    if folder is not None:
        refuse_source(folder / plan.result, wheel.path)
    with scratch_folder() as scratch:
        written = apply_plan(plan, wheel, scratch)
        with Wheel.open(written) as new:
            known = identities(wheel, report) if report else {}
            facts = collect(new, record=report is None or not plan.edits, known=known)
        verdict = judge(facts, exclude=options.exclude)
        verdict = verdict.limited(Selection(ignored=options.ignore))
        if folder is None or not verdict.conforms:
            return Outcome(verdict=verdict, path=None)
        folder.mkdir(parents=True, exist_ok=True)
        return Outcome(verdict=verdict, path=move_whole(written, folder / plan.result))
