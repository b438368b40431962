"""``cxxrt doctor``: what is wrong with an environment, with imports or with a process.

Exit 0 healthy, 1 findings, 2 unusable input, 3 it cannot be done here.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.cli.selection import add_options, selection
from cxxrt_toolchain.collect.store import Store, cache_folder
from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.host.describe import active_interpreter, find_interpreter
from cxxrt_toolchain.host.frozen import find_frozen
from cxxrt_toolchain.processors import usable_processors
from cxxrt_toolchain.wording import printable

if TYPE_CHECKING:
    from cxxrt_toolchain.report.diagnosis import Diagnosis

HEALTHY, FINDINGS = 0, 1
_CLEARED = "\r\x1b[2K"
"""Returns to the beginning of a terminal's line and empties it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "--python",
        metavar="EXE",
        help="another environment: its interpreter or its folder, also a program that PyInstaller, "
        "cx_Freeze or Nuitka packed; default: the active environment",
    )
    subject = parser.add_mutually_exclusive_group()
    subject.add_argument(
        "--import",
        metavar="A,B",
        dest="modules",
        help="import these modules in this order in a child process and look at it",
    )
    subject.add_argument("--pid", metavar="N", type=int, help="a running process")
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="everything, as one JSON document")
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="also write a page that shows who needs what"
    )


def run(args: argparse.Namespace) -> int:
    """Print the diagnosis."""
    chosen = selection(args)
    diagnosis = _diagnose(args)
    diagnosis = replace(diagnosis, findings=chosen.apply(diagnosis.findings))
    if args.html is not None:
        from cxxrt_toolchain.report.page.document import write_page

        write_page(diagnosis, args.html)
    if args.json:
        from cxxrt_toolchain.report.documents import diagnosis_document

        print(json.dumps(diagnosis_document(diagnosis), indent=1))
    else:
        from cxxrt_toolchain.report.diagnosis_text import show_diagnosis

        show_diagnosis(diagnosis)
    return HEALTHY if diagnosis.healthy else FINDINGS


def _diagnose(args: argparse.Namespace) -> Diagnosis:
    store = Store(cache_folder(os.environ))
    workers = 2 * usable_processors()  # a first look waits for the disk half of the time
    if args.pid is not None:
        if args.python is not None:
            raise UsageError("--pid examines a running process; --python has no meaning there.")
        from cxxrt_toolchain.doctor.process import diagnose_process

        return diagnose_process(args.pid, store=store, workers=workers)
    packed = find_frozen(args.python) if args.python else None
    if packed is not None:
        if args.modules is not None:
            raise UsageError(
                "a packed program imports what it was made for; --import has no meaning there.",
                "Start it, and look at it while it runs: cxxrt doctor --pid N",
            )
        from cxxrt_toolchain.doctor.environment import diagnose_packed

        return diagnose_packed(packed, os.environ, store=store, workers=workers)
    executable = find_interpreter(args.python) if args.python else active_interpreter(os.environ)
    if args.modules is not None:
        from cxxrt_toolchain.doctor.imports import diagnose_imports

        modules = _modules(args.modules)
        with _progress(wanted=not args.json) as say:
            return diagnose_imports(executable, modules, store=store, say=say)
    from cxxrt_toolchain.doctor.environment import diagnose_environment

    return diagnose_environment(executable, os.environ, store=store, workers=workers)


def _modules(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("--import names no module.", "For example --import pyarrow,torch.")
    return names


@contextmanager
def _progress(*, wanted: bool) -> Iterator[Callable[[str], None]]:
    """A function that shows the line that it was given last on standard error, from any thread."""
    if not wanted or not sys.stderr.isatty():
        yield lambda _line: None
        return
    width = shutil.get_terminal_size().columns - 1

    def show(line: str) -> None:
        sys.stderr.write(f"{_CLEARED}{printable(line)[:width]}")
        sys.stderr.flush()

    try:
        yield show
    finally:
        show("")
