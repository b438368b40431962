"""Which distribution brings a library, and which of its releases are enough: the rows of providers.

In: ``providers/*.json`` and ``symbols/<soname>.json`` of the specification (section 18). The
libraries of the runtime wheel have rows, too; their bounds are those of ``abi.bounds``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.abi.data import data_names, read_data
from cxxrt_toolchain.abi.versions import parse_version
from cxxrt_toolchain.errors import InputError

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.version import Version

_MOST_PROOF = 3
"""Functions that a loaded library is asked for, beside those of its row."""
_MANGLED = re.compile(r"-[0-9a-f]{8}(?=\.so)")
"""What auditwheel puts into the names of the libraries that it copies."""


class NoProviderError(InputError):
    """No known release of a distribution has what a wheel needs of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LibrarySymbols:
    """Which releases export which symbols."""

    releases: tuple[Version, ...]
    """Ascending."""
    added: Mapping[str, Version]
    """Symbol to the release from which on it is there, up to `removed` or to the newest."""
    removed: Mapping[str, Version]
    complete: bool
    """Symbols of the first release are listed, too."""

    def knows(self, symbol: str) -> bool:
        """Whether some release adds or removes the symbol."""
        return symbol in self.added or symbol in self.removed


@dataclass(frozen=True, kw_only=True)
class Provided:
    """One library of one provider; without slots because it caches its table."""

    soname: str
    provider: str
    """Name of the provider."""
    distribution: str
    """What Requires-Dist names."""
    architectures: tuple[str, ...]
    places: tuple[str, ...]
    """``site:`` and ``data:`` paths."""
    headers: tuple[str, ...] = ()
    """Folders, as places."""
    policy: str
    """What decides which releases are enough: ``symbols``, ``versions`` or ``line``."""
    scope: str
    first: str
    below: str | None = None
    line: str | None = None
    after: tuple[str, ...] = ()
    group: str | None = None
    siblings: tuple[str, ...] = ()
    proof: tuple[str, ...] = ()

    @cached_property
    def table(self) -> LibrarySymbols:
        """The symbols by release; empty where the bound follows from the SONAME alone."""
        try:
            return read_library(read_data(f"symbols/{self.soname}.json"))
        except FileNotFoundError:
            return LibrarySymbols(releases=(), added={}, removed={}, complete=False)

    def requirement(self, symbols: Iterable[str] = (), built: str | None = None) -> str:
        """The ``Requires-Dist`` that has the SONAME and all needed symbols (versions).

        `built` is the release that the objects were linked against, if it is known. Raises
        `NoProviderError` where no known release has all of it.
        """
        lower, upper = self.bounds(symbols, built)
        if self.policy == "line":
            return f"{self.distribution}=={self.line}.*,>={lower}"
        return f"{self.distribution}{f'<{upper},' if upper else ''}>={lower}"

    def bounds(
        self, symbols: Iterable[str] = (), built: str | None = None
    ) -> tuple[str, str | None]:
        """The first release that is enough, and the one after the last; `NoProviderError`.

        A release that is newer than all known ones bounds from below: it may have added a symbol.
        """
        if built and parse_version(built) > self.newest_known(built):
            past = self.below is not None and parse_version(built) >= parse_version(self.below)
            return built, None if past else self.below
        lower, upper, needed = parse_version(self.first), self.below, sorted(set(symbols))
        for symbol in needed:
            if self.table.complete and not self.table.knows(symbol):
                raise NoProviderError(
                    f"no release of {self.distribution} up to {self.newest_known(self.first)} has "
                    f"{symbol} of {self.soname}.",
                    "Build against one of these releases, or use a toolchain that knows a newer.",
                )
            lower = max(lower, self.table.added.get(symbol, lower))
            gone = self.table.removed.get(symbol)
            if gone is not None and (upper is None or gone < parse_version(upper)):
                upper = str(gone)
        if upper is not None and lower >= parse_version(upper):
            raise NoProviderError(
                f"no release of {self.distribution} has all needed symbols of {self.soname}.",
                "Its objects were linked against different releases: build them against one.",
            )
        return (self.first if lower == parse_version(self.first) else str(lower)), upper

    def newest_known(self, default: str) -> Version:
        """The newest release in the tables of its distribution's libraries."""
        rows = (r for r in load_providers().values() if r.distribution == self.distribution)
        known = (release for row in rows for release in row.table.releases)
        return max(known, default=parse_version(default))

    def evidence(self, symbols: Iterable[str]) -> tuple[str, ...]:
        """Functions that a loaded copy must have to be enough: the newest of what is needed."""
        if self.policy == "versions":  # which name no functions
            return self.proof
        known = [name for name in set(symbols) if self.table.knows(name)]
        first = self.table.releases[0] if known else parse_version("0")
        known.sort(key=lambda name: (self.table.added.get(name, first), name), reverse=True)
        removed = [name for name in known if name in self.table.removed]
        return tuple(dict.fromkeys((*self.proof, *known[:_MOST_PROOF], *removed[:_MOST_PROOF])))

    def is_sibling(self, name: str) -> bool:
        """Whether the library opens a file of that name in its own folder."""
        return any(fnmatchcase(name, pattern) for pattern in self.siblings)

    def too_loose(
        self,
        requirements: Iterable[Requirement],
        symbols: Collection[str],
        built: str | None = None,
    ) -> str:
        """A release that the requirements accept and that is not enough; empty for none.

        Without any requirement on the distribution, that is every release.
        """
        mine = [r for r in requirements if r.marker is None]
        if not mine:
            return "any release"
        lower, upper = self.bounds(symbols, built)
        ends = map(parse_version, filter(None, (upper, self.below)))
        first, end = parse_version(lower), parse_version(upper) if upper else None
        for release in sorted({*_releases_of(self.distribution), *ends}):
            inside = first <= release and (end is None or release < end)
            if self.policy == "line":
                inside = inside and f"{release}.".startswith(f"{self.line}.")
            if not inside and all(r.specifier.contains(release, prereleases=True) for r in mine):
                return str(release)
        return ""


