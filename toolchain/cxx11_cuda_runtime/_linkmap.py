"""The dynamic linker's own list of what is loaded, in load order.

What goes in: nothing, or a dlopen handle, which in glibc is the address of a ``struct link_map``.
What comes out: paths. The list is walked without the linker's lock (``dl_iterate_phdr`` with a
Python callback can deadlock against the GIL), so it is for errors and for the doctor only.
"""

from __future__ import annotations

import os

from cxx11_cuda_runtime import _dl


def loaded_paths() -> tuple[str, ...]:
    """Paths of the loaded objects in load order; the program comes first.

    Without ctypes: the mapped shared objects, in address order.
    """
    try:
        return tuple(path for path, _ in loaded())
    except ImportError:
        return tuple(path for path in _dl.mapped_files() if ".so" in path)


def loaded() -> tuple[tuple[str, int], ...]:
    """Likewise, each with its load address.

    Raises:
        ImportError: There is no ctypes.
    """
    import ctypes

    rows = []
    entry = int(ctypes.CDLL(None)._handle)  # noqa: SLF001 - documented as the dlopen handle
    while entry:
        base, name, _, following = _fields(entry)
        rows.append((os.fsdecode(ctypes.string_at(name)) if name else "", base))
        entry = following
    rows[0] = rows[0][0] or os.path.realpath("/proc/self/exe"), rows[0][1]
    return tuple(row for row in rows if "/" in row[0])


def path_of(handle: int, soname: str) -> str:
    """Path of a loaded object; "" where it cannot be known."""
    if handle != _dl.NO_HANDLE:
        import ctypes

        name = _fields(handle)[1]
        return os.fsdecode(ctypes.string_at(name)) if name else ""
    return next(iter(_dl.mapped_as(soname)), "")


def is_deleted(path: str) -> bool:
    """Whether a loaded object's file was removed or replaced; what lies there now is another."""
    return f"{path} (deleted)" in _dl.mapped_files() or path.endswith(" (deleted)")


def _fields(entry: int) -> tuple[int, int, int, int]:
    """Read ``l_addr, l_name, l_ld, l_next``: the public head of ``struct link_map`` in <link.h>."""
    import ctypes

    first, name, dynamic, following = (ctypes.c_void_p * 4).from_address(entry)
    return first or 0, name or 0, dynamic or 0, following or 0
