"""Ask an interpreter, possibly of another environment, about itself.

In: the path of its executable. Out: `Interpreter`. The questions are asked in a child process of
that interpreter (``environment_child.py``), which may be Python 3.4 and later: published wheels
crash in processes as old as 3.6. Nothing of the environment is loaded here.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.errors import InputError, MissingToolError
from cxxrt_toolchain.host.interpreter import Interpreter
from cxxrt_toolchain.plain_files import may_name_a_file, read_plain
from cxxrt_toolchain.temporary import scratch_folder

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.spec import Spec

_CHILD = Path(__file__).with_name("environment_child.py")
_OLDEST_WITH_TAGS = (3, 7)
"""What ``installer/pip_hook.py`` needs."""
_OLD = "It has to be Python 3.4 or newer."
_LOOK = "Look at the start files of its environment (*.pth, sitecustomize) and its _cxxrt."
_TAIL = 4000
"""Bytes of what it printed."""
_TIMEOUT = 60
"""Seconds; a cold network file system takes a few."""


def active_interpreter(environ: Mapping[str, str]) -> str:
    """The executable of the active virtual environment, else of this process."""
    active = environ.get("VIRTUAL_ENV", "")
    found = os.path.join(active, "bin", "python") if active[:1] == "/" else ""  # noqa: PTH118 - a str
    return found if found and os.access(found, os.X_OK) else sys.executable


def find_interpreter(python: str) -> str:
    """The executable that ``--python`` names: itself, or that of a virtual environment.

    Raises:
        InputError: There is no file at that path.
    """
    path = Path(python)
    executable = path / "bin" / "python" if path.is_dir() else path
    if not executable.is_file():
        raise InputError(
            f"no Python interpreter at {python}.",
            "Give the path of an executable or of a virtual environment.",
        )
    return str(executable.absolute())


def describe(executable: str, spec: Spec | None = None, *, with_tags: bool = False) -> Interpreter:
    """Start an interpreter and let it describe itself.

    Args:
        executable: Its path.
        spec: The epochs about which a veto is asked for; None: only where it imports from.
        with_tags: Also compute its tags, with the ``packaging`` that runs here.

    Raises:
        MissingToolError: It cannot be started, or is too old for what is asked.
        InputError: It failed, or wrote something else.
    """
    answer = _ask(executable, None if spec is None else _question(spec, with_tags=with_tags))
    if spec is not None:
        _check_python(executable, answer, with_tags=with_tags)
    return Interpreter(
        executable=executable,
        program=answer["program"],
        python=answer["python"],
        glibc=answer["glibc"] or "",
        prefix=answer["prefix"],
        base_prefix=answer["base_prefix"],
        path=tuple(filter(may_name_a_file, answer["path"])),
        free_threaded=answer["free_threaded"],
        vetoes=tuple((epoch, cuda, arch) for epoch, cuda, arch in answer.get("vetoes", ())),
        manifest=answer.get("manifest"),
        pip=answer.get("pip"),
        tags=tuple(answer.get("tags") or ()),
    )


def _question(spec: Spec, *, with_tags: bool) -> dict[str, Any]:
    epochs = {
        str(epoch.number): {"architectures": epoch.architectures, "cuda_majors": epoch.cuda_majors}
        for epoch in spec.epochs
    }
    return {"epochs": epochs, "packaging": _own_packaging() if with_tags else None}


def _ask(executable: str, question: dict[str, Any] | None) -> dict[str, Any]:
    with scratch_folder() as folder:
        answer = folder / secrets.token_hex(8)
        argument = json.dumps({"answer": str(answer), "question": question})
        with (folder / "noise").open("w+b") as noise:
            try:
                done = subprocess.run(
                    [executable, str(_CHILD), argument],
                    stdin=subprocess.DEVNULL,
                    stdout=noise,
                    stderr=noise,
                    timeout=_TIMEOUT,
                    check=False,
                )
            except OSError as error:
                raise MissingToolError(f"cannot run {executable}: {error.strerror}.") from error
            except subprocess.TimeoutExpired as error:
                raise InputError(
                    f"{executable} did not describe itself in {_TIMEOUT} s.", _LOOK
                ) from error
            noise.seek(max(0, noise.seek(0, os.SEEK_END) - _TAIL))
            said = noise.read(_TAIL).decode("utf-8", "replace")
        found = _read_answer(answer, question)
    if found is None:
        last = (said.strip().splitlines() or ["it wrote nothing"])[-1]
        raise InputError(
            f"{executable} could not describe itself (exit {done.returncode}): {last}.",
            "Look at its module _cxxrt." if "_cxxrt" in said else f"{_OLD} {_LOOK}",
        )
    return found


def _read_answer(file: Path, question: dict[str, Any] | None) -> dict[str, Any] | None:
    """The child's answer; None if there is none, or not one of the form that it writes."""
    try:
        found = json.loads(read_plain(file))
    except (OSError, ValueError, RecursionError):
        return None
    keys = _FORM if question is None else {**_FORM, **_FORM_OF_TAGS}
    whole = isinstance(found, dict) and all(fits(found.get(key)) for key, fits in keys.items())
    return found if whole else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_optional_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _are_vetoes(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(row, list) and list(map(type, row)) == [int, int, str] for row in value
    )


_FORM = {
    **dict.fromkeys(("python", "program", "prefix", "base_prefix"), _is_text),
    "glibc": _is_optional_text,
    "path": _are_texts,
    "free_threaded": _is_flag,
}
_FORM_OF_TAGS = {
    "vetoes": _are_vetoes,
    "manifest": _is_optional_text,
    "pip": _is_optional_text,
    "tags": lambda value: value is None or _are_texts(value),
}


def _check_python(executable: str, answer: dict[str, Any], *, with_tags: bool) -> None:
    version = answer["python"]
    if version_tuple(".".join(version.split(".")[:2])) < _OLDEST_WITH_TAGS:
        raise MissingToolError(
            f"{executable} is Python {version}; this needs 3.7 or newer there.",
            "Its own pip still works: it takes the wheels without the runtime ABI tag.",
        )
    if with_tags and answer["tags"] is None:
        raise MissingToolError(
            f"the tags of {executable} cannot be computed: it is Python {version}, too old for "
            "the package 'packaging' that is installed here."
        )


def _own_packaging() -> str:
    found = find_spec("packaging")
    if found is None or not found.submodule_search_locations:
        raise MissingToolError("the package 'packaging' is not installed.", "pip install packaging")
    return str(Path(next(iter(found.submodule_search_locations))).parent)
