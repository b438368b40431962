"""``cxxrt show``: the facts of wheels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.audit.collect import collect
from cxxrt_toolchain.audit.documents import SCHEMA, report_document
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path)
    parser.add_argument("--json", action="store_true", help="everything, as one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print the reports."""
    tables = load_symbol_tables()
    documents = []
    for number, path in enumerate(args.wheels):
        with Wheel.open(path) as wheel:
            report = collect(wheel, record=False)
        if args.json:
            documents.append(report_document(report, tables))
            continue
        from cxxrt_toolchain.cli.render import make_console, show_report  # noqa: PLC0415 - start-up

        console = make_console()
        if number:
            console.print()
        show_report(console, report, tables)
    if args.json:
        print(json.dumps({"schema": SCHEMA, "wheels": documents}, indent=1))
    return 0
