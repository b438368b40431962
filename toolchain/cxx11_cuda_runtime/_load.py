"""The long way: selects the libstdc++ of this process (states S1 to S6) and its libgomp.

If any ``libstdc++.so.6`` is loaded, it is promoted to global and no other one is ever loaded: a
second one breaks iostreams and locales without an error.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock

from cxx11_cuda_runtime import _LIB, _baked, _dl, _found_via, _import_folders, _search
from cxx11_cuda_runtime._errors import LibraryLoadError, OpenmpNotFoundError, SubinterpreterError

LIB = _LIB
LIBGCC_S = "libgcc_s.so.1"
LIBSTDCXX = _search.LIBSTDCXX
LIBGOMP = _dl.LIBGOMP
_FALSE = frozenset({"", "0", "false", "no", "off"})

lock = allocate_lock()
"""Held from the check whether a library is loaded to the end of loading it; free-threaded builds
have no GIL that would do this."""
found_via = _found_via
"""SONAME to ``FoundVia`` of the libraries that this package loaded or found."""


def truthy(value: str | None) -> bool:
    """The value of a switch in the environment: 0, false, no, off and empty are off."""
    return value is not None and value.strip().lower() not in _FALSE


def setting(name: str) -> str | None:
    """The value of a ``CXXRT_`` variable; None also for ``python -I`` and ``-E``."""
    return None if sys.flags.ignore_environment else os.environ.get(name)


def debug(text: str) -> None:
    """Write a line to stderr if ``CXXRT_DEBUG`` is on."""
    if truthy(setting("CXXRT_DEBUG")):
        sys.stderr.write(f"cxx11-cuda-runtime: {text}\n")


def resident(soname: str) -> int | None:
    """As ``_dl.resident``; `SubinterpreterError`: this subinterpreter cannot find out."""
    try:
        return _dl.resident(soname)
    except _dl.AmbiguousError:
        raise SubinterpreterError(
            f"this subinterpreter cannot find out whether {soname} is loaded: it has no _ctypes, "
            "and a library of a similar name is mapped.",
            ["import cxx11_cuda_runtime in the main interpreter first"],
        ) from None


def load_cxx() -> str:
    """Make one libstdc++ serve the process: how, or ``disabled``, ``unsupported``, ``unbuilt``.

    `LibraryLoadError`: the vendored library cannot be loaded; `SubinterpreterError`: this
    subinterpreter cannot find out what is loaded.
    """
    if truthy(setting("CXXRT_DISABLE")):
        debug("disabled by CXXRT_DISABLE")
        return "disabled"
    if not _dl.supported():
        debug("unsupported here (needs CPython on Linux with glibc): nothing to do")
        return "unsupported"
    with lock:
        if resident(LIBSTDCXX) is not None:
            debug(f"{LIBSTDCXX} is already loaded: promoted")
            how = "already-loaded"
        else:
            how = _load_newest()
    if how != "unbuilt":
        found_via.setdefault(LIBSTDCXX, how)
    return how


def _load_newest() -> str:
    choice = setting("CXXRT_CXX") or "auto"
    for number, how, path in candidates(choice):
        debug(f"candidate {LIBSTDCXX}: GLIBCXX_3.4.{number} {how} {path}")
    for _, how, path in candidates(choice):
        if how == "vendored":
            if resident(LIBGCC_S) is None:
                open_or_explain(LIB + LIBGCC_S)
            open_or_explain(path)
            return how
        try:
            _dl.open_library(path)
        except OSError as error:
            if how == "override":
                raise explained(path, str(error)) from None
            debug(f"{path} cannot be loaded: {error}")
        else:
            return how
    return "unbuilt"


def candidates(choice: str = "auto") -> list[tuple[int, str, str]]:
    """(Number, found via, path) of each libstdc++ that ``CXXRT_CXX`` allows, best first."""
    vendored = [(_baked.GLIBCXX, "vendored", LIB + LIBSTDCXX)] if _baked.GLIBCXX else []
    if choice == "vendored":
        return vendored
    if "/" in choice:
        return [(_search.glibcxx_of_file(choice), "override", choice)]
    outside = [
        (_search.glibcxx_of_file(path), how, path)
        for how, path in _search.outside_candidates(
            LIBSTDCXX,
            prefixes=(sys.prefix, sys.base_prefix),
            ld_library_path=os.environ.get("LD_LIBRARY_PATH", ""),
        )
    ]
    if choice == "system":
        return outside or [(0, "system", LIBSTDCXX)]
    if not vendored:
        return []
    # The sort is stable: of equal numbers the vendored copy wins, which this package's tests cover.
    return sorted(vendored + outside, key=lambda row: -row[0])


def load_openmp(who: str) -> None:
    """Load libgomp unless one is loaded: the newest of the vendored one and torch's.

    It has a static TLS segment, for which the linker's reserve is largest at the start.
    `OpenmpNotFoundError`: none was found; `LibraryLoadError`: the newest one cannot be loaded.
    """
    with lock:
        if resident(LIBGOMP) is not None:
            found_via.setdefault(LIBGOMP, "already-loaded")
            return
        places = [("vendored", LIB + LIBGOMP)] if LIBGOMP in _baked.LIBRARIES else []
        for root in dict.fromkeys((os.path.dirname(os.path.dirname(LIB[:-1])), *_import_folders())):
            path = os.path.join(root, "torch", "lib", LIBGOMP)
            if os.path.exists(path):
                places.append(("torch-wheel", path))
        if places:
            how, path = max(places, key=lambda row: _search.gomp_of_file(row[1]))
            open_or_explain(path)
        else:
            how = "system"
            try:
                _dl.open_library(LIBGOMP)
            except OSError as error:
                raise OpenmpNotFoundError(
                    f"{who} needs OpenMP, but {LIBGOMP} was not found: {error}.",
                    ["install a build of cxx11-cuda-runtime that has the gcc-runtime component"],
                ) from None
        found_via[LIBGOMP] = how


def open_or_explain(path: str) -> None:
    """Load a library; `LibraryLoadError`: the dynamic linker refuses it, and why."""
    try:
        _dl.open_library(path)
    except OSError as error:
        raise explained(path, str(error)) from None


def explained(path: str, dlerror: str) -> LibraryLoadError:
    """The error for a message of ``dlerror``, with the cause and what helps (CXXRT-L001)."""
    message = f"cannot load {path}: {dlerror}."
    if "version `GLIBC_" in dlerror:
        message += (
            f" This wheel needs glibc {_baked.GLIBC_FLOOR} or newer"
            f" and found {os.confstr('CS_GNU_LIBC_VERSION')}."
        )
        return LibraryLoadError(message, ["use a newer distribution, or a container of one"])
    reason = dlerror.replace(path, "")
    for text, cause, remedy in _CAUSES:
        if text in reason:
            return LibraryLoadError(f"{message} {cause}", [remedy])
    return LibraryLoadError(message, [_REINSTALL])


_REINSTALL = "pip install --force-reinstall --no-deps cxx11-cuda-runtime"
_NOEXEC = (
    "The file system refuses executable mappings (mounted noexec, or a security policy).",
    "install into a directory on a file system without noexec",
)
_CAUSES = (
    (
        "file too short",
        "The file is truncated (an interrupted installation, a full disk, a Git LFS pointer).",
        _REINSTALL,
    ),
    (
        "invalid ELF header",
        "The file is not a shared library (damaged, or a Git LFS pointer).",
        _REINSTALL,
    ),
    (
        "damaged",
        "The wheel brought another content (a power cut, a faulty disk, a Git LFS pointer).",
        _REINSTALL,
    ),
    ("failed to map segment", *_NOEXEC),
    ("Operation not permitted", *_NOEXEC),
    (
        "cannot enable executable stack",
        "This library asks for an executable stack, which this system forbids.",
        _REINSTALL,
    ),
    (
        "Not a directory",
        "The package is imported from a zip file, and the dynamic linker cannot read into one.",
        "install cxx11-cuda-runtime unpacked (pip does)",
    ),
    ("wrong ELF class", "The wheel is for another architecture than this Python.", _REINSTALL),
    (
        "No such file or directory",
        "The package is incomplete: its libraries are missing.",
        _REINSTALL,
    ),
)
