"""``cxxrt check``: the verdict on wheels; exit 0 conforms, 1 does not, 2 cannot be judged."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.cli.addresses import wheel_at
from cxxrt_toolchain.cli.selection import add_exclude, add_options, selection
from cxxrt_toolchain.collect.providers import in_environment, in_wheels
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.errors import InputError, UsageError
from cxxrt_toolchain.report.documents import Checked, checked_document
from cxxrt_toolchain.report.terminal import Page
from cxxrt_toolchain.report.text import show_verdict
from cxxrt_toolchain.rules.rule import CATALOGUE
from cxxrt_toolchain.rules.wheel.claim import Claim
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.web.address import is_address, public
from cxxrt_toolchain.wording import printable

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.needs.providers import Provider
    from cxxrt_toolchain.rules.selection import Selection

CONFORMS, DOES_NOT, UNUSABLE = 0, 1, 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "wheels",
        metavar="WHEEL|DIR",
        nargs="+",
        help="a folder stands for its wheels; an address (https:// or http://) is fetched",
    )
    parser.add_argument(
        "--tag",
        help="judge as if the name said this: cxxrt1_cu12, manylinux_2_28_x86_64, or a tag triple",
    )
    parser.add_argument(
        "--python",
        metavar="EXE",
        help="an environment, by its interpreter or folder: its distributions prove what they "
        "bring, as the wheels that are checked together do",
    )
    add_exclude(parser)
    add_options(parser)
    parser.add_argument(
        "--format",
        choices=["text", "json", "sarif", "github"],
        default="text",
        help="json: everything, as one document; sarif: SARIF 2.1.0; github: annotations of "
        "GitHub Actions (default: text)",
    )
    parser.add_argument(
        "--json", action="store_const", const="json", dest="format", help="as --format json"
    )


def run(args: argparse.Namespace) -> int:
    """Print the verdicts; one broken wheel does not hide those of the others."""
    chosen = selection(args, Claim)
    page = Page() if args.format == "text" else None
    checked = []
    places = find_wheels(args.wheels)
    providers = _providers([Path(each) for each in places if not is_address(each)], args.python)
    for place in places:
        found = _checked(place, args, chosen, providers)
        checked.append(found)
        if found.verdict is None:
            print(f"cxxrt check: {printable(found.error)}", file=sys.stderr)
        elif page is not None:
            show_verdict(page, found.verdict)
    if page is None:
        _write(args.format, checked)
    return max(map(_code, checked))


def _providers(paths: Sequence[Path], python: str | None) -> tuple[Provider, ...]:
    """The distributions that may bring what another one needs."""
    found = list(in_wheels(paths)) if len(paths) > 1 else []
    if python is not None:
        from cxxrt_toolchain.collect.environment.installed import read_environment
        from cxxrt_toolchain.host.describe import describe, find_interpreter

        environment = read_environment(describe(find_interpreter(python)), Store())
        found += in_environment(environment)
    return tuple(found)


def _checked(
    place: str, args: argparse.Namespace, chosen: Selection, providers: tuple[Provider, ...]
) -> Checked:
    """The verdict on one file, or why there is none."""
    path = Path(public(place) if is_address(place) else place)
    try:
        with wheel_at(place) as wheel:
            report = collect(wheel)
        exclude = tuple(args.exclude)
        verdict = judge(report, tag=args.tag, exclude=exclude, providers=providers)
    except InputError as error:
        return Checked(path=path, error=str(error))
    return Checked(path=path, verdict=verdict.limited(chosen))


def _code(checked: Checked) -> int:
    if checked.verdict is None:
        return UNUSABLE
    return CONFORMS if checked.verdict.conforms else DOES_NOT


def _write(form: str, checked: Sequence[Checked]) -> None:
    if form == "json":
        print(json.dumps(checked_document(checked), indent=1))
    elif form == "sarif":
        from cxxrt_toolchain.report.catalogue import load_catalogue
        from cxxrt_toolchain.report.sarif import sarif_document

        rules = [rule for rule in CATALOGUE.values() if Claim in rule.scenes]
        print(json.dumps(sarif_document(checked, rules, load_catalogue()), indent=1))
    else:
        from cxxrt_toolchain.report.github import github_lines

        for line in (line for each in checked for line in github_lines(each, CATALOGUE)):
            print(line)


def find_wheels(places: Sequence[str]) -> list[str]:
    """The files that the arguments stand for, folders expanded; `UsageError` without a wheel."""
    found: list[str] = []
    for place in places:
        folder = not is_address(place) and Path(place).is_dir()
        inside = sorted(map(str, Path(place).glob("*.whl"))) if folder else [place]
        if not inside:
            raise UsageError(f"{place} holds no wheel.")
        found += inside
    return found
