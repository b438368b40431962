"""Libraries of other distributions (MKL, TBB, cuBLAS), resident before the binaries that need them.

The build wrote into the package which libraries these are, where their wheels put them and which
functions prove that a loaded one has what the package needs: a row for each. Nothing is looked at
but the places of a row, and nothing is loaded unless every library is there.

This file is on the hot path of such packages: it imports nothing but ``_ctypes``.
"""

import os
import sys

from cxx11_cuda_runtime import _NOLOAD, _NOW, _NOW_GLOBAL, _dlopen, _import_folders, _is_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import ModuleType
    from typing import Any

    Row = Mapping[str, Any]


def require(rows: "Sequence[Row]", who: str) -> None:
    """Make the library of each row resident.

    Args:
        rows: ``soname``; ``requirement``, what pip is asked for; ``places``, paths in a site folder
            (``site:``) or in the prefix that it belongs to (``data:``), best first. Optional:
            ``proof``, functions that the library must have; ``scope``, ``global`` for RTLD_GLOBAL;
            ``group``, equal for libraries that refer to each other and can only be opened together.
            Other keys are for later loaders.
        who: Name of the calling distribution, for the message.

    Raises:
        ProviderNotFoundError: No place has the library.
        ProviderMismatchError: The loaded one, or the installed one, lacks a function.
        LibraryLoadError: The dynamic linker refuses it.
        ValueError: A row lacks something, or has it in another form; nothing was loaded.
    """
    try:
        _require(rows, who)
    except (AttributeError, KeyError, TypeError):
        from cxx11_cuda_runtime._blame.provider import refuse_broken

        refuse_broken(rows, who)
        raise


def _require(rows: "Sequence[Row]", who: str) -> None:
    ctypes = _ctypes()
    absent = [row for row in rows if not _is_resident(ctypes, row, who)]
    found = {row["soname"]: next(places(row), "") for row in absent}
    for row in absent:
        if not found[row["soname"]]:
            from cxx11_cuda_runtime._blame.provider import not_found

            raise not_found(row, who)
    while absent:
        group = absent[0].get("group")
        now = [row for row in rows if row is absent[0] or (group and row.get("group") == group)]
        absent = [row for row in absent if row not in now]
        _open(ctypes, now, [found.get(row["soname"]) or row["soname"] for row in now], who)


def places(row: "Row") -> "Iterator[str]":
    """The files that a row names, best first: along ``sys.path``, where Python finds its packages.

    pip and uv put a wheel's data into the prefix of the site folder, and ``uv pip install
    --target`` puts it into that folder itself. There, only a folder that has the distribution
    counts: the prefix of the working directory may be anything.
    """
    roots = dict.fromkeys((*_import_folders(), os.path.dirname(os.path.dirname(__file__))))
    for place in row["places"]:
        kind, _, path = place.partition(":")
        for root in roots:
            inside = f"{root}/{path}"
            if kind == "data" and root.endswith(("/site-packages", "/dist-packages")):
                beside = f"{root.rsplit('/', 3)[0]}/{path}"
                if os.path.exists(beside):
                    yield beside
            if os.path.exists(inside) and (kind == "site" or _has_distribution(root, row)):
                yield inside
        if kind == "data" and os.path.exists(f"{sys.prefix}/{path}"):
            yield f"{sys.prefix}/{path}"


def _has_distribution(root: str, row: "Row") -> bool:
    from cxx11_cuda_runtime._blame.provider import installed

    return bool(installed(row, [root])[0])


def _ctypes() -> "ModuleType | None":
    try:
        import _ctypes
    except ImportError:  # an isolated subinterpreter of 3.12
        return None
    return _ctypes


def _mode(row: "Row") -> int:
    return _NOW_GLOBAL if row.get("scope") == "global" else _NOW


def _is_resident(ctypes: "ModuleType | None", row: "Row", who: str) -> bool:
    """Whether a library of that SONAME is loaded; it becomes global where the row says so."""
    if ctypes is None:
        from cxx11_cuda_runtime import _dl

        return bool(_dl.mapped_as(row["soname"]))
    try:
        handle = ctypes.dlopen(row["soname"], _mode(row) | _NOLOAD)
    except OSError:
        return False
    _prove(ctypes, row, handle, who, "")
    return True


def _open(
    ctypes: "ModuleType | None", rows: "Sequence[Row]", paths: "Sequence[str]", who: str
) -> None:
    """Load one library from its file, or a group, whose loaded ones have their SONAME as path."""
    mode, cut = _mode(rows[0]), next((path for path in paths if not _is_whole(path)), "")
    handle, reason = 0, "file too short"
    try:
        if not cut and len(rows) > 1:
            from cxx11_cuda_runtime import _group

            _group.open_together(paths, mode)
        elif not cut and ctypes is not None:
            handle = ctypes.dlopen(paths[0], mode)
        elif not cut and not _dlopen(paths[0], mode):
            cut, reason = paths[0], "it cannot be opened without _ctypes"
    except (OSError, ImportError) as error:
        cut, reason = paths[0], str(error)
    if cut:
        from cxx11_cuda_runtime._blame.provider import refused

        # A file that needs a newer libstdc++ than this process has is not damaged: the error is
        # what a package with such a need gets. dlerror has the first version that is missing, which
        # may not be the newest.
        if "libstdc++.so.6: version `" in reason:
            from cxx11_cuda_runtime._require import check_libstdcxx
            from cxx11_cuda_runtime._search import glibcxx_of_file

            file = reason.rpartition("(required by ")[2].rstrip(")")
            check_libstdcxx(glibcxx_of_file(file), f"{os.path.basename(file)} of {who}")
        raise refused(rows, cut, reason)
    if ctypes is not None and len(rows) == 1:
        _prove(ctypes, rows[0], handle, who, paths[0])
    for row in rows if len(rows) > 1 else ():
        _is_resident(ctypes, row, who)


def _prove(ctypes: "ModuleType", row: "Row", handle: int, who: str, path: str) -> None:
    """Look for the functions of the proof; a library that was loaded for it (`path`) is closed."""
    function = ""
    try:
        for function in row.get("proof", ()):
            ctypes.dlsym(handle, function)
    except OSError:
        from cxx11_cuda_runtime._blame.provider import mismatch

        if path:
            ctypes.dlclose(handle)
        raise mismatch(row, function, handle, who, path) from None
