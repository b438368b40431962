"""The interpreter that a process runs, and the folders that it imports from.

The folders are those above what is mapped, and site-packages of the environment that it was started
from, where an editable install maps nothing. The process is not asked anything. Lists folders; of
files, reads the manifest of an installed runtime only.

Source: the module `site`, and CPython's Modules/getpath.py: how a program finds its environment.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import InputError, MissingToolError
from cxxrt_toolchain.facts.families import LIBSTDCXX
from cxxrt_toolchain.host.interpreter import Interpreter
from cxxrt_toolchain.host.runtime_folder import find_runtime

if TYPE_CHECKING:
    from cxxrt_toolchain.collect.process.procfs import ProcessFacts

_INTERPRETER = re.compile(r"(?:python|pypy)[\d.]*[dt]?\Z")
_PYTHON = re.compile(r"(?:lib)?python(\d\.\d+)")
_SYSTEM = ("/lib", "/usr/lib")
_SITE = re.compile(r".*?/(?:site|dist)-packages(?=/|\Z)", re.DOTALL)


def interpreter_of(facts: ProcessFacts) -> Interpreter:
    """The interpreter of a process, from its files; also for a program that is not Python."""
    names = (facts.executable, *(each.path for each in facts.code if "/libpython" in each.path))
    versions = (match[1] for name in names if (match := _PYTHON.search(name.rpartition("/")[2])))
    python = next(versions, "")
    base = facts.executable.rpartition("/bin/")[0]
    started = _started_from(facts, python) if python else ()
    listed = facts.environment.get("PYTHONPATH", "").split(":")
    folders = dict.fromkeys(
        (*_sites(facts), *started, *(facts.chroot + each for each in listed if each))
    )
    conda = facts.environment.get("CONDA_PREFIX")
    return Interpreter(
        executable=facts.executable,
        program=facts.executable,
        python=python,
        glibc="",
        prefix=facts.root + (facts.chroot + conda if conda else base),
        base_prefix=facts.root + base,
        path=tuple(facts.root + folder for folder in folders),
        root=facts.root + facts.chroot,
    )


def _started_from(facts: ProcessFacts, python: str) -> Iterator[str]:
    """The site-packages of the environment that it was started from, and the user's own."""
    virtual = next(map(_virtual, _called(facts)), "").removeprefix(facts.root)
    home = facts.chroot + facts.environment.get("HOME", "")
    base = facts.executable.rpartition("/bin/")[0]
    for prefix in (virtual,) if virtual else (base, f"{home}/.local"):
        folder = f"{prefix}/lib/python{python}/site-packages"
        if folder[:1] == "/" and os.path.isdir(facts.root + folder):  # noqa: PTH112 - a string
            yield folder


def _called(facts: ProcessFacts) -> Iterator[str]:
    """The paths by which the program may have been started; symlinks tell the environment."""
    name = (facts.arguments or ("",))[0]
    own = facts.root + facts.chroot
    if name[:1] == "/":
        yield own + name
    elif "/" in name:
        with contextlib.suppress(OSError):
            folder = os.readlink(f"/proc/{facts.pid}/cwd")  # noqa: PTH115 - a string
            yield f"{facts.root}{folder}/{name}"
    else:
        folders = facts.environment.get("PATH", "").split(":")
        found = (f"{own}{folder}/{name}" for folder in folders)
        yield from (place for place in found if os.access(place, os.X_OK))


def _virtual(place: str) -> str:
    prefix = os.path.normpath(place).rpartition("/bin/")[0]
    return prefix if prefix and os.path.isfile(f"{prefix}/pyvenv.cfg") else ""  # noqa: PTH113 - a string


def _sites(facts: ProcessFacts) -> Iterator[str]:
    """Folders that hold installed distributions, above the files that are mapped."""
    parents = dict.fromkeys([each.path[: each.path.rfind("/")] for each in facts.code])
    parents.pop(facts.executable.rpartition("/")[0], None)  # programs lie there, no packages
    known: dict[str, bool] = {}
    for parent in parents:
        site = _SITE.match(parent)
        if site is not None:
            yield site[0]
            continue
        if parent.startswith(_SYSTEM) or parent.endswith("/lib-dynload"):
            continue
        folder = parent
        for _ in range(4):
            if folder.count("/") < 2:  # noqa: PLR2004 - nothing is installed at the root
                break
            if folder not in known:
                known[folder] = _holds_distributions(facts.root + folder)
            if known[folder]:
                yield folder
            folder = folder.rpartition("/")[0]


def _holds_distributions(folder: str) -> bool:
    try:
        return any(name.endswith((".dist-info", ".egg-info")) for name in os.listdir(folder))  # noqa: PTH208 - names
    except OSError:
        return False


def runtime_of(search: Iterable[str]) -> tuple[str, str]:
    """The newest ``GLIBCXX`` of the runtime wheel in some folders, and the path of its libstdc++.

    Empty texts without one.
    """
    try:
        folder = find_runtime(search)
        highest = folder.manifest.highest("GLIBCXX")
    except (MissingToolError, InputError, OSError):  # not installed, or its manifest is damaged
        return "", ""
    return (f"GLIBCXX_{highest}", str(folder.libraries / LIBSTDCXX)) if highest else ("", "")


def host_of(executable: str, libraries: Iterable[str]) -> tuple[str, str]:
    """The program, unless it is a Python interpreter; and the folder that it was packed into.

    Packers put the interpreter's library below the program's folder (PyInstaller, cx_Freeze,
    Nuitka), or unpack it into ``/tmp/_MEI...`` (PyInstaller's one file).
    """
    folder, _, name = executable.rpartition("/")
    if _INTERPRETER.match(name):
        return "", ""
    own = (
        path.rpartition("/")[0]
        for path in libraries
        if "/libpython" in path and (path.startswith(f"{folder}/") or "/_MEI" in path)
    )
    return executable, next(own, "")
