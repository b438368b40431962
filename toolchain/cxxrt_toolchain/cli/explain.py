"""``cxxrt explain``: what a rule means, from the catalogue."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.report.catalogue import load_catalogue
from cxxrt_toolchain.rules.every import CATALOGUE

if TYPE_CHECKING:
    import argparse

    from cxxrt_toolchain.report.catalogue import Entry

_PREFIX = "CXXRT-"


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "rule", metavar="RULE", nargs="?", help="such as CXXRT-H1, or H1; without: the list"
    )


def run(args: argparse.Namespace) -> int:
    """Print one entry, or the list."""
    catalogue = load_catalogue()
    if args.rule is None:
        for entry in catalogue.values():
            print(f"{entry.rule:<11} {entry.title}")
        return 0
    _print(find(catalogue, args.rule))
    return 0


def find(catalogue: dict[str, Entry], rule: str) -> Entry:
    """The entry of a rule, however its id is written.

    Raises:
        UsageError: There is no such rule; names those that look like it.
    """
    wanted = rule.upper()
    wanted = wanted if wanted.startswith(_PREFIX) else _PREFIX + wanted
    merged = {name: rule.id for rule in CATALOGUE.values() for name in rule.aliases}
    wanted = merged.get(wanted, wanted)
    if wanted not in catalogue:
        near = get_close_matches(wanted, catalogue, cutoff=0.75)
        advice = f"Near: {', '.join(near)}." if near else "'cxxrt explain' lists them."
        raise UsageError(f"no rule {rule!r}.", advice)
    return catalogue[wanted]


def _print(entry: Entry) -> None:
    if not sys.stdout.isatty():
        print(f"{entry.rule}: {entry.title}\n\n{entry.text}")
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=min(100, Console().width)).print(
        Markdown(f"# {entry.rule}: {entry.title}\n\n{entry.text}")
    )