def read_library(document: Mapping[str, Any]) -> LibrarySymbols:
    """The table of one library; a symbol that comes back counts from its last coming on."""
    rows = sorted((parse_version(key), row) for key, row in document["releases"].items())
    added: dict[str, Version] = {}
    removed: dict[str, Version] = {}
    for release, row in rows:
        for symbol in row.get("removed", ()):
            removed[symbol] = release
        for symbol in row.get("added", ()):
            added[symbol] = release
            removed.pop(symbol, None)
    releases = tuple(release for release, _ in rows)
    return LibrarySymbols(
        releases=releases, added=added, removed=removed, complete=document["complete"]
    )


def read_provider(document: Mapping[str, Any]) -> tuple[Provided, ...]:
    """The rows of one provider, one for each SONAME."""
    headers = tuple(document.get("headers", ()))
    found = []
    for row in document["libraries"]:
        for soname in row["sonames"]:
            fields = {key: value for key, value in row.items() if key != "sonames"}
            for key in ("places", "after", "siblings", "proof"):
                fields[key] = tuple(text.format(soname=soname) for text in row.get(key, ()))
            found.append(
                Provided(
                    soname=soname,
                    provider=document["name"],
                    architectures=tuple(document["architectures"]),
                    headers=headers,
                    **fields,
                )
            )
    return tuple(found)


@cache
def load_providers() -> Mapping[str, Provided]:
    """Every row of the specification by its SONAME."""
    rows = [row for name in data_names("providers") for row in read_provider(read_data(name))]
    return {row.soname: row for row in rows}


def provided(name: str, arch: str | None = None) -> Provided | None:
    """The row that serves a SONAME (on an architecture); None for any other library."""
    row = load_providers().get(name)
    return row if row and arch in {None, *row.architectures} else None


def provided_copy(*names: str) -> Provided | None:
    """The row whose library a file is a copy of, by its SONAME or file name, mangled or not."""
    for name in names:
        plain = _MANGLED.sub("", name)
        while ".so" in plain:
            if plain in load_providers():
                return load_providers()[plain]
            plain = plain.rpartition(".")[0]
    return None


def _releases_of(distribution: str) -> set[Version]:
    rows = [row for row in load_providers().values() if row.distribution == distribution]
    return {release for row in rows for release in (*row.table.releases, parse_version(row.first))}
