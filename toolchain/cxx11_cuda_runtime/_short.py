"""The short way to libgomp and libcudart: opens an anchor that needs the library, and no ctypes.

As for libstdc++ (see the package), the dynamic linker takes the loaded library, whatever its file
is called, else the one in the places that the anchor names; libcudart becomes global, libgomp does
not (`_dl.mode_of`). What takes more questions is left to `_require`, which also explains. In the
wheel this is no module: the assembler puts what follows the imports into the package.
"""

import os
import sys

from cxx11_cuda_runtime import (
    _HERE,
    _LIB,
    _NOLOAD,
    _NOW,
    _NOW_GLOBAL,
    _dlopen,
    _found_via,
    _import_folders,
    _is_intact,
    _is_whole,
)

_GOMP = "libgomp.so.1"
_SERVED: "dict[str, tuple[str, str, str, str, int, tuple[tuple[int, bytes], ...]]]" = {}
"""SONAME to: the anchor of the vendored file; that of another wheel's file, or "", and its folder
from the site folder; the vendored release, or ""; size and samples of the vendored file. The
assembler fills it in."""


def _serve(cudart: "str | None", openmp: bool) -> bool:
    """Whether what is asked for is loaded now and new enough; False leaves it to the long way."""
    if openmp and not _open(_GOMP, ("torch/lib",), ""):
        return False
    if cudart is None:
        return True
    major, dot, minor = cudart.partition(".")
    if not major.isdecimal() or (dot and not minor.isdecimal()):
        return False
    folders = f"nvidia/cu{major}/lib", "nvidia/cuda_runtime/lib"
    return _open(f"libcudart.so.{major}", folders, cudart if dot else "")


def _open(soname: str, folders: "tuple[str, ...]", release: str) -> bool:
    """Make a library resident; with a release only if it is the vendored one, which is enough."""
    if soname in _found_via:
        vendored = _found_via[soname] == "vendored"
        return not release or (vendored and _vendored_is_enough(soname, release))
    try:
        path = _choice(soname, folders, release) if soname in _SERVED and _is_plain() else ""
    except OSError:
        path = ""
    if not path:
        return False
    mode = _NOW if soname == _GOMP else _NOW_GLOBAL
    vendored = path.startswith(_LIB)
    if not _dlopen(f"{_HERE}/{_SERVED[soname][0 if vendored else 1]}", mode):
        return False
    how = "vendored" if vendored else "nvidia-wheel"
    _found_via[soname] = how if _dlopen(path, mode | _NOLOAD) else "already-loaded"
    return not release or _found_via[soname] == "vendored"


def _choice(soname: str, folders: "tuple[str, ...]", release: str) -> str:
    """The file that the anchor and the long way would both load; "" if that needs the long way."""
    _, _, searched, _, size, samples = _SERVED[soname]
    site = os.path.dirname(_HERE)
    for root in dict.fromkeys((site, *_import_folders())):
        if not os.access(f"{root}/{folders[0].partition('/')[0]}", os.F_OK):
            continue
        for folder in folders:
            path = f"{root}/{folder}/{soname}"
            if os.access(path, os.F_OK):
                right = not release and path == f"{site}/{searched}/{soname}"
                return path if right and _is_whole(path) else ""
    path = _LIB + soname
    enough = not release or _vendored_is_enough(soname, release)
    return path if enough and _is_intact(path, size, samples) else ""


def _vendored_is_enough(soname: str, release: str) -> bool:
    vendored = _SERVED[soname][3] if soname in _SERVED else ""
    return bool(vendored) and _numbers(release) <= _numbers(vendored)


def _numbers(release: str) -> "tuple[int, ...]":
    return tuple(map(int, release.split(".")))


def _is_plain() -> bool:
    """Whether this is one thread, that nobody steers, in no conda environment."""
    environ = os.environ
    steered = "CXXRT_CUDART" in environ or "CXXRT_DEBUG" in environ or "CXXRT_DISABLE" in environ
    return (
        os.stat("/proc/self/task").st_nlink == 2 + 1  # as in the package
        and (not steered or bool(sys.flags.ignore_environment))
        and not any(
            os.access(f"{prefix}/conda-meta", os.F_OK) for prefix in {sys.prefix, sys.base_prefix}
        )
    )
