"""Collects the facts of this process and of the installed wheel for ``diagnose()``.

Reads the dynamic sections of what is loaded, ``/proc/self/maps``, the manifest, ``RECORD`` files
and the environment; loads nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import sys

from cxx11_cuda_runtime import _baked, _dl, _load, _loaded, _require
from cxx11_cuda_runtime._blame.culprit import distributions_of
from cxx11_cuda_runtime._blame.elf import read_elf
from cxx11_cuda_runtime._diagnosis import Diagnosis, LoadedObject, ProcessFacts, judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxx11_cuda_runtime._diagnosis import LoadedLibrary

_VARIABLES = (
    "CXXRT_DISABLE",
    "CXXRT_CXX",
    "CXXRT_CUDART",
    "CXXRT_DEBUG",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
)


def diagnose(how: str, subject: Sequence[str] = ()) -> Diagnosis:
    """Collect and judge; the subject is that of ``cxxrt doctor``, by default this process."""
    return judge(facts_of_process(how, subject))


def facts_of_process(how: str, subject: Sequence[str] = ()) -> ProcessFacts:
    """Collect the facts; arguments as for ``diagnose``."""
    supported = _dl.supported()
    libraries = _loaded.loaded(how)
    return ProcessFacts(
        state=how,
        version=_baked.VERSION,
        python=".".join(map(str, sys.version_info[:3])) + f" {sys.executable}",
        glibc=os.confstr("CS_GNU_LIBC_VERSION") or "" if supported else "",
        objects=loaded_objects() if supported else (),
        libraries=libraries,
        package=os.path.dirname(_load.LIB[:-1]),
        vendored_glibcxx=_baked.GLIBCXX,
        remedies=_remedies(libraries),
        damaged=damaged_files(os.path.dirname(_load.LIB[:-1])),
        environment=tuple((name, os.environ[name]) for name in _VARIABLES if name in os.environ),
        full_doctor=full_doctor(subject or ("--pid", str(os.getpid()))),
    )


def loaded_objects() -> tuple[LoadedObject, ...]:
    """Every loaded object in load order."""
    mapped = frozenset(_dl.mapped_files())
    paths = _dl.loaded_paths()
    owners = distributions_of(paths, sys.path)
    rows = []
    for path in paths:
        deleted = f"{path} (deleted)" in mapped
        facts = None if deleted else read_elf(path)
        rows.append(
            LoadedObject(
                path=path,
                soname=facts.soname if facts else path.rpartition("/")[2],
                needed=facts.needed if facts else (),
                distribution=owners.get(path, ""),
                deleted=deleted,
            )
        )
    return tuple(rows)


def full_doctor(subject: Sequence[str]) -> str:
    """The ``cxxrt doctor`` command for a subject: as installed, or through ``uvx`` or ``pipx``."""
    beside = os.path.join(os.path.dirname(sys.executable or ""), "cxxrt")
    if shutil.which("cxxrt"):
        program = ["cxxrt"]
    elif os.access(beside, os.X_OK):
        program = [beside]
    elif shutil.which("uvx"):
        program = ["uvx", "--from", "cxxrt-toolchain", "cxxrt"]
    else:
        program = ["pipx", "run", "--spec", "cxxrt-toolchain", "cxxrt"]
    return " ".join(map(shlex.quote, [*program, "doctor", *subject]))


def _remedies(libraries: Sequence[LoadedLibrary]) -> tuple[str, ...]:
    """What ``require`` would advise to a package that needs all that the wheel has."""
    for library in libraries:
        if library.soname == _load.LIBSTDCXX and library.version:
            minor = _require.parse_glibcxx(library.version)
            if minor < _baked.GLIBCXX:
                error = _require.too_old(_baked.GLIBCXX, minor, library.path, "a package")
                return error.remedies
    return ()


def damaged_files(package: str) -> tuple[str, ...]:
    """Libraries that differ from the wheel's manifest, and why; empty without a manifest."""
    path = os.path.join(package, "manifest.json")
    if not os.path.exists(path):
        return ()
    try:
        with open(path, encoding="utf-8") as file:
            rows = json.load(file)["libraries"]
        files = [(os.path.join(package, row["path"]), row["size"], row["sha256"]) for row in rows]
    except (OSError, ValueError) as error:
        return (f"{path}: {error}",)
    except (KeyError, TypeError) as error:
        return (f"{path}: libraries: {error}",)
    found = ((library, _difference(library, size, sha256)) for library, size, sha256 in files)
    return tuple(f"{library} ({reason})" for library, reason in found if reason)


def _difference(path: str, size: int, sha256: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        return error.strerror or str(error)
    if len(content) != size:
        return f"{len(content)} bytes instead of {size}"
    return "" if hashlib.sha256(content).hexdigest() == sha256 else "other content"
