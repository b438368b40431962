"""The dynamic linker's own list of what is loaded, in load order; a handle is its ``link_map``.

The list is walked without the linker's lock (``dl_iterate_phdr`` with a Python callback can
deadlock against the GIL), so it is for errors and for the doctor only.
"""

from __future__ import annotations

import os

from cxx11_cuda_runtime import _dl


def loaded_paths() -> tuple[str, ...]:
    """Paths of the loaded objects in load order, program first; without ctypes by address."""
    try:
        import ctypes
    except ImportError:
        return tuple(path for path in _dl.mapped_files() if ".so" in path)
    paths = []
    entry = int(ctypes.CDLL(None)._handle)  # noqa: SLF001 - documented as the dlopen handle
    while entry:
        name, entry = _fields(entry)
        paths.append(os.fsdecode(ctypes.string_at(name)) if name else "")
    paths[0] = paths[0] or os.path.realpath("/proc/self/exe")
    return tuple(path for path in paths if "/" in path)


def path_of(handle: int, soname: str) -> str:
    """The path of a loaded object; "" if it is unknown."""
    if handle != _dl.NO_HANDLE:
        import ctypes

        name, _ = _fields(handle)
        return os.fsdecode(ctypes.string_at(name)) if name else ""
    return next(iter(_dl.mapped_as(soname)), "")


def is_deleted(path: str) -> bool:
    """Whether a loaded object's file was removed or replaced."""
    return f"{path} (deleted)" in _dl.mapped_files() or path.endswith(" (deleted)")


def _fields(entry: int) -> tuple[int, int]:
    """``l_name`` and ``l_next``; in <link.h> the head is ``l_addr, l_name, l_ld, l_next``."""
    import ctypes

    _, name, _, following = (ctypes.c_void_p * 4).from_address(entry)
    return name or 0, following or 0
