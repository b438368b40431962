"""``cxxrt repair``: wheels that use the shared runtime, made from wheels that do not.

Libraries of this machine that no platform tag promises are copied into the wheel first, as
auditwheel does; the plan is made of the wheel that has them.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.cli.selection import add_exclude, add_ignore, selection
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.repair.accept import Outcome, carry_out
from cxxrt_toolchain.repair.apply import refuse_source
from cxxrt_toolchain.repair.external import libraries_to_graft, never_grafted, not_here, unproven
from cxxrt_toolchain.repair.graft import Grafting, graft
from cxxrt_toolchain.repair.homebound import not_to_copy
from cxxrt_toolchain.repair.options import Encoding, PlanOptions, Platform
from cxxrt_toolchain.repair.plan import RepairPlan, make_plan
from cxxrt_toolchain.report.documents import PLAN_SCHEMA, plan_document, verdict_document
from cxxrt_toolchain.report.terminal import Page
from cxxrt_toolchain.report.text import show_plan, show_verdict
from cxxrt_toolchain.rules.wheel.claim import Claim
from cxxrt_toolchain.temporary import scratch_folder
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.wheel import WheelReport
    from cxxrt_toolchain.rules.wheel.verdict import Verdict

_ITSELF = "'cxxrt repair"
"""How remedies name this command."""
_NOTES = """\
libstdc++, libgcc_s, libgomp, libatomic, libquadmath, libgfortran and libcudart
come from the shared runtime. auditwheel (the extra 'graft') copies every other
library that no manylinux tag promises into the wheel, in a subprocess with a
clean environment. It finds libraries as the loader does (LD_LIBRARY_PATH
helps). --exclude skips one library, --no-graft all; --dry-run lists them. The
platform tag becomes the oldest one that is true.

With cibuildwheel, in place of auditwheel:

  [tool.cibuildwheel.linux]
  before-build = "python -m pip install 'cxxrt-toolchain[graft]'"
  repair-wheel-command = "cxxrt repair -w {dest_dir} {wheel}"
  [[tool.cibuildwheel.overrides]]   # musl has no shared runtime
  select = "*-musllinux*"
  before-build = ""
  repair-wheel-command = "auditwheel repair -w {dest_dir} {wheel}"

The new wheel is a plain one, which every installer takes; 'cxxrt encode --to tag'
makes the tagged one of it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repaired:
    """The result for one wheel."""

    plan: RepairPlan
    outcome: Outcome | None
    """None where the plan has refusals."""
    grafting: Grafting

    @property
    def is_accepted(self) -> bool:
        return self.outcome is not None and self.outcome.verdict.conforms


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog, parser.formatter_class = _NOTES, argparse.RawDescriptionHelpFormatter
    parser.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path)
    parser.add_argument("-w", "--wheel-dir", metavar="DIR", type=Path, help="where the new ones go")
    parser.add_argument("--dry-run", action="store_true", help="do all of it and keep nothing")
    parser.add_argument("--json", action="store_true", help="everything, as one JSON document")
    parser.add_argument(
        "--encoding",
        choices=[Encoding.TAG.value, Encoding.PLAIN.value],
        help="whether the new name says it; 'cxxrt encode' converts later (default: plain, but "
        "tag for a wheel that has one)",
    )
    parser.add_argument("--keep-platform", action="store_true", help="keep the platform tag")
    parser.add_argument("--cuda", metavar="MAJOR", type=int, help="declare the CUDA major")
    add_exclude(parser)
    add_ignore(parser)
    parser.add_argument(
        "--no-graft",
        action="store_true",
        help="copy no library of this machine into the wheel (default: as auditwheel does)",
    )


def run(args: argparse.Namespace) -> int:
    """Plan and repair; 1 if a wheel is refused, or would not conform: then it is not written."""
    if args.wheel_dir is None and not args.dry_run:
        raise UsageError("-w DIR is missing.", "Name the folder for the new wheels.")
    options = PlanOptions(
        encoding=Encoding(args.encoding) if args.encoding else None,
        platform=Platform.KEEP if args.keep_platform else Platform.LOWEST,
        cuda=args.cuda,
        exclude=tuple(args.exclude),
        ignore=selection(args, Claim).ignored,
    )
    page = Page()
    repaired: list[_Repaired] = []
    for path in args.wheels:
        done = _repair(path, options, args)
        repaired.append(done)
        if not args.json:
            show_plan(page, done.plan, done.grafting.lines)
        if done.outcome is not None and not args.json:
            show_verdict(page, done.outcome.verdict)
            if done.outcome.path is not None:
                print(done.outcome.path)
    if args.json:
        documents = list(map(_document, repaired))
        print(json.dumps({"schema": PLAN_SCHEMA, "wheels": documents}, indent=1))
    return int(not all(done.is_accepted for done in repaired))


def _repair(path: Path, options: PlanOptions, args: argparse.Namespace) -> _Repaired:
    """Plan for one wheel and carry the plan out; the wheel may be grafted before."""
    with Wheel.open(path) as wheel:
        report = collect(wheel)
        plan = make_plan(report, options, wheel.read)
        wanted = libraries_to_graft(report, options.exclude)
        hopeless = any(refusal.rule != "CXXRT-P1" for refusal in plan.refusals)
        if not wanted or hopeless or args.no_graft or options.platform is Platform.KEEP:
            outcome = _written(plan, wheel, report, path, options, args)
            return _Repaired(plan=plan, outcome=outcome, grafting=Grafting(wheel=None))
    leave = never_grafted(report, wanted, options.exclude)
    with scratch_folder() as scratch:
        grafting = graft(path, leave, scratch)
        if grafting.missing and unproven(report, options.exclude).issuperset(grafting.missing):
            grafting = graft(path, (*leave, *grafting.missing), scratch)
        with Wheel.open(grafting.wheel or path) as wheel:
            report = collect(wheel)
            plan = make_plan(report, options, wheel.read)
            refused = (*not_here(grafting.missing), *not_to_copy(report, grafting.libraries))
            if refused:
                plan = replace(plan, result=plan.source, edits=(), refusals=refused)
                grafting = Grafting(wheel=None)
            outcome = _written(plan, wheel, report, path, options, args)
            return _Repaired(plan=plan, outcome=outcome, grafting=grafting)


def _written(
    plan: RepairPlan,
    wheel: Wheel,
    report: WheelReport,
    source: Path,
    options: PlanOptions,
    args: argparse.Namespace,
) -> Outcome | None:
    """What comes of a plan, None where it has refusals; a dry run does the same and keeps nothing.

    The wheel may be a grafted copy of the source.
    """
    if not plan.possible:
        return None
    if args.wheel_dir is not None:
        refuse_source(args.wheel_dir / plan.result, source)
    done = carry_out(plan, wheel, None if args.dry_run else args.wheel_dir, options, report)
    return replace(done, verdict=_without_itself(done.verdict))


def _without_itself(verdict: Verdict) -> Verdict:
    """The verdict on what this command has made, without the advice to run it."""
    findings = tuple(
        replace(each, remedies=tuple(text for text in each.remedies if _ITSELF not in text))
        for each in verdict.findings
    )
    return replace(verdict, findings=findings)


def _document(done: _Repaired) -> dict[str, Any]:
    return {
        **plan_document(done.plan),
        "grafted": [asdict(library) for library in done.grafting.libraries],
        "path": str(done.outcome.path) if done.outcome and done.outcome.path else None,
        "verdict": verdict_document(done.outcome.verdict) if done.outcome else None,
    }
