"""The ``cxxrt`` command: dispatch, and errors to exit codes.

In: the arguments. Out: the exit code of product contract (0 done or
conforms, 1 the answer is no, 2 usage or unusable input, 3 it cannot be done here).
A command is one module with ``configure(parser)`` and ``run(args) -> int``; only the module of
the chosen command is imported, which keeps ``cxxrt --version`` near the interpreter's own start.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is; importing typing takes as long as Python
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

COMMANDS = {
    "runtime": "build the runtime wheel from its recipe, list recipes, run the demo",
    "provider": "build the wheel of a library that many wheels share (protobuf) from its recipe",
    "tags": "what this environment supports, best first",
    "pip": "pip, knowing the runtime ABI tag",
    "show": "facts of wheels: objects, needed libraries, symbol versions, bundled runtimes, tag",
    "check": "the verdict on wheels: 0 conforms, 1 does not, 2 cannot be judged",
    "repair": "make wheels use the shared runtime; the inputs stay as they are",
    "doctor": "what is wrong with an environment, with imports or with a process: 0 healthy",
    "survey": "the same facts and verdicts over a folder, a mirror or an index: plan, run, report",
    "explain": "what a rule means: symptom, cause, evidence, fix",
    "encode": "the same build under another name: ABI tag, plain, or variant",
    "config": "compile and link flags of the installed runtime, for other build systems",
}
"""Command name to its one-line help; the module is ``cxxrt_toolchain.cli.<name>``."""

_INTERRUPTED = 130
_BROKEN_PIPE = 141
"""128 + SIGINT and SIGPIPE, as a shell reports them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; an error becomes one paragraph on stderr."""
    args = list(sys.argv[1:] if argv is None else argv)
    command = args[0] if args and args[0] in COMMANDS else ""
    if sys.stdout is None or sys.stderr is None:
        _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal's encoding lacks
        if getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            return _run(args)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # `cxxrt tags | head`: nobody reads on, which is no error of ours
        _discard(sys.stdout)
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        _complain(command, "interrupted")
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - status 1 would say that a wheel does not conform
        from cxxrt_toolchain.errors import explained

        if isinstance(error, OSError):  # a full disk, above all: the other output has no place
            _discard(sys.stdout)
        code, text = explained(error)
        _complain(command, text)
        return code


def _run(args: list[str]) -> int:
    if args in (["--version"], ["-V"]):
        from cxxrt_toolchain import __version__

        print(f"cxxrt {__version__}")
        return 0
    if not args or args[0] in ("-h", "--help"):
        print(_overview(), file=sys.stdout if args else sys.stderr)
        return 0 if args else 2
    name = args[0]
    if name not in COMMANDS:
        print(f"cxxrt: no command {name!r}. 'cxxrt --help' lists them.", file=sys.stderr)
        return 2
    import argparse
    from importlib import import_module

    command = import_module(f"cxxrt_toolchain.cli.{name}")
    parser = argparse.ArgumentParser(prog=f"cxxrt {name}", description=COMMANDS[name])
    command.configure(parser)
    parsed = parser.parse_args(args[1:])
    from cxxrt_toolchain.temporary import removed_by_signals

    with removed_by_signals():
        return int(command.run(parsed))


def _complain(command: str, text: str) -> None:
    """Write one paragraph to stderr; characters that control a terminal become visible."""
    from cxxrt_toolchain.wording import NEWLINE, printable

    try:
        print(f"{f'cxxrt {command}'.rstrip()}: {printable(text, keep=NEWLINE)}", file=sys.stderr)
        sys.stderr.flush()
    except OSError:  # a full disk: the exit code says it
        _discard(sys.stderr)


def _open_closed_streams() -> None:
    """Let what the caller has closed (cxxrt tags >&-) go nowhere, here and in our children.

    Else the first file that is opened would have the number of standard output.
    """
    import os

    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # noqa: PERF203 - three of them
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - no keyword
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _discard(stream: TextIO) -> None:
    """Make the interpreter's own flush at exit succeed: Python 3.14 ends in 120 if it cannot."""
    import os
    from contextlib import suppress

    with suppress(OSError, ValueError):  # a caller's own stream may have no descriptor
        descriptor = stream.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    return f"usage: cxxrt COMMAND ...\n\n{rows}\n\n'cxxrt COMMAND --help' says more."
