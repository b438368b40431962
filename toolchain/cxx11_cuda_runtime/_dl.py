"""Opens shared libraries and finds loaded ones; the only module of the long way that does.

CPython's ``_ctypes`` is used directly, because ``import ctypes`` costs three times as much. Where
it cannot be imported (isolated subinterpreters of 3.12: "module _ctypes does not support loading in
subinterpreters"), ``_imp.create_dynamic`` opens, and file contents answer for ``dlsym``.
"""

from __future__ import annotations

import os
import sys

from cxx11_cuda_runtime import (
    _LIB,
    _NOLOAD,
    _NOW,
    _NOW_GLOBAL,
    _baked,
    _dlopen,
    _is_intact,
    _is_whole,
    _search,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

LIBGOMP = "libgomp.so.1"
NO_HANDLE = 0
"""The handle of a loaded library if there is no ``_ctypes``."""


class AmbiguousError(Exception):
    """Without ``_ctypes``, a mapped file with a similar name may or may not be the library."""


def _ctypes() -> ModuleType | None:
    try:
        import _ctypes
    except ImportError:
        return None
    return _ctypes


def supported() -> bool:
    """Whether this is CPython on Linux with glibc; anywhere else the package does nothing."""
    if sys.platform != "linux" or sys.implementation.name != "cpython":
        return False
    try:  # musl knows the name and fails with EINVAL
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (OSError, ValueError):
        return False


def mode_of(soname: str) -> int:
    """``RTLD_NOW``, with ``RTLD_GLOBAL`` but for libgomp.

    In the global scope its ``omp_`` functions would answer for those of Intel's and LLVM's OpenMP,
    and libraries on these, as MKL by default, would compute wrong numbers.
    """
    return _NOW if soname == LIBGOMP else _NOW_GLOBAL


def resident(soname: str) -> int | None:
    """Find a library by SONAME and make it global (`mode_of`); its handle, or None: not loaded."""
    ctypes = _ctypes()
    if ctypes is None:
        return _resident_by_name(soname)
    try:
        return int(ctypes.dlopen(soname, mode_of(soname) | _NOLOAD))
    except OSError:
        return None


def open_library(name: str) -> int:
    """Load a library, in the mode of its SONAME; `OSError` has ``dlerror``'s text."""
    mode = mode_of(os.path.basename(name))
    if "/" in name and (problem := damage(name)):
        raise OSError(f"{name}: {problem}")
    if "/" not in name:
        name = _search.without_working_folder(name, os.environ.get("LD_LIBRARY_PATH", ""))
    ctypes = _ctypes()
    if ctypes is not None:
        return int(ctypes.dlopen(name, mode))
    if "/" not in name:
        raise OSError(f"{name}: cannot be opened by name without _ctypes")
    if not _dlopen(name, mode):
        raise OSError(f"{name}: cannot open shared object file")
    return NO_HANDLE


def damage(path: str) -> str:
    """Why a file is not to be given to the dynamic linker, which would map it and be killed; or "".

    A library of ours has to be the one that the wheel brought.
    """
    if not _is_whole(path):
        return "file too short"
    ours = _baked.WHOLE.get(path[len(_LIB) :]) if path.startswith(_LIB) else None
    return "" if ours is None or _is_ours(path, *ours) else "file damaged"


def _is_ours(path: str, size: int, digest: str, samples: tuple[tuple[int, bytes], ...]) -> bool:
    try:
        if _is_intact(path, size, samples):
            return True
    except FileNotFoundError:  # the dynamic linker reports it
        return True
    except OSError:  # a file system that knows no SEEK_HOLE
        pass
    # A file that was copied sparsely has holes and is whole.
    return has_digest(path, digest)


def has_digest(path: str, digest: str) -> bool:
    """Whether a file has this SHA-256, as hexadecimal digits; False if it cannot be read."""
    import hashlib  # not at the top: hardly any process gets here

    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest() == digest
    except OSError:
        return False


def has_function(handle: int, path: str, symbol: str) -> bool:
    """Whether a loaded library has a function.

    Never ask for ``GLIBCXX_3.4.N`` itself: it is an absolute symbol of value 0, and ``dlsym``
    returning NULL without an error crashes ``_ctypes.dlsym`` (CPython 3.9 to 3.13.0).
    """
    ctypes = _ctypes() if handle != NO_HANDLE else None
    if ctypes is None:
        return file_contains(path, b"\0" + symbol.encode() + b"\0")
    try:
        return bool(ctypes.dlsym(handle, symbol))
    except OSError:
        return False


def file_contains(path: str, text: bytes) -> bool:
    """Whether a file has these bytes; False for a file that cannot be read."""
    try:
        with open(path, "rb") as file:
            return text in file.read()
    except OSError:
        return False


def mapped_files() -> tuple[str, ...]:
    """The files that are mapped into this process, each once, in address order."""
    paths: dict[str, None] = {}
    try:
        with open(
            "/proc/self/maps", encoding=sys.getfilesystemencoding(), errors="surrogateescape"
        ) as maps:
            for line in maps:
                _, slash, rest = line.rstrip("\n").partition("/")
                if slash:
                    paths[slash + rest] = None
    except OSError:
        return ()
    return tuple(paths)


def mapped_as(soname: str) -> tuple[str, ...]:
    """Mapped files with a SONAME as name (``libx.so.1``, ``libx.so.1.0.2``), also deleted ones."""
    found = []
    for path in mapped_files():
        name = path.rpartition("/")[2]
        if name == soname or name.startswith((soname + ".", soname + " ")):
            found.append(path)
    return tuple(found)


def _resident_by_name(soname: str) -> int | None:
    stem = soname.partition(".")[0]
    named = mapped_as(soname)
    for path in named:
        if _dlopen(path, _NOW_GLOBAL | _NOLOAD):
            return NO_HANDLE
    if named:
        return NO_HANDLE  # mapped from a deleted file: loaded, but it cannot be promoted
    if any(stem in path.rpartition("/")[2] for path in mapped_files()):
        raise AmbiguousError(soname)
    return None


def loaded_paths() -> tuple[str, ...]:
    """Paths of the loaded objects in load order, program first; without ctypes by address.

    The list is walked without the linker's lock (``dl_iterate_phdr`` with a Python callback can
    deadlock against the GIL), so it is for errors and for the doctor only.
    """
    try:
        import ctypes
    except ImportError:
        return tuple(path for path in mapped_files() if ".so" in path)
    paths = []
    entry = int(ctypes.CDLL(None)._handle)  # noqa: SLF001 - documented as the dlopen handle
    while entry:
        name, entry = _fields(entry)
        paths.append(os.fsdecode(ctypes.string_at(name)) if name else "")
    paths[0] = paths[0] or os.path.realpath("/proc/self/exe")
    return tuple(path for path in paths if "/" in path)


def path_of(handle: int, soname: str) -> str:
    """The path of a loaded object; "" if it is unknown."""
    if handle != NO_HANDLE:
        import ctypes

        name, _ = _fields(handle)
        return os.fsdecode(ctypes.string_at(name)) if name else ""
    return next(iter(mapped_as(soname)), "")


def is_deleted(path: str) -> bool:
    """Whether a loaded object's file was removed or replaced."""
    return f"{path} (deleted)" in mapped_files() or path.endswith(" (deleted)")


def _fields(entry: int) -> tuple[int, int]:
    """``l_name`` and ``l_next``; in <link.h> the head is ``l_addr, l_name, l_ld, l_next``."""
    import ctypes

    _, name, _, following = (ctypes.c_void_p * 4).from_address(entry)
    return name or 0, following or 0
