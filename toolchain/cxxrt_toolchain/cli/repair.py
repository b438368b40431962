"""``cxxrt repair``: wheels that use the shared runtime, made from wheels that do not.

Libraries of this machine that no platform tag promises are copied into the wheel first, as
auditwheel does; the plan is made of the wheel that has them.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.cli.selection import add_exclude
from cxxrt_toolchain.collect.wheel import collect, identities
from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.repair.apply import apply_plan, refuse_source
from cxxrt_toolchain.repair.external import libraries_to_graft, never_grafted, not_here, unproven
from cxxrt_toolchain.repair.graft import Grafting, graft
from cxxrt_toolchain.repair.homebound import not_to_copy
from cxxrt_toolchain.repair.options import Encoding, PlanOptions, Platform
from cxxrt_toolchain.repair.plan import make_plan
from cxxrt_toolchain.report.documents import PLAN_SCHEMA, plan_document, verdict_document
from cxxrt_toolchain.report.text import Page, show_plan, show_verdict
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.temporary import scratch_folder
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cxxrt_toolchain.collect.wheel import Identity
    from cxxrt_toolchain.facts.wheel import ObjectReport, WheelReport
    from cxxrt_toolchain.repair.plan import RepairPlan
    from cxxrt_toolchain.rules.wheel.verdict import Verdict

_NOTES = """\
libstdc++, libgcc_s, libgomp, libatomic, libquadmath and libcudart come from the
shared runtime. auditwheel (the extra 'graft') copies every other library that no
manylinux tag promises into the wheel, in a subprocess with a clean environment.
It finds libraries as the loader does (LD_LIBRARY_PATH helps). --exclude skips
one library, --no-graft all; --dry-run lists them. The platform tag becomes the
oldest one that is true.

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
    result: Path | None
    """The new wheel; None after a dry run or a refusal."""
    grafting: Grafting
    known: Mapping[Identity, ObjectReport] = field(default_factory=dict)
    """The objects of the wheel that the new one was made from."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog, parser.formatter_class = _NOTES, argparse.RawDescriptionHelpFormatter
    parser.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path)
    parser.add_argument("-w", "--wheel-dir", metavar="DIR", type=Path, help="where the new ones go")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and write nothing")
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
    parser.add_argument(
        "--no-graft",
        action="store_true",
        help="copy no library of this machine into the wheel (default: as auditwheel does)",
    )


def run(args: argparse.Namespace) -> int:
    """Plan and, without ``--dry-run``, repair; 1 if a wheel is refused."""
    if args.wheel_dir is None and not args.dry_run:
        raise UsageError("-w DIR is missing.", "Name the folder for the new wheels.")
    options = PlanOptions(
        encoding=Encoding(args.encoding) if args.encoding else None,
        platform=Platform.KEEP if args.keep_platform else Platform.LOWEST,
        cuda=args.cuda,
        exclude=tuple(args.exclude),
    )
    page = Page()
    documents: list[dict[str, Any]] = []
    refused = False
    for path in args.wheels:
        dest_dir = None if args.dry_run else args.wheel_dir
        done = _repair(path, options, dest_dir, may_graft=not args.no_graft)
        verdict = _verdict(done, done.result, options) if done.result else None
        refused = refused or not done.plan.possible or bool(verdict and not verdict.conforms)
        documents.append(_document(done, verdict))
        if not args.json:
            show_plan(page, done.plan, done.grafting.lines)
        if verdict is not None and not args.json:
            show_verdict(page, verdict)
            print(done.result)
    if args.json:
        print(json.dumps({"schema": PLAN_SCHEMA, "wheels": documents}, indent=1))
    return int(refused)


def _repair(
    path: Path, options: PlanOptions, dest_dir: Path | None, *, may_graft: bool
) -> _Repaired:
    with Wheel.open(path) as wheel:
        report = collect(wheel)
        plan = make_plan(report, options, wheel.read)
        wanted = libraries_to_graft(report, options.exclude)
        hopeless = any(refusal.rule != "CXXRT-P1" for refusal in plan.refusals)
        if not wanted or hopeless or not may_graft or options.platform is Platform.KEEP:
            return _write(plan, wheel, report, path, dest_dir, Grafting(wheel=None))
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
            return _write(plan, wheel, report, path, dest_dir, grafting)


def _write(
    plan: RepairPlan,
    wheel: Wheel,
    report: WheelReport,
    source: Path,
    dest_dir: Path | None,
    grafting: Grafting,
) -> _Repaired:
    """Carry a plan out; the wheel may be a grafted copy of the source."""
    if dest_dir is None or not plan.possible:
        return _Repaired(plan=plan, result=None, grafting=grafting)
    dest_dir.mkdir(parents=True, exist_ok=True)
    refuse_source(dest_dir / plan.result, source)
    result = apply_plan(plan, wheel, dest_dir)
    known = identities(wheel, report)
    return _Repaired(plan=plan, result=result, grafting=grafting, known=known)


def _verdict(done: _Repaired, path: Path, options: PlanOptions) -> Verdict:
    """What the rules say about the wheel that was written.

    Where it was edited, its RECORD was made from the contents a moment ago. Objects that were
    copied as compressed bytes were looked at where they come from.
    """
    with Wheel.open(path) as wheel:
        report = collect(wheel, record=not done.plan.edits, known=done.known)
        return judge(report, exclude=options.exclude)


def _document(done: _Repaired, verdict: Verdict | None) -> dict[str, Any]:
    return {
        **plan_document(done.plan),
        "grafted": [asdict(library) for library in done.grafting.libraries],
        "path": str(done.result) if done.result else None,
        "verdict": verdict_document(verdict) if verdict else None,
    }
