"""Collects what the diagnosis needs to know of this process, and of the installed wheel.

What goes in: how libstdc++ came to be here. What comes out: a ``Diagnosis``. Reads the ELF files of
what is loaded, /proc/self/maps, the manifest and the environment; loads nothing.
"""

from __future__ import annotations

import hashlib
import os
import sys

from cxx11_cuda_runtime import _baked, _dl, _linkmap, _load, _loaded, _require
from cxx11_cuda_runtime._blame.elf import read_elf
from cxx11_cuda_runtime._diagnosis import Diagnosis, LoadedObject, ProcessFacts, judge
from cxx11_cuda_runtime._doctor.idle import idle_copies
from cxx11_cuda_runtime._doctor.manifest import ManifestError, parse_manifest

_VARIABLES = (
    "CXXRT_DISABLE",
    "CXXRT_CXX",
    "CXXRT_CUDART",
    "CXXRT_DEBUG",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
)


def diagnose(how: str) -> Diagnosis:
    """Look, then judge."""
    return judge(facts_of_process(how))


def facts_of_process(how: str) -> ProcessFacts:
    """Look at this process."""
    supported = _dl.supported()
    objects, needs = _look() if supported else ((), {})
    libraries = _loaded.loaded(how)
    loaded, culprit = 0, ""
    remedies: tuple[str, ...] = ()
    for library in libraries:
        if library.soname == _load.LIBSTDCXX and library.version:
            loaded = _require.parse_glibcxx(library.version)
            if loaded < _baked.GLIBCXX:
                error = _require.too_old(_baked.GLIBCXX, loaded, library.path, "the newest package")
                culprit, remedies = error.culprit, error.remedies
    return ProcessFacts(
        state=how,
        idle=idle_copies(objects, needs),
        version=_baked.VERSION,
        python=".".join(map(str, sys.version_info[:3])) + f" {sys.executable}",
        glibc=os.confstr("CS_GNU_LIBC_VERSION") or "" if supported else "",
        objects=objects,
        libraries=libraries,
        vendored_glibcxx=_baked.GLIBCXX,
        loaded_glibcxx=loaded,
        culprit=culprit,
        remedies=remedies,
        damaged=damaged_files(os.path.dirname(_load.LIB[:-1])),
        environment=tuple((name, os.environ[name]) for name in _VARIABLES if name in os.environ),
    )


def loaded_objects() -> tuple[LoadedObject, ...]:
    """Every loaded object with its file's facts, in load order."""
    return _look()[0]


def _look() -> tuple[tuple[LoadedObject, ...], dict[str, tuple[str, ...]]]:
    """Them, and what each needs, by path."""
    mapped = frozenset(_dl.mapped_files())
    rows = []
    needs = {}
    for path in _linkmap.loaded_paths():
        deleted = f"{path} (deleted)" in mapped
        facts = None if deleted else read_elf(path)
        needs[path] = facts.needed if facts else ()
        rows.append(
            LoadedObject(
                path=path,
                soname=facts.soname if facts else path.rpartition("/")[2],
                exports_libstdcxx=bool(facts and facts.exports_libstdcxx),
                deleted=deleted,
            )
        )
    return tuple(rows), needs


def damaged_files(package: str) -> tuple[str, ...]:
    """Libraries of the installed wheel that differ from its manifest; () where there is none."""
    path = os.path.join(package, "manifest.json")
    if not os.path.exists(path):
        return ()
    try:
        with open(path, encoding="utf-8") as file:
            rows = parse_manifest(file.read())
    except (OSError, ManifestError) as error:
        return (f"{path}: {error}",)
    found = []
    for row in rows:
        library = os.path.join(package, row.path)
        reason = _difference(library, row.size, row.sha256)
        if reason:
            found.append(f"{library} ({reason})")
    return tuple(found)


def _difference(path: str, size: int, sha256: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        return error.strerror or str(error)
    if len(content) != size:
        return f"{len(content)} bytes instead of {size}"
    return "" if hashlib.sha256(content).hexdigest() == sha256 else "other content"
