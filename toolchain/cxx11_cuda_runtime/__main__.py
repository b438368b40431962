"""``python -m cxx11_cuda_runtime [doctor|run|activate|deactivate]``.

Exit codes: 0 done or healthy; 1 unhealthy, or an import, hook or preload failed; 2 usage; 3 the
output cannot be written. ``run`` exits with the program's own code.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import cxx11_cuda_runtime
from cxx11_cuda_runtime import _baked
from cxx11_cuda_runtime._dl import supported
from cxx11_cuda_runtime._errors import HookError, RuntimeLoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_working_folder: list[str] = []
"""What ``-m`` put first on sys.path. It is for the modules of ``--import``; none of ours, and of
the standard library that this command imports, comes from there."""

_BROKEN_PIPE = 141
"""128 + SIGPIPE, as a shell reports it."""

_NOTES = """\
environment variables (none is needed):
  CXXRT_DISABLE=1  load nothing
  CXXRT_CXX        libstdc++: auto (the newest of ours, conda's, LD_LIBRARY_PATH's
                   and the system's), vendored, system, or a path
  CXXRT_CUDART     libcudart: auto (NVIDIA's wheel, conda's, ours, the system's),
                   nvidia, vendored, system, or a path
  CXXRT_DEBUG=1    report on stderr what was found and chosen

A libstdc++ that the process has already is never replaced: it is made global and
checked, or refused with the name of the module that loaded it.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments, program = _split(list(sys.argv[1:] if argv is None else argv))
    args = _parser().parse_args(arguments)
    args.program = program
    try:
        if args.command is not _off:
            cxx11_cuda_runtime.load()  # raises what the import has put off
        code = int(args.command(args))
        sys.stdout.flush()
    except (RuntimeLoadError, HookError) as error:
        sys.stderr.write(f"cxx11-cuda-runtime: {error}\n")
        return 1
    except OSError as error:  # a closed pipe or a full disk
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return _BROKEN_PIPE
        sys.stderr.write(f"cxx11-cuda-runtime: {error}\n")
        return 3
    return code


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """Our arguments, and the program of ``run``, which argparse would parse as options."""
    if argv[:1] != ["run"]:
        return argv, []
    ours = 1
    while ours < len(argv) and argv[ours] in {"--no-inherit", "-h", "--help"}:
        ours += 1
    return argv[:ours], argv[ours:]


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m cxx11_cuda_runtime",
        epilog=_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_baked.VERSION)
    parser.set_defaults(command=_doctor, json=False, imports="")
    commands = parser.add_subparsers(title="commands")
    doctor = commands.add_parser(
        "doctor", help="list the loaded runtimes and what is wrong with them"
    )
    doctor.add_argument("--json", action="store_true", help="a document instead of text")
    doctor.add_argument(
        "--import", dest="imports", default="", metavar="A,B", help="modules to import first"
    )
    doctor.set_defaults(command=_doctor)
    run = commands.add_parser(
        "run",
        help="start a program with the newest libstdc++ preloaded",
        usage="%(prog)s [-h] [--no-inherit] SCRIPT… | -m MODULE… | -c CODE…",
    )
    run.add_argument(
        "--no-inherit",
        action="store_true",
        help="take LD_PRELOAD out of the environment that the program's children get",
    )
    run.set_defaults(command=_run)
    for name, text, command in (
        ("activate", "load the runtime at every start of this Python", _on),
        ("deactivate", "undo activate", _off),
    ):
        hook = commands.add_parser(name, help=text)
        hook.add_argument("--user", action="store_true", help="in the user's site-packages")
        hook.set_defaults(command=command)
        if command is _on:
            hook.add_argument(
                "--cudart",
                metavar="MAJOR",
                action="append",
                default=[],
                type=_major,
                help="also load libcudart of this CUDA major, for packages that do not find it",
            )
    return parser


def _major(text: str) -> str:
    """A CUDA major; `ValueError`, as argparse wants it, for another text."""
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(text)
    return text


def _doctor(args: argparse.Namespace) -> int:
    from cxx11_cuda_runtime._doctor import text
    from cxx11_cuda_runtime._doctor.process import diagnose

    imported = [_import(name) for name in args.imports.split(",") if name]
    # This process ends before a command could look at it: the same imports in a new one, then.
    subject = ["--python", sys.executable]
    subject += ["--import", args.imports] if args.imports else []
    diagnosis = diagnose(cxx11_cuda_runtime._how, subject)  # noqa: SLF001 - the package's own
    print(text.as_json(diagnosis) if args.json else text.as_text(diagnosis))
    return 0 if diagnosis.healthy and all(imported) else 1


def _import(name: str) -> bool:
    sys.path[:0] = _working_folder
    try:
        import_module(name)
    except Exception as error:  # noqa: BLE001 - a module may raise whatever it likes
        sys.stderr.write(f"cxx11-cuda-runtime: import {name}: {type(error).__name__}: {error}\n")
        return False
    finally:
        del sys.path[: len(_working_folder)]
    return True


def _run(args: argparse.Namespace) -> int:
    from cxx11_cuda_runtime import _run

    if not args.program:
        sys.stderr.write("cxx11-cuda-runtime: run: which program?\n")
        return 2
    _run.run(args.program, inherit=not args.no_inherit)
    return 0  # not reached: run becomes the program


def _on(args: argparse.Namespace) -> int:
    from cxx11_cuda_runtime import _activate

    if not supported():
        message = import_module("cxx11_cuda_runtime._diagnosis").IDLE["unsupported"]
        sys.stderr.write(f"cxx11-cuda-runtime: {message}. Nothing was activated. [CXXRT-L107]\n")
        return 1
    for major in args.cudart:  # one that is not found would be reported at every start
        cxx11_cuda_runtime.require(cudart=major, who="the start-up hook")
    folder = _activate.site_folder(user=args.user)
    print(f"activated: {_activate.activate(folder, cudart=list(dict.fromkeys(args.cudart)))}")
    return 0


def _off(args: argparse.Namespace) -> int:
    from cxx11_cuda_runtime import _activate

    path = _activate.deactivate(_activate.site_folder(user=args.user))
    print(f"deactivated: {path}" if path else "not active")
    return 0


def _leave_working_folder() -> list[str]:
    try:
        working = os.getcwd()
    except OSError:  # it was deleted
        working = ""
    first = sys.path[:1]
    if first in ([""], [working]):
        del sys.path[0]
        return first
    return []


if __name__ == "__main__":
    _working_folder = _leave_working_folder()
    sys.exit(main())
