"""What a plain platform tag promises about the machine: glibc, libraries, compiler runtime.

In: a platform tag of a wheel's name. Out: its parts, and the promise of that ``manylinux``
generation (PEP 600) from the specification's ``manylinux.json``. Never looks at the machine.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from cxxrt_toolchain.abi.versions import release_pair, version_tuple

_MANYLINUX = re.compile(r"manylinux_(?P<major>[0-9]+)_(?P<minor>[0-9]+)_(?P<arch>\w+)")
_LEGACY = re.compile(r"(?P<alias>manylinux(?:1|2010|2014))_(?P<arch>\w+)")
_LOCAL = re.compile(r"linux_(?P<arch>\w+)")
_GLIBC = "GLIBC_"
# Marker versions that glibc added without a number: the release that first defines them.
_GLIBC_MARKERS = {"GLIBC_ABI_DT_RELR": (2, 36)}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class GlibcPlatform:
    """A platform tag for Linux with glibc, taken apart."""

    glibc: tuple[int, int] | None
    """The promised version; None for ``linux_<arch>``, which promises nothing."""
    arch: str

    @property
    def tag(self) -> str:
        """The perennial spelling."""
        if self.glibc is None:
            return f"linux_{self.arch}"
        return f"manylinux_{self.glibc[0]}_{self.glibc[1]}_{self.arch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What every machine of a ``manylinux`` generation has."""

    glibc: tuple[int, int]
    libraries: frozenset[str]
    """SONAMEs that may be needed from outside, the dynamic loader's among them."""
    ceilings: tuple[tuple[str, tuple[int, ...]], ...]
    """Version namespace of the compiler's runtime to the highest version, for GLIBCXX and so on."""

    def ceiling(self, namespace: str) -> tuple[int, ...] | None:
        """The highest version of a namespace, None where nothing is promised about it."""
        return dict(self.ceilings).get(namespace)


def parse_platform(tag: str) -> GlibcPlatform | None:
    """Take a platform tag apart; None for other systems, musl and ``any``."""
    if match := _MANYLINUX.fullmatch(tag):
        return GlibcPlatform(glibc=(int(match["major"]), int(match["minor"])), arch=match["arch"])
    if match := _LEGACY.fullmatch(tag):
        return GlibcPlatform(glibc=_aliases()[match["alias"]], arch=match["arch"])
    if match := _LOCAL.fullmatch(tag):
        return GlibcPlatform(glibc=None, arch=match["arch"])
    return None


def legacy_alias(platform: GlibcPlatform) -> str | None:
    """``manylinux2014_x86_64`` for ``manylinux_2_17_x86_64``, None where there is no old name."""
    names = {glibc: alias for alias, glibc in _aliases().items()}
    alias = names.get(platform.glibc) if platform.glibc else None
    return f"{alias}_{platform.arch}" if alias else None


@cache
def promise_of(glibc: tuple[int, int]) -> Promise:
    """What machines with this glibc or a newer one are sure to have.

    The row of the newest generation that is not newer: a machine with glibc 2.30 is promised no
    more than one with 2.28.
    """
    document = _document()
    rows = [row for row in document["platforms"] if version_tuple(row["glibc"]) <= glibc]
    row = rows[-1] if rows else document["platforms"][0]
    since = {name for name, first in document["since"].items() if version_tuple(first) <= glibc}
    return Promise(
        glibc=glibc,
        libraries=frozenset({*document["libraries"], *document["loaders"], *since}),
        ceilings=tuple((name, version_tuple(row[name])) for name in ("CXXABI", "GCC", "GLIBCXX")),
    )


def glibc_release(version: str) -> tuple[int, ...] | None:
    """``GLIBC_2.34`` -> ``(2, 34)``; None for ``GLIBC_PRIVATE`` and other private names."""
    if version in _GLIBC_MARKERS:
        return _GLIBC_MARKERS[version]
    return version_tuple(version.removeprefix(_GLIBC)) or None


@cache
def _aliases() -> dict[str, tuple[int, int]]:
    found = {}
    for row in _document()["platforms"]:
        if "alias" in row:
            found[row["alias"]] = release_pair(row["glibc"])
    return found


@cache
def _document() -> dict[str, Any]:
    from importlib.resources import files

    text = files("cxxrt_abi_tag_spec").joinpath("manylinux.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
