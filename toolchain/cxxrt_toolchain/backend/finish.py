"""From the wheel that the wrapped backend built to the one that is published.

In: a plain wheel. Out: the tagged one, or an error with the rules that stand against it. This is
the repair's flow (report, verdict, plan, apply) with the project's declaration as its options:
building and repairing end in the same code.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.errors import StepFailedError
from cxxrt_toolchain.repair.apply import apply_plan
from cxxrt_toolchain.repair.encode import encode
from cxxrt_toolchain.repair.options import Encoding, PlanOptions
from cxxrt_toolchain.repair.plan import make_plan
from cxxrt_toolchain.repair.refusals import Refusal
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cxxrt_toolchain.backend.config import BuildConfig
    from cxxrt_toolchain.facts.wheel import WheelReport
    from cxxrt_toolchain.repair.plan import RepairPlan


def finish_wheel(plain: Path, folder: Path, config: BuildConfig) -> Path:
    """Check, wire, constrain and tag a wheel.

    Args:
        plain: What the wrapped backend built; not changed.
        folder: Where the result goes, whole or not at all.
        config: The project's declaration.

    Raises:
        StepFailedError: The binaries cannot carry the tag; the message has the rules' ids.
    """
    options = PlanOptions(
        encoding=Encoding.PLAIN if config.encoding is Encoding.PLAIN else Encoding.TAG,
        platform=config.platform,
        cuda=config.cuda,
        wire=config.wiring,
    )
    with Wheel.open(plain) as wheel:
        report = collect(wheel, record=False)
        plan = make_plan(report, judge(report), options, wheel.read)
        refusals = (*plan.refusals, *_old_strings(report, config))
        if refusals:
            raise StepFailedError(_refusal(plan, refusals))
        for note in (*plan.notes, *_local_only(plan, config)):
            sys.stderr.write(f"cxxrt: {note}\n")
        if config.encoding is Encoding.VARIANT and plan.edits:
            return _write_variant(plan, wheel, folder)
        return apply_plan(plan, wheel, folder)


def _local_only(plan: RepairPlan, config: BuildConfig) -> tuple[str, ...]:
    if config.encoding is not Encoding.TAG or "_cxxrt" not in plan.result:
        return ()
    if "-linux_" not in plan.result:
        return ()
    note = (
        f"{plan.result} needs libraries from outside that no manylinux tag promises. Installers "
        "take it where they built it; elsewhere under its plain name: 'cxxrt encode --to plain', "
        'or encoding = "plain".'
    )
    return (note,)


def _old_strings(report: WheelReport, config: BuildConfig) -> Iterator[Refusal]:
    """Objects of the other string ABI, which a builder may not tag (abi-tag-spec, B-1).

    Of a finished wheel nobody can say whether such a string crosses to another package, so there it
    is a warning. Who compiles it can compile it otherwise.
    """
    if config.encoding is Encoding.PLAIN:
        return
    for found in report.objects:
        symbols = found.symbols.old_strings_of_libstdcxx
        if symbols and found.copy_of is None and not found.symbols.old_strings_exported:
            yield Refusal(
                rule="CXXRT-P5",
                member=found.member,
                reason=f"it was compiled with the old std::string ({symbols.examples[0]}), and the "
                "tag promises the new one",
                advice="Take _GLIBCXX_USE_CXX11_ABI=0 out of the project's flags, build on "
                'manylinux_2_28 or later, or build with encoding = "plain".',
            )


def _write_variant(plan: RepairPlan, wheel: Wheel, folder: Path) -> Path:
    with tempfile.TemporaryDirectory(prefix="cxxrt-") as scratch:
        suffixed = apply_plan(plan, wheel, Path(scratch))
        with Wheel.open(suffixed) as tagged:
            return encode(tagged, Encoding.VARIANT, folder)


def _refusal(plan: RepairPlan, refusals: Collection[Refusal]) -> str:
    reasons = "\n".join(f"  {refusal}" for refusal in refusals)
    rules = sorted({refusal.rule for refusal in refusals})
    return (
        f"{plan.source} cannot be published with the shared runtime:\n{reasons}\n"
        f"'cxxrt explain {rules[0]}' says more."
    )
