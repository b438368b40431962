"""From the wheel that the wrapped backend built to the one that is published.

The repair's flow (report, verdict, plan, apply) with the project's declaration as its options:
building and repairing end in the same code.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from cxxrt_toolchain.backend.config import RUNTIME, BuildConfig
from cxxrt_toolchain.backend.notes import build_notes
from cxxrt_toolchain.backend.provided import built_against
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.repair.accept import carry_out
from cxxrt_toolchain.repair.apply import RepairRefusedError, apply_plan
from cxxrt_toolchain.repair.encode import plan_encoding
from cxxrt_toolchain.repair.options import Encoding, PlanOptions
from cxxrt_toolchain.repair.plan import RepairPlan, make_plan
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.rules.selection import NOT_IGNORABLE
from cxxrt_toolchain.temporary import scratch_folder
from cxxrt_toolchain.wheel.reader import Wheel
from cxxrt_toolchain.wording import NEWLINE, printable


def finish_wheel(plain: Path, folder: Path, config: BuildConfig) -> Path:
    """Check, wire, constrain and tag a wheel; the new one is in the folder whole or not at all.

    Raises `RepairRefusedError` with the rules' ids where the binaries cannot carry the tag.
    """
    options = PlanOptions(
        encoding=Encoding.PLAIN if config.encoding is Encoding.PLAIN else Encoding.TAG,
        platform=config.platform,
        cuda=config.cuda,
        wire=config.wiring,
        building=True,
        ignore=config.ignore,
        built_against=built_against(),
    )
    with Wheel.open(plain) as wheel:
        report = collect(wheel, record=False)
        plan = make_plan(report, options, wheel.read)
        if plan.refusals:
            raise RepairRefusedError(_refusal(plan, plan.refusals, config))
        if not config.runtime_declared and (wanted := plan.requirement(RUNTIME)):
            raise ConfigError(
                f"project.dependencies lacks {RUNTIME}, which this wheel needs. uv, PDM and Poetry "
                "read that list without building, and would install these sources without it.",
                f'Add the line "{wanted}", to it.',
            )
        for note in build_notes(report, plan, config):
            sys.stderr.write(f"cxxrt: {printable(note, keep=NEWLINE)}\n")
        if config.encoding is Encoding.VARIANT and plan.edits:
            with (
                scratch_folder() as scratch,
                Wheel.open(apply_plan(plan, wheel, scratch)) as tagged,
            ):
                outcome = carry_out(plan_encoding(tagged, config.encoding), tagged, folder, options)
        else:
            outcome = carry_out(plan, wheel, folder, options, report)
        if outcome.path is None:
            errors = [f for f in outcome.verdict.findings if f.weight is Severity.ERROR]
            raise RepairRefusedError(_refusal(plan, errors, config))
        return outcome.path


def _refusal(plan: RepairPlan, findings: Sequence[Finding], config: BuildConfig) -> str:
    reasons = "\n".join(
        f"  {each.rule}: {each.where}{each.reason}. {each.unrepairable or ' '.join(each.remedies)}"
        for each in findings
    )
    rules = sorted({each.rule for each in findings})
    kept = [rule for rule in rules if rule in config.ignore]
    advice = f"{', '.join(kept)} {NOT_IGNORABLE} " if kept else ""
    return (
        f"{plan.source} cannot be published with the shared runtime:\n{reasons}\n"
        f"{advice}'cxxrt explain {rules[0]}' says more."
    )
