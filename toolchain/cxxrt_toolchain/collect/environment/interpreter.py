"""An interpreter of any age -> where it imports from.

In: the path of an executable or of a virtual environment. Out: `Interpreter`. Asked in a child
process of it (`interpreter_child`), which may be Python 3.4 and later: the crashes that started
all this happened on 3.6. `host.interpreter` asks newer ones about their tags.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.errors import InputError, MissingToolError
from cxxrt_toolchain.facts.installed import Interpreter

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHILD = Path(__file__).with_name("interpreter_child.py")
_TIMEOUT = 60
"""Seconds; a cold network file system takes a few."""


def find_executable(python: str | None, environ: Mapping[str, str]) -> str:
    """The executable that ``--python`` names; without it the active environment's, else ours.

    Raises:
        InputError: There is none.
    """
    if python is None:
        active = environ.get("VIRTUAL_ENV")
        found = Path(active, "bin", "python") if active else None
        return str(found) if found and os.access(found, os.X_OK) else sys.executable
    path = Path(python)
    executable = path / "bin" / "python" if path.is_dir() else path
    if not executable.is_file():
        raise InputError(
            f"no Python interpreter at {python}.",
            "Give the path of an executable or of a virtual environment.",
        )
    return str(executable.absolute())


def ask(executable: str) -> Interpreter:
    """Start an interpreter and let it describe itself.

    Raises:
        MissingToolError: It cannot be started.
        InputError: It failed, or said something else.
    """
    try:
        done = subprocess.run(
            [executable, str(_CHILD)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except OSError as error:
        raise MissingToolError(f"cannot run {executable}: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{executable} did not describe itself in {_TIMEOUT} s.",
            "Look at the start files of its environment (*.pth, sitecustomize).",
        ) from error
    answer = _answer(done.stdout)
    if done.returncode or answer is None:
        last = (done.stderr.strip().splitlines() or ["it wrote nothing"])[-1]
        raise InputError(
            f"{executable} could not describe itself (exit {done.returncode}): {last}.",
            "It has to be Python 3.4 or newer.",
        )
    return Interpreter(
        executable=executable,
        program=answer["program"],
        python=answer["python"],
        glibc=answer["glibc"] or "",
        prefix=answer["prefix"],
        base_prefix=answer["base_prefix"],
        path=tuple(answer["path"]),
    )


def _answer(output: str) -> dict[str, Any] | None:
    try:
        answer = json.loads(output.splitlines()[-1])
    except (IndexError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None
