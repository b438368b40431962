"""``python -m cxx11_cuda_runtime run``: starts a program with the newest libstdc++ preloaded.

The process becomes that Python, with ``LD_PRELOAD`` set. For an older libstdc++ that is loaded
before any Python code runs, or by a package that cannot be imported later.
"""

from __future__ import annotations

import os
import sys

from cxx11_cuda_runtime import _load
from cxx11_cuda_runtime._errors import LibraryLoadError, UnbuiltError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_INHERITED = """\
import os, sys
if sys.path[:1] == [""]:  # before runpy: what lies in the working directory is not the program
    del sys.path[0]
import runpy
before, program = sys.argv[1], sys.argv[2:]
os.environ.pop("LD_PRELOAD")
if before:
    os.environ["LD_PRELOAD"] = before
if program[0] == "-m":
    sys.argv = program[1:]
    sys.path.insert(0, os.getcwd())
    runpy.run_module(program[1], run_name="__main__", alter_sys=True)
elif program[0] == "-c":
    sys.argv = ["-c", *program[2:]]
    sys.path.insert(0, "")
    exec(program[1], {"__name__": "__main__"})
else:
    sys.argv = program
    sys.path.insert(0, os.path.dirname(os.path.abspath(program[0])))
    runpy.run_path(program[0], run_name="__main__")
"""
"""Removes ``LD_PRELOAD`` from the environment of the program's children, then runs the program."""


def preload_paths() -> tuple[str, ...]:
    """The newest libstdc++, and before it the vendored one's libgcc_s; else `UnbuiltError`."""
    rows = _load.candidates(_load.setting("CXXRT_CXX") or "auto")
    if not rows:
        raise UnbuiltError("run: this copy of the package carries no libraries.")
    _, how, path = rows[0]
    return (_load.LIB + _load.LIBGCC_S, path) if how == "vendored" else (path,)


def merged_preload(ours: Sequence[str], before: str) -> str:
    """The value of ``LD_PRELOAD`` with our paths first and without other copies of them.

    The dynamic linker does not compare SONAMEs of preloaded paths, so both copies would be mapped.
    `LibraryLoadError`: a path has a space or colon, which separate entries (ld.so(8)).
    """
    for path in ours:
        if " " in path or ":" in path:
            raise LibraryLoadError(
                f"cannot preload {path}: LD_PRELOAD cannot name a path with a space or colon.",
                ["install into a folder without these in its path"],
            )
    theirs = [
        entry
        for entry in before.replace(":", " ").split()
        if not os.path.basename(entry).startswith((_load.LIBSTDCXX, _load.LIBGCC_S))
    ]
    return ":".join(dict.fromkeys([*ours, *theirs]))


def run(program: Sequence[str], *, inherit: bool) -> None:
    """Become ``python PROGRAM…``; whether its children inherit the preload, too."""
    before = os.environ.get("LD_PRELOAD", "")
    environ = dict(os.environ, LD_PRELOAD=merged_preload(preload_paths(), before))
    arguments = list(program) if inherit else ["-c", _NOT_INHERITED, before, *program]
    os.execve(sys.executable, [sys.executable, *arguments], environ)  # noqa: S606 - on purpose
