"""The runtime libraries of this process as values, in the order in which they are loaded."""

from __future__ import annotations

from typing import cast

from cxx11_cuda_runtime import _baked, _cudart, _dl, _load, _require
from cxx11_cuda_runtime._diagnosis import FoundVia, LoadedLibrary

_ALWAYS = (_load.LIBGCC_S, _load.LIBSTDCXX, _load.LIBGOMP, "libcudart.so.12", "libcudart.so.13")


def loaded(how: str) -> tuple[LoadedLibrary, ...]:
    """The libraries; empty in a state in which the package does nothing."""
    if how in _require.IDLE:
        return ()
    rows = []
    for soname in dict.fromkeys((*_baked.LIBRARIES, *_ALWAYS)):
        handle = _load.resident(soname)
        if handle is None:
            continue
        path = _dl.path_of(handle, soname)
        rows.append(
            LoadedLibrary(
                soname=soname,
                path=path,
                found_via=cast("FoundVia", _found_via(soname, path, how)),
                version=_version(soname, handle, path),
            )
        )
    return tuple(rows)


def _found_via(soname: str, path: str, how: str) -> str:
    if soname == _load.LIBSTDCXX:
        return how if how != "unbuilt" else "already-loaded"
    if soname in _load.found_via:
        return _load.found_via[soname]
    return "vendored" if path.startswith(_load.LIB) else "already-loaded"


def _version(soname: str, handle: int, path: str) -> str:
    if soname == _load.LIBSTDCXX:
        minor = _require.glibcxx_of(handle, path)
        return f"3.4.{minor}" if minor else ""
    if soname.startswith("libcudart.so."):
        major, minor = _cudart.reported_release(handle)
        return f"{major}.{minor}" if major else ""
    return ""
