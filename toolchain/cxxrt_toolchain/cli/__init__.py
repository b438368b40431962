"""The ``cxxrt`` command: dispatch, and errors to exit codes.

In: the arguments. Out: the exit code of product contract (0 done or
conforms, 1 the answer is no, 2 usage or unusable input, 3 the environment lacks something).
A command is one module with ``configure(parser)`` and ``run(args) -> int``; only the module of
the chosen command is imported, which keeps ``cxxrt --version`` near the interpreter's own start.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is; importing typing takes as long as Python
if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "runtime": "build the runtime wheel from its recipe, list recipes, run the demo",
    "tags": "what this environment supports, best first",
    "pip": "pip, knowing the runtime ABI tag",
    "show": "facts of wheels: objects, needed libraries, symbol versions, bundled runtimes, tag",
    "check": "the verdict on wheels: 0 conforms, 1 does not, 2 cannot be judged",
    "repair": "make wheels use the shared runtime; the inputs stay as they are",
    "doctor": "what is wrong with an environment, with imports or with a process: 0 healthy",
    "explain": "what a rule means: symptom, cause, evidence, fix",
    "encode": "the same build under another name: ABI suffix, plain, or variant",
    "config": "compile and link flags of the installed runtime, for other build systems",
}
"""Command name to its one-line help; the module is ``cxxrt_toolchain.cli.<name>``."""

_INTERRUPTED = 130
_BROKEN_PIPE = 141
"""128 + SIGINT and SIGPIPE, as a shell reports them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors become one paragraph on stderr."""
    args = list(sys.argv[1:] if argv is None else argv)
    if args in (["--version"], ["-V"]):
        from cxxrt_toolchain import __version__

        print(f"cxxrt {__version__}")
        return 0
    if not args or args[0] in ("-h", "--help"):
        print(_overview(), file=sys.stdout if args else sys.stderr)
        return 0 if args else 2
    if args[0] not in COMMANDS:
        print(f"cxxrt: no command {args[0]!r}. 'cxxrt --help' lists them.", file=sys.stderr)
        return 2
    return _run(args[0], args[1:])


def _run(name: str, args: list[str]) -> int:
    import argparse
    import os
    from importlib import import_module

    from cxxrt_toolchain.errors import MissingToolError, ToolchainError

    command = import_module(f"cxxrt_toolchain.cli.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"cxxrt {name}", description=COMMANDS[name])
    command.configure(parser)
    try:
        code = int(command.run(parser.parse_args(args)))
        sys.stdout.flush()
    except ToolchainError as error:
        print(f"cxxrt {name}: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # `cxxrt tags | head`: nobody reads on, which is no error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except OSError as error:  # a full disk, above all: what is left of the output has no place
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"cxxrt {name}: {error}", file=sys.stderr)
        return MissingToolError.exit_code
    except KeyboardInterrupt:
        print(f"cxxrt {name}: interrupted", file=sys.stderr)
        return _INTERRUPTED
    return code


def _overview() -> str:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    return f"usage: cxxrt COMMAND ...\n\n{rows}\n\n'cxxrt COMMAND --help' says more."
