"""The manifest's part that the loader needs on its hot path, as Python source.

In: a `RuntimeManifest`. Out: the text of ``cxx11_cuda_runtime/_baked.py``. Parsing JSON would
cost an import more than loading the libraries does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from cxxrt_toolchain.runtime.manifest_build import LIBSTDCXX

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.manifest import CudaRuntime, Library, RuntimeManifest

_HEADER = '''\
"""What the wheel beside this file carries; generated from its manifest.json."""

'''


def baked_source(manifest: RuntimeManifest) -> str:
    """The text of ``_baked.py``; the names are those of the placeholder in the source tree."""
    libstdcxx = manifest.library(LIBSTDCXX)
    markers = () if libstdcxx is None else _markers(libstdcxx)
    cudart = {major: _cudart(each) for major, each in manifest.cudart}
    values = {
        "VERSION": manifest.version,
        "EPOCH": manifest.epoch,
        "ARCH": manifest.arch,
        "GLIBC_FLOOR": manifest.glibc_floor,
        "GLIBCXX": markers[0][0] if markers else 0,
        "MARKERS": markers,
        "CUDART": cudart,
        "LIBRARIES": tuple(each.soname for each in manifest.libraries),
    }
    return _HEADER + "".join(f"{name} = {value!r}\n" for name, value in values.items())


def _markers(libstdcxx: Library) -> tuple[tuple[int, str], ...]:
    """(N, symbol) of each ``GLIBCXX_3.4.N``; the bare ``3.4`` is N = 0."""
    found = []
    for marker in libstdcxx.markers:
        version = Version(marker.version)
        if version.release[:2] == (3, 4):
            found.append((version.micro, marker.symbol))
    return tuple(found)


def _cudart(cudart: CudaRuntime) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The release, and newest first each release with the first of its new symbols."""
    chosen = {release: symbol for symbol, release in sorted(cudart.first_seen, reverse=True)}
    newest_first = sorted(chosen, key=Version, reverse=True)
    version = Version(cudart.version)
    return f"{version.major}.{version.minor}", tuple((each, chosen[each]) for each in newest_first)
