"""``cxxrt repair``: wheels that use the shared runtime, made from wheels that do not.

As cibuildwheel's ``repair-wheel-command``: ``cxxrt repair -w {dest_dir} {wheel}``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.audit.collect import collect
from cxxrt_toolchain.audit.documents import SCHEMA, verdict_document
from cxxrt_toolchain.audit.verdict import judge
from cxxrt_toolchain.cli.render import make_console, show_plan, show_verdict
from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.repair.apply import apply_plan
from cxxrt_toolchain.repair.documents import plan_document
from cxxrt_toolchain.repair.plan import Encoding, PlanOptions, Platform, make_plan
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    import argparse

    from cxxrt_toolchain.audit.verdict import Verdict
    from cxxrt_toolchain.repair.plan import RepairPlan


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path)
    parser.add_argument("-w", "--wheel-dir", metavar="DIR", type=Path, help="where the new ones go")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and write nothing")
    parser.add_argument("--json", action="store_true", help="everything, as one JSON document")
    parser.add_argument(
        "--encoding",
        choices=[Encoding.TAG.value, Encoding.PLAIN.value],
        default=Encoding.TAG.value,
        help="whether the new name says it; 'cxxrt encode' converts later (default: tag)",
    )
    parser.add_argument(
        "--keep-platform", action="store_true", help="leave the platform tag as it is"
    )
    parser.add_argument("--cuda", metavar="MAJOR", type=int, help="declare the CUDA major")
    parser.add_argument(
        "--exclude",
        metavar="SONAME",
        action="append",
        default=[],
        help="a library that something else provides; may be a pattern, may be repeated",
    )


def run(args: argparse.Namespace) -> int:
    """Plan, and unless told otherwise carry out; 1 where a wheel is refused."""
    if args.wheel_dir is None and not args.dry_run:
        raise UsageError("-w DIR is missing.", "Name the folder for the new wheels.")
    options = PlanOptions(
        encoding=Encoding(args.encoding),
        platform=Platform.KEEP if args.keep_platform else Platform.LOWEST,
        cuda=args.cuda,
        exclude=tuple(args.exclude),
    )
    console = make_console()
    documents: list[dict[str, Any]] = []
    refused = False
    for path in args.wheels:
        plan, result = _repair(path, options, None if args.dry_run else args.wheel_dir)
        verdict = _verdict(result, options) if result else None
        refused = refused or not plan.possible or bool(verdict and not verdict.conforms)
        documents.append(_document(plan, result, verdict))
        if args.json:
            continue
        show_plan(console, plan)
        if verdict is not None:
            show_verdict(console, verdict)
        if result is not None:
            print(result)
    if args.json:
        print(json.dumps({"schema": SCHEMA, "wheels": documents}, indent=1))
    return int(refused)


def _repair(
    path: Path, options: PlanOptions, dest_dir: Path | None
) -> tuple[RepairPlan, Path | None]:
    with Wheel.open(path) as wheel:
        report = collect(wheel)
        plan = make_plan(report, judge(report, exclude=options.exclude), options, wheel.read)
        if dest_dir is None or not plan.possible:
            return plan, None
        dest_dir.mkdir(parents=True, exist_ok=True)
        return plan, apply_plan(plan, wheel, dest_dir)


def _verdict(path: Path, options: PlanOptions) -> Verdict:
    """What the rules say about the wheel that was written."""
    with Wheel.open(path) as wheel:
        return judge(collect(wheel), exclude=options.exclude)


def _document(plan: RepairPlan, result: Path | None, verdict: Verdict | None) -> dict[str, Any]:
    return {
        **plan_document(plan),
        "path": str(result) if result else None,
        "verdict": verdict_document(verdict) if verdict else None,
    }
