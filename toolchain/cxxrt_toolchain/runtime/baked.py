"""The manifest's part that the loader needs, as Python source: ``_baked.py`` and one line.

Parsing JSON would cost an import more than loading the libraries does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from cxxrt_toolchain.facts.families import LIBGCC_S, LIBSTDCXX
from cxxrt_toolchain.runtime.manifest_build import AssemblyError

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.manifest import CudaRuntime, Library, RuntimeManifest

_HEADER = '''\
"""What the wheel beside this file carries; generated from its manifest.json."""

'''

_PLACEHOLDER = "\n_VENDORED = (0, 0, 0, 0)\n"


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


def filled_init(source: str, manifest: RuntimeManifest, anchor_size: int) -> str:
    """The package's ``__init__.py`` with this wheel's figures; `AssemblyError`: no place."""
    if source.count(_PLACEHOLDER) != 1:
        raise AssemblyError(
            "the loader's __init__.py has no line, or several, for the vendored sizes."
        )
    libgcc_s, libstdcxx = manifest.library(LIBGCC_S), manifest.library(LIBSTDCXX)
    if libgcc_s is None or libstdcxx is None:
        return source
    markers = _markers(libstdcxx)
    values = (markers[0][0] if markers else 0, anchor_size, libgcc_s.size, libstdcxx.size)
    return source.replace(_PLACEHOLDER, f"\n_VENDORED = {values!r}\n")


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
