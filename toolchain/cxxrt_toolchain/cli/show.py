"""``cxxrt show``: the facts of wheels."""

import argparse
from typing import Any

from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.cli.addresses import wheel_at
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.report.terminal import Page
from cxxrt_toolchain.report.text import show_names, show_report
from cxxrt_toolchain.web.address import is_address


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "wheels", metavar="WHEEL", nargs="+", help="a file, or its address (https:// or http://)"
    )
    parser.add_argument("--json", action="store_true", help="everything, as one JSON document")
    parser.add_argument(
        "--full",
        action="store_true",
        help="fetch a wheel at an address whole; else what two ranges of it tell",
    )


def run(args: argparse.Namespace) -> int:
    """Print the reports, one as soon as it is there; of an address without --full the names."""
    page, tables = Page(), load_symbol_tables()
    documents: list[dict[str, Any]] = []
    names: list[dict[str, Any]] = []
    for number, place in enumerate(args.wheels):
        if number and not args.json:
            page.line()
        if is_address(place) and not args.full:
            from cxxrt_toolchain.survey.rows import remote_names

            with wheel_at(place, whole=False) as wheel:
                row, objects = remote_names(wheel)
            if args.json:
                names.append({"wheel": row, "objects": objects})
            else:
                show_names(page, row, objects)
            continue
        with wheel_at(place) as wheel:
            report = collect(wheel, record=False)
        if args.json:
            from cxxrt_toolchain.report.documents import report_document

            documents.append(report_document(report, tables))
        else:
            show_report(page, report, tables)
    if args.json:
        import json

        from cxxrt_toolchain.report.documents import REPORT_SCHEMA

        more = {"names": names} if names else {}
        print(json.dumps({"schema": REPORT_SCHEMA, "wheels": documents, **more}, indent=1))
    return 0
