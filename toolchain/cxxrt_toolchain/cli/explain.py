"""``cxxrt explain``: what a rule means, and the catalogue of all rules."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from cxxrt_toolchain.report.catalogue import load_catalogue, paragraphs
from cxxrt_toolchain.report.terminal import Page
from cxxrt_toolchain.rules.every import CATALOGUE, SCENES
from cxxrt_toolchain.rules.selection import find_rule

if TYPE_CHECKING:
    from cxxrt_toolchain.rules.rule import Rule

_STYLES = {"": "", "strong": "bold", "code": "cyan"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "rule", metavar="RULE", nargs="?", help="such as CXXRT-H1, or H1; without: all, as a table"
    )


def run(args: argparse.Namespace) -> int:
    """Print one entry, or the table."""
    if args.rule is None:
        _print_table()
    else:
        _print_entry(find_rule(args.rule, CATALOGUE))
    return 0


def _print_table() -> None:
    rows = [("rule", "judges", "title")]
    rows += [(each, _scenes(CATALOGUE[each]), CATALOGUE[each].title) for each in load_catalogue()]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for rule, scenes, title in rows:
        print(f"{rule:<{widths[0]}}  {scenes:<{widths[1]}}  {title}")


def _scenes(rule: Rule) -> str:
    """What the rule looks at; a rule without scenes is one of the runtime's loader."""
    return ", ".join(name for kind, name in SCENES.items() if kind in rule.scenes) or "loader"


def _print_entry(rule: Rule) -> None:
    entry = load_catalogue()[rule.id]
    facts = [f"Judges: {_scenes(rule)}."]
    if rule.promise:
        facts.append("Cannot be ignored: it breaks what the wheel's tag promises.")
    head, text = f"{rule.id}: {rule.title}", f"{' '.join(facts)}\n\n{entry.text}"
    if not sys.stdout.isatty():
        print(f"{head}\n\n{text}")
        return
    page = Page()
    page.width = min(100, page.width)
    page.line((head, "bold"))
    for spans in paragraphs(text):
        page.line()
        page.table([[[(words, _STYLES[kind]) for words, kind in spans]]])
