"""``cxxrt check``: the verdict on wheels; exit 0 conforms, 1 does not, 2 cannot be judged."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.errors import InputError, UsageError
from cxxrt_toolchain.report.documents import SCHEMA, verdict_document
from cxxrt_toolchain.report.text import Page, show_verdict
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.wheel.reader import Wheel
from cxxrt_toolchain.wording import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from cxxrt_toolchain.rules.wheel.verdict import Verdict

CONFORMS, DOES_NOT, UNUSABLE = 0, 1, 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "wheels", metavar="WHEEL|DIR", nargs="+", type=Path, help="a folder stands for its wheels"
    )
    parser.add_argument(
        "--tag",
        help="judge as if the name said this: cxxrt1_cu12, manylinux_2_28_x86_64, or a tag triple",
    )
    parser.add_argument(
        "--exclude",
        metavar="SONAME",
        action="append",
        default=[],
        help="a library that something else provides; may be a pattern, may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="everything, as one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print the verdicts; one broken wheel does not hide those of the others."""
    worst = CONFORMS
    documents: list[dict[str, Any]] = []
    page = Page()
    for path in find_wheels(args.wheels):
        try:
            verdict = judge_path(path, args.tag, tuple(args.exclude))
        except InputError as error:
            worst = UNUSABLE
            documents.append({"schema": SCHEMA, "filename": path.name, "error": str(error)})
            if not args.json:
                print(f"cxxrt check: {printable(str(error))}", file=sys.stderr)
            continue
        worst = max(worst, CONFORMS if verdict.conforms else DOES_NOT)
        documents.append(verdict_document(verdict))
        if not args.json:
            show_verdict(page, verdict)
    if args.json:
        print(json.dumps({"schema": SCHEMA, "wheels": documents}, indent=1))
    return worst


def judge_path(path: Path, tag: str | None, exclude: tuple[str, ...]) -> Verdict:
    """The verdict on one file."""
    with Wheel.open(path) as wheel:
        return judge(collect(wheel), tag=tag, exclude=exclude)


def find_wheels(paths: Sequence[Path]) -> list[Path]:
    """The files that the arguments stand for, folders expanded and sorted.

    Raises:
        UsageError: A folder holds no wheel.
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.whl")) if path.is_dir() else [path]
        if not inside:
            raise UsageError(f"{path} holds no wheel.")
        found += inside
    return found
