"""The manifest's part that the loader needs, as Python source: ``_baked.py`` and one line.

Parsing JSON would cost an import more than loading the libraries does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import TYPE_CHECKING

from packaging.version import Version

from cxxrt_toolchain.facts.families import LIBGCC_S, LIBSTDCXX
from cxxrt_toolchain.runtime.anchor import ANCHOR, anchors_of
from cxxrt_toolchain.runtime.manifest_build import AssemblyError

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.manifest import CudaRuntime, Library, RuntimeManifest

_HEADER = '''\
"""What the wheel beside this file carries; generated from its manifest.json."""

'''

_PLACEHOLDERS = (
    "_VENDORED = 0",
    '_WHOLE: "tuple[tuple[str, int, tuple[tuple[int, bytes], ...]], ...]" = ()',
)
_SERVED = (
    '_SERVED: "dict[str, tuple[str, str, str, str, int, tuple[tuple[int, bytes], ...]]]" = {}',
)
_SAMPLE = 8
"""Bytes of a sample; the loader knows."""
_APART = 1 << 19
"""Bytes between two samples, each of which costs the loader some 2 us."""
_FEWEST, _PAGE = 4, 4096


def baked_source(manifest: RuntimeManifest, contents: Mapping[str, bytes]) -> str:
    """The text of ``_baked.py``; the names are those of the placeholder in the source tree.

    `contents` are those of the libraries, by SONAME.
    """
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
        "WHOLE": {
            each.soname: (each.size, each.sha256, samples(contents[each.soname]))
            for each in manifest.libraries
        },
        "LIBRARIES": tuple(each.soname for each in manifest.libraries),
    }
    return _HEADER + "".join(f"{name} = {value!r}\n" for name, value in values.items())


def filled_init(source: str, manifest: RuntimeManifest, contents: Mapping[str, bytes]) -> str:
    """The package's ``__init__.py`` with this wheel's figures; `AssemblyError`: no place.

    `contents` are those of the libraries, by SONAME, and of the anchor.
    """
    libgcc_s, libstdcxx = manifest.library(LIBGCC_S), manifest.library(LIBSTDCXX)
    markers = () if libstdcxx is None else _markers(libstdcxx)
    paths = {f"/{ANCHOR}": ANCHOR}
    paths |= {f"/{each.path}": each.soname for each in (libgcc_s, libstdcxx) if each}
    whole = tuple(
        (path, len(contents[name]), samples(contents[name])) for path, name in paths.items()
    )
    complete = libgcc_s is not None and libstdcxx is not None
    values = (markers[0][0] if markers else 0, whole) if complete else (0, ())
    return _filled(source, dict(zip(_PLACEHOLDERS, values, strict=True)))


def served_alone(manifest: RuntimeManifest) -> tuple[str, ...]:
    """The libraries that have an anchor of their own."""
    sonames = (each.soname for each in manifest.libraries)
    return tuple(each for each in sonames if each.startswith(("libgomp.so.", "libcudart.so.")))


def filled_short(source: str, manifest: RuntimeManifest, contents: Mapping[str, bytes]) -> str:
    """The code of ``_short.py`` with this wheel's figures; `AssemblyError`: no place."""
    releases = {f"libcudart.so.{major}": _cudart(each)[0] for major, each in manifest.cudart}
    served = {}
    for soname in served_alone(manifest):
        (own, _), (other, folder) = [*anchors_of(soname).items(), ("", "")][:2]
        file, release = contents[soname], releases.get(soname, "")
        served[soname] = (own, other, folder, release, len(file), samples(file))
    return _filled(source, dict(zip(_SERVED, (served,), strict=True)))


def joined(package: str, short: str) -> str:
    """The package's source with the short way's, less its imports, which the package has."""
    before, _, after = package.partition("def _serve(")
    after = after[after.index("\n\n\ndef ") :]
    return before + short[short.index("_GOMP = ") :].rstrip("\n") + after


def _filled(source: str, values: Mapping[str, object]) -> str:
    if any(source.count(f"\n{line}\n") != 1 for line in values):
        raise AssemblyError("the loader's source has no line, or several, for the vendored files.")
    for line, value in values.items():
        source = source.replace(f"\n{line}\n", f"\n{line.split(' ')[0].rstrip(':')} = {value!r}\n")
    return source


def samples(content: bytes) -> tuple[tuple[int, bytes], ...]:
    """Places of a file, the first and the last among them, and their content: never only zeros."""
    apart = min(_APART, max(_PAGE, len(content) // _FEWEST))
    pieces = [at for at in range(0, len(content), _SAMPLE) if any(content[at : at + _SAMPLE])]
    found = sorted(
        {*(pieces[bisect_left(pieces, at)] for at in range(0, pieces[-1], apart)), pieces[-1]}
    )
    return tuple((at, content[at : at + _SAMPLE]) for at in found)


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
