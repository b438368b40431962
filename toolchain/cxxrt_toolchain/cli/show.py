"""``cxxrt show``: the facts of wheels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.report.text import Page, show_report
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    import argparse

    from cxxrt_toolchain.facts.wheel import WheelReport


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path)
    parser.add_argument("--json", action="store_true", help="everything, as one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print the reports."""
    reports, tables = map(_report, args.wheels), load_symbol_tables()
    if args.json:
        import json

        from cxxrt_toolchain.report.documents import REPORT_SCHEMA, report_document

        documents = [report_document(report, tables) for report in reports]
        print(json.dumps({"schema": REPORT_SCHEMA, "wheels": documents}, indent=1))
        return 0
    page = Page()
    for number, report in enumerate(reports):
        if number:
            page.line()
        show_report(page, report, tables)
    return 0


def _report(path: Path) -> WheelReport:
    with Wheel.open(path) as wheel:
        return collect(wheel, record=False)
