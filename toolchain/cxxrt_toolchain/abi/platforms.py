"""What a plain platform tag promises about the machine: glibc, libraries, compiler runtime.

By the generations of ``manylinux`` (PEP 600) in the specification's ``manylinux.json``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from cxxrt_toolchain.abi.data import read_data
from cxxrt_toolchain.abi.versions import as_number, release_pair, version_tuple
from cxxrt_toolchain.errors import InputError

_MANYLINUX = re.compile(r"manylinux_(?P<major>[0-9]+)_(?P<minor>[0-9]+)_(?P<arch>[a-z0-9_]+)")
_LEGACY = re.compile(r"(?P<alias>manylinux[0-9]+)_(?P<arch>[a-z0-9_]+)")
_LOCAL = re.compile(r"linux_(?P<arch>[a-z0-9_]+)")
_SCHEMA = 1
# Marker versions that glibc added without a number: the release that first defines them.
_GLIBC_MARKERS = {"GLIBC_ABI_DT_RELR": (2, 36)}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class GlibcPlatform:
    """A platform tag for Linux with glibc, taken apart."""

    glibc: tuple[int, int] | None
    """The promised version; None for ``linux_<arch>``, which promises nothing."""
    arch: str

    @property
    def machine(self) -> str:
        """What an ELF file for it names, which does not tell Arm's old architectures apart."""
        return "armv7l" if self.arch in ("armv6l", "armv8l") else self.arch

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
    ceilings: tuple[tuple[str, str, tuple[int, ...]], ...]
    """(architecture, namespace, highest version) of the compiler's runtime and of zlib. The rows
    of the architecture ``""`` hold for those that have no row; ``(0,)``: not a single version."""
    named: frozenset[str]
    """The symbol versions without a number, for example ``CXXABI_TM_1``."""
    private: tuple[tuple[str, frozenset[str]], ...]
    """SONAME to the symbols that must not be taken from that library, although it is allowed."""

    def ceiling(self, namespace: str, arch: str = "") -> tuple[int, ...] | None:
        """The highest version of a namespace; None where nothing is promised about it."""
        rows = {(row_arch, name): version for row_arch, name, version in self.ceilings}
        return rows.get((arch, namespace), rows.get(("", namespace)))

    def allows_version(self, arch: str, version: str) -> bool | None:
        """Whether the machines have a version such as ``GLIBCXX_3.4.29``; None: no promise."""
        namespace, _, number = version.partition("_")
        ceiling = self.ceiling(namespace, arch)
        if ceiling is None:
            return None
        numbers = version_tuple(number)
        return numbers <= ceiling if numbers else version in self.named

    def private_symbols(self, soname: str) -> frozenset[str]:
        """The symbols that must not be taken from an allowed library."""
        return dict(self.private).get(soname, frozenset())


def parse_platform(tag: str) -> GlibcPlatform | None:
    """Take a platform tag apart; None for other systems, musl and ``any``."""
    if match := _MANYLINUX.fullmatch(tag):
        return GlibcPlatform(
            glibc=(as_number(match["major"]), as_number(match["minor"])), arch=match["arch"]
        )
    if (match := _LEGACY.fullmatch(tag)) and match["alias"] in _aliases():
        return GlibcPlatform(glibc=_aliases()[match["alias"]], arch=match["arch"])
    if match := _LOCAL.fullmatch(tag):
        return GlibcPlatform(glibc=None, arch=match["arch"])
    return None


def legacy_alias(platform: GlibcPlatform) -> str | None:
    """``manylinux2014_x86_64`` for ``manylinux_2_17_x86_64``, None where there is no old name."""
    names = {glibc: alias for alias, glibc in _aliases().items()}
    alias = names.get(platform.glibc) if platform.glibc else None
    return f"{alias}_{platform.arch}" if alias else None


def machines_of(platforms: Iterable[str]) -> frozenset[str]:
    """The machines that some platform tags are for; empty if none of them is for Linux."""
    return frozenset(found.machine for found in map(parse_platform, platforms) if found)


@cache
def promise_of(glibc: tuple[int, int]) -> Promise:
    """What machines with this glibc or a newer one are sure to have.

    The row of the newest generation that is not newer: a machine with glibc 2.30 is promised no
    more than one with 2.28.
    """
    document = _document()
    rows = [row for row in document["platforms"] if version_tuple(row["glibc"]) <= glibc]
    row = rows[-1] if rows else document["platforms"][0]
    others = ((arch, row.get(arch, {})) for arch in document["architectures"])
    since = _here(document["since"], glibc)
    return Promise(
        glibc=glibc,
        libraries=since.union(document["libraries"], document["loaders"]),
        ceilings=tuple(
            (arch, name, version_tuple(values[name]))
            for arch, values in (("", row), *others)
            for name in document["namespaces"]
            if name in values
        ),
        named=_here(document["named"], glibc),
        private=_private(document["private"], glibc),
    )


def platform_releases() -> tuple[tuple[int, int], ...]:
    """The glibc releases from which on some promise changes, ascending."""
    document = _document()
    texts = [row["glibc"] for row in document["platforms"]] + [*document["since"].values()]
    texts += [row["until"] for row in document["private"] if "until" in row]
    return tuple(sorted(set(map(release_pair, texts))))


def private_anywhere() -> frozenset[str]:
    """Every symbol that some platform's promise excludes."""
    return frozenset(symbol for row in _document()["private"] for symbol in row["symbols"])


def _here(since: dict[str, str], glibc: tuple[int, int]) -> frozenset[str]:
    return frozenset(name for name, first in since.items() if release_pair(first) <= glibc)


def _private(
    rows: list[dict[str, Any]], glibc: tuple[int, int]
) -> tuple[tuple[str, frozenset[str]], ...]:
    found: dict[str, set[str]] = {}
    for row in rows:
        if "until" not in row or glibc < release_pair(row["until"]):
            found.setdefault(row["library"], set()).update(row["symbols"])
    return tuple((soname, frozenset(symbols)) for soname, symbols in sorted(found.items()))


def glibc_release(version: str) -> tuple[int, ...] | None:
    """``GLIBC_2.34`` -> ``(2, 34)``; None for ``GLIBC_PRIVATE`` and other private names."""
    return _GLIBC_MARKERS.get(version) or version_tuple(version.removeprefix("GLIBC_")) or None


@cache
def _aliases() -> dict[str, tuple[int, int]]:
    rows = (row for row in _document()["platforms"] if "alias" in row)
    return {row["alias"]: release_pair(row["glibc"]) for row in rows}


@cache
def _document() -> dict[str, Any]:
    document = read_data("manylinux.json")
    if document["schema"] != _SCHEMA:
        raise InputError(f"manylinux.json: unknown schema {document['schema']}.")
    return document
