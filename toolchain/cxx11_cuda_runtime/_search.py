"""Finds runtime libraries in the file system; loads nothing.

The number of a libstdc++ is N of its newest ``GLIBCXX_3.4.N``, which is also the end of its file
name ``libstdc++.so.6.0.N``.
"""

from __future__ import annotations

import os

from cxx11_cuda_runtime import _import_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LIBSTDCXX = "libstdc++.so.6"
_CACHE = "/etc/ld.so.cache"
_NEWEST_THINKABLE = 99


def glibcxx_of_file(path: str) -> int:
    """N of the newest ``GLIBCXX_3.4.N`` that a file defines or needs; 0 if it cannot be read."""
    minor = os.path.basename(os.path.realpath(path)).rpartition(".so.6.0.")[2]
    if minor.isdecimal():
        return int(minor)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return 0
    return next(
        (n for n in range(_NEWEST_THINKABLE, 0, -1) if b"\0GLIBCXX_3.4.%d\0" % n in data), 0
    )


def cached_paths(soname: str, cache: bytes) -> Iterator[str]:
    """The paths in ``ld.so.cache`` for a SONAME, of all architectures (ldconfig(8))."""
    tail = b"/" + soname.encode() + b"\0"
    at = cache.find(tail)
    while at >= 0:
        yield os.fsdecode(cache[cache.rfind(b"\0", 0, at) + 1 : at + len(tail) - 1])
        at = cache.find(tail, at + 1)


def conda_prefixes(prefixes: Iterable[str]) -> tuple[str, ...]:
    """The prefixes that are conda environments."""
    unique = dict.fromkeys(prefixes)
    return tuple(prefix for prefix in unique if os.path.isdir(os.path.join(prefix, "conda-meta")))


def outside_candidates(
    soname: str, *, prefixes: Iterable[str], ld_library_path: str
) -> Iterator[tuple[str, str]]:
    """Yield (found via, path) of the copies that the process would use without this package."""
    for prefix in conda_prefixes(prefixes):
        path = os.path.join(prefix, "lib", soname)
        if os.path.exists(path):
            yield "conda", path
    for folder in ld_library_path.replace(";", ":").split(":"):
        path = os.path.join(folder, soname)
        if os.path.isabs(folder) and os.path.exists(path):
            yield "ld-library-path", path
    try:
        with open(_CACHE, "rb") as file:
            cache = file.read()
    except OSError:
        return
    for path in cached_paths(soname, cache):
        if os.path.exists(path):
            yield "system", path


def without_working_folder(soname: str, ld_library_path: str) -> str:
    """A library's name, or its path if the dynamic linker would search the working directory.

    It does so for an entry of ``LD_LIBRARY_PATH`` that is relative or empty, as the last one after
    ``export LD_LIBRARY_PATH=/x:$LD_LIBRARY_PATH`` (ld.so(8)).

    Raises:
        OSError: There is such an entry, and no other place has the library.
    """
    entries = ld_library_path.replace(";", ":").split(":") if ld_library_path else []
    if all(map(os.path.isabs, entries)):
        return soname
    places = outside_candidates(soname, prefixes=(), ld_library_path=ld_library_path)
    for _, path in places:
        return path
    raise OSError(f"{soname}: cannot open shared object file: No such file or directory")


def nvidia_wheel_places(major: str, package_parent: str) -> Iterator[str]:
    """Yield the places of libcudart in NVIDIA's wheels: beside our package, then along sys.path.

    cu13 and later: ``nvidia/cu13/lib``; up to cu12: ``nvidia/cuda_runtime/lib``.
    """
    for base in dict.fromkeys((package_parent, *_import_folders())):
        yield os.path.join(base, "nvidia", f"cu{major}", "lib", f"libcudart.so.{major}")
        yield os.path.join(base, "nvidia", "cuda_runtime", "lib", f"libcudart.so.{major}")


def gomp_of_file(path: str) -> tuple[int, ...]:
    """The newest ``GOMP_x.y.z`` that a libgomp defines, as numbers; empty if it cannot be read."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return ()
    import re  # not at the top: most processes need no libgomp

    versions = re.findall(rb"\0GOMP_(\d+(?:\.\d+)*)(?=\0)", data)
    return max((tuple(map(int, each.split(b"."))) for each in versions), default=())
