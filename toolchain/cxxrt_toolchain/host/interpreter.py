"""An interpreter, possibly of another environment, describes itself.

In: the path of its executable. Out: ``Interpreter``, frozen. The questions are asked in a child
process of that interpreter (``environment_child.py``); nothing of the environment is loaded here.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.errors import InputError, MissingToolError, StepFailedError

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.spec import Spec

_CHILD = Path(__file__).with_name("environment_child.py")
_OLDEST_PYTHON = (3, 7)
_TIMEOUT = 60
"""Seconds; a cold network file system takes a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """What an interpreter says of its environment."""

    executable: str
    python: str
    """For example ``3.11.7``."""
    glibc: str | None
    """For example ``2.36``; None with another C library."""
    vetoes: tuple[tuple[int, int, str], ...]
    """(epoch, CUDA major or 0, architecture) that its ``_cxxrt`` module refuses."""
    manifest_path: Path | None
    """``manifest.json`` of the runtime wheel that is installed there."""
    manifest_text: str | None
    pip: str | None
    """The directory that its pip lies in."""
    tags: tuple[str, ...]
    """What ``packaging`` computes there, best first; empty where nobody asked."""


def find_interpreter(python: str) -> str:
    """The executable that ``--python`` names: itself, or that of a virtual environment.

    Raises:
        InputError: There is none.
    """
    path = Path(python)
    executable = path / "bin" / "python" if path.is_dir() else path
    if not executable.is_file():
        raise InputError(
            f"no Python interpreter at {python}.",
            "Give the path of an executable or of a virtual environment.",
        )
    return str(executable)


def describe(executable: str, spec: Spec, *, with_tags: bool = False) -> Interpreter:
    """Ask an interpreter about its environment.

    Args:
        executable: Its path.
        spec: The epochs about which a veto is asked for.
        with_tags: Also compute its tags, with the ``packaging`` that runs here.

    Raises:
        MissingToolError: It cannot be started, or is too old.
        StepFailedError: It failed; most likely its ``_cxxrt`` module did.
    """
    question = {
        "epochs": {
            str(epoch.number): {
                "architectures": epoch.architectures,
                "cuda_majors": epoch.cuda_majors,
            }
            for epoch in spec.epochs
        },
        "packaging": _own_packaging() if with_tags else None,
    }
    answer = _ask(executable, json.dumps(question))
    if with_tags and answer["tags"] is None:
        raise MissingToolError(
            f"the tags of {executable} cannot be computed: it is Python {answer['python']}, too "
            "old for the package 'packaging' that is installed here."
        )
    manifest = answer["manifest"] or {"path": None, "text": None}
    return Interpreter(
        executable=executable,
        python=answer["python"],
        glibc=answer["glibc"],
        vetoes=tuple((epoch, cuda, arch) for epoch, cuda, arch in answer["vetoes"]),
        manifest_path=Path(manifest["path"]) if manifest["path"] else None,
        manifest_text=manifest["text"],
        pip=answer["pip"],
        tags=tuple(answer["tags"] or ()),
    )


def _ask(executable: str, question: str) -> dict[str, Any]:
    command = [executable, str(_CHILD)]
    try:
        done = subprocess.run(
            command, input=question, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except OSError as error:
        raise MissingToolError(f"cannot run {executable}: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise StepFailedError(
            f"{executable} did not describe its environment in {_TIMEOUT} s.",
            "If it has a module _cxxrt, look there.",
        ) from error
    if done.returncode != 0:
        _check_python(executable)
        raise StepFailedError(
            f"{executable} could not describe its environment (exit {done.returncode}):\n"
            f"{done.stderr.strip()[-2000:]}\n",
            "If the last line names _cxxrt, that module of the environment is broken.",
        )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _check_python(executable: str) -> None:
    """Look for the reason of a failure in the Python version."""
    command = [executable, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    major, _, minor = done.stdout.strip().partition(".")
    if major.isdigit() and minor.isdigit() and (int(major), int(minor)) < _OLDEST_PYTHON:
        raise MissingToolError(
            f"{executable} is Python {major}.{minor}; this needs 3.7 or newer there.",
            "Its own pip still works: it takes the wheels without the runtime ABI tag.",
        )


def _own_packaging() -> str:
    found = find_spec("packaging")
    if found is None or not found.submodule_search_locations:
        raise MissingToolError("the package 'packaging' is not installed.", "pip install packaging")
    return str(Path(next(iter(found.submodule_search_locations))).parent)
