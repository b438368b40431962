"""The synthetic matrix: each crash as two small wheels, built the usual way and with our backend.

In: ``tests/packages/crash_*``, this machine's g++, the runtime wheel. Out: ``matrix.json``, from
which the tables of README.md here and PEP-DRAFT.rst are made.

    python tests/crashes/run_matrix.py [CASE...]    # measure and print
    python tests/crashes/run_matrix.py --write      # and record, and write the tables
    python tests/crashes/run_matrix.py --tables     # write the tables from what is recorded
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "spec"))  # pep_tables, which makes the PEP's

import matrix_tables as tables
import pep_tables
from crash_builds import Workshop
from crash_case import find_cases
from measuring import measure
from toolsets import Toolsets, missing, newest_version, run


def main() -> None:
    """Measure and print, or record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", metavar="CASE", nargs="*", help="all, if none is named")
    parser.add_argument("--wheel", type=Path, help="the runtime wheel; built if not given")
    parser.add_argument("--write", action="store_true", help="record, and write the tables")
    parser.add_argument("--tables", action="store_true", help="write the tables, measure nothing")
    parser.add_argument("--keep", type=Path, help="a new folder for the wheels, which stays")
    options = parser.parse_args()
    if not options.tables:
        rows = _measured(options)
        print(tables.markdown(rows))
    if options.write:
        known = {**tables.recorded().cases, **rows}
        cases = {case.name: known[case.name] for case in find_cases()}
        tables.record(tables.Matrix(host=newest_version(), cases=cases))
    if options.write or options.tables:
        tables.README.write_text(tables.rendered(tables.README.read_text()), encoding="utf-8")
        text = pep_tables.PROPOSAL.read_text(encoding="utf-8")
        pep_tables.PROPOSAL.write_text(pep_tables.rendered(text), encoding="utf-8")


def _measured(options: argparse.Namespace) -> dict[str, tables.Row]:
    known = {case.name: case for case in find_cases()}
    cases = [known[name] for name in options.cases] or list(known.values())
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        wheel = options.wheel or _runtime_wheel(folder / "runtime-wheel")
        workshop = Workshop(
            folder=folder, runtime=wheel.resolve(), toolsets=Toolsets(folder.resolve())
        )
        rows = {}
        for case in cases:
            if problem := missing(case):
                sys.stderr.write(f"{case.name}: not measured: {problem}\n")
                continue
            rows[case.name] = measure(case, workshop).as_json()
            sys.stderr.write(f"{case.name}: {json.dumps(rows[case.name])}\n")
        return rows


def _runtime_wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build", "-w", str(folder)]
    return Path(run(*command).splitlines()[-1])


if __name__ == "__main__":
    main()
