"""What extension modules need and do not get: files, symbol versions and symbols.

A symbol with a version of glibc or of GCC's libraries is there if the version is. The symbols that
an object lacks are kept as long as it and the files of its scope are the same.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.facts import Binding
from cxxrt_toolchain.elf.reader import ElfError, SparseElf
from cxxrt_toolchain.facts.families import RuntimeFamily, family_of_name
from cxxrt_toolchain.facts.libraries import SYSTEM
from cxxrt_toolchain.facts.loading import Absent, Opened, Unserved
from cxxrt_toolchain.plain_files import open_plain

if TYPE_CHECKING:
    from cxxrt_toolchain.collect.answers import Answers
    from cxxrt_toolchain.collect.environment.loading import Loader
    from cxxrt_toolchain.collect.environment.own_code import OwnCode
    from cxxrt_toolchain.facts.members import Member

_GLIBC = re.compile(r"(?:lib(?:anl|c|crypt|dl|m|mvec|nsl|pthread|resolv|rt|util)\.so|ld-linux).*")
_LARGEST_TABLE = 128 << 20
_WORTH_A_TABLE = 5000
"""Bytes of an object for each name that is looked up singly before its whole table is read; all
400,000 of libtensorflow_cc.so.2, of 1 GB, take a second."""
_Symbol = tuple[str, str]
"""A name and a version; an empty version for none."""
_NOTHING: tuple[_Symbol, ...] = ()
_Table = dict[str, tuple[str, ...]]
"""Exported name to its versions; an empty one for a definition that serves every version."""


def is_trusted(library: str) -> bool:
    """Whether all symbols of a library's version are there if the version is."""
    family = family_of_name(library)
    if family is None:
        return bool(_GLIBC.fullmatch(library))
    return family.is_versioned and family is not RuntimeFamily.LIBCUDART


def absent_libraries(
    opened: Iterable[Opened], members: Iterable[Member], code: OwnCode
) -> tuple[tuple[Absent, ...], dict[str, str]]:
    """The libraries that are not found, and those of them that other code loads before, by name."""
    modules: dict[tuple[str, str], list[str]] = {}
    for each in opened:
        for row in each.absent:
            modules.setdefault(row, []).append(each.module)
    wanted = {name for _, name in modules}
    installed: dict[str, list[str]] = {}
    for found in (found for member in members if wanted for found in member.objects):
        for name in wanted.intersection((found.name, found.path.rpartition("/")[2])):
            installed.setdefault(name, []).append(found.path)
    absent: list[Absent] = []
    before: dict[str, str] = {}
    for (consumer, name), failing in sorted(modules.items()):
        places = tuple(sorted(installed.get(name, ())))
        if not code.loads_before(consumer, name, places):
            absent.append(
                Absent(consumer=consumer, name=name, modules=tuple(failing), found=places)
            )
        elif places:
            before[name] = code.nearest(consumer, places)
    return tuple(absent), before


def lacking_versions(opened: Iterable[Opened], loader: Loader) -> Iterator[Unserved]:
    """Versions that objects need of libraries that define other versions, but not these.

    A library without any versions serves them all: the loader only warns (elf/dl-version.c).
    """
    found: dict[tuple[str, str, str], list[str]] = {}
    known: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for each in opened:
        for consumer, row in each.edges.items():
            for name, provider in row.items():
                key = (consumer, provider, name)
                if key not in known:
                    known[key] = _lacking_versions(loader, *key)
                if known[key]:
                    found.setdefault(key, []).append(each.module)
    for (consumer, provider, name), modules in sorted(found.items()):
        yield Unserved(
            consumer=consumer,
            modules=tuple(dict.fromkeys(modules)),
            versions=known[consumer, provider, name],
            provider=provider,
            variable=loader.chosen.get((consumer, name), ""),
        )


def _lacking_versions(loader: Loader, consumer: str, provider: str, name: str) -> tuple[str, ...]:
    defined = loader.facts[provider].facts.version_definitions
    if not defined or _GLIBC.fullmatch(name):
        return ()
    return tuple(
        need.version
        for need in loader.facts[consumer].facts.version_needs
        if need.soname == name and not need.weak and need.version not in defined
    )


class Scopes:
    """Looks up symbols in what a module maps and a process starts with, as the loader does."""

    def __init__(self, loader: Loader, started: Collection[str], answers: Answers) -> None:
        self._loader = loader
        self._started = tuple(started)
        self._answers = answers
        self._tables: dict[str, _Table | None] = {}
        self._states: dict[str, str] = {}
        self._asked: dict[str, int] = {}
        self._lacking: dict[tuple[str, tuple[str, ...]], tuple[_Symbol, ...]] = {}

    def undefined(self, opened: Iterable[Opened]) -> Iterator[Unserved]:
        """Symbols that nothing in the scope of an object defines."""
        found: dict[tuple[str, str], tuple[dict[str, None], list[str]]] = {}
        for each in opened:
            for path, left in self._left(each):
                for name, version in left:
                    key = (path, self._expected(path, name, version, each))
                    symbols, modules = found.setdefault(key, ({}, []))
                    symbols[name] = None
                    if each.module not in modules:
                        modules.append(each.module)
        for (consumer, provider), (symbols, modules) in sorted(found.items()):
            name = self._loader.facts[provider].name if provider else ""
            yield Unserved(
                consumer=consumer,
                modules=tuple(modules),
                symbols=tuple(symbols),
                provider=provider,
                variable=self._loader.chosen.get((consumer, name), ""),
            )

    def complete(self, opened: Opened) -> bool:
        """Whether all files of a module are there and find their symbols."""
        return not opened.absent and not any(self._left(opened))

    def serves(self, path: str, symbols: Iterable[str]) -> bool:
        """Whether an object exports all of some names."""
        table = self._table(path)
        return table is not None and all(name in table for name in symbols)

    def exports(self, path: str, symbols: Collection[str]) -> bool:
        """The same, kept; for the many objects that might."""
        return len(self._answers.exported(path, symbols)) == len(symbols)

    def _left(self, opened: Opened) -> Iterator[tuple[str, list[_Symbol]]]:
        """The objects that lack symbols, and those."""
        # Where a library is absent, what it would define is unknown. The machine's libraries fit
        # together, as long as they get each other.
        for path, row in () if opened.absent else opened.edges.items():
            if path.startswith(SYSTEM) and all(to.startswith(SYSTEM) for to in row.values()):
                continue
            lacking = self._lacks(path, opened)
            scope = [*self._started, *opened.edges]
            if lacking and (left := self._unserved(lacking, scope)):
                yield path, sorted(left)

    def _lacks(self, path: str, opened: Opened) -> tuple[_Symbol, ...]:
        """What an object lacks in the libraries that it needs, directly or through others."""
        scope = tuple(dict.fromkeys(_reached(path, opened.edges)))
        if (path, scope) not in self._lacking:
            files = [*self._started, *scope]
            names = [self._state(file) for file in files]
            self._lacking[path, scope] = self._answers.ask(
                path, "unserved", names, lambda elf: self._unserved(_wanted(elf), files), _NOTHING
            )
        return self._lacking[path, scope]

    def _state(self, file: str) -> str:
        """A text that changes with a file."""
        if file not in self._states:
            self._states[file] = f"{file} {self._loader.identity(file)}"
        return self._states[file]

    def _unserved(self, wanted: Iterable[_Symbol], files: Iterable[str]) -> tuple[_Symbol, ...]:
        left = list(wanted)
        for file in files:
            if not left:
                break
            defined = self._loader.facts[file].facts.version_definitions
            plain = not defined
            names = {name for name, version in left if defined in ((), (version,)) or not version}
            few = self._few(file, names) if len(names) == len(left) else None
            table = self._table(file) if few is None else few
            if table is None:  # it cannot be read: nothing can be said
                return ()
            left = [
                (name, version)
                for name, version in left
                if not (found := table.get(name))
                or (version and version not in found and "" not in found and not plain)
            ]
        return tuple(left)

    def _few(self, path: str, names: set[str]) -> _Table | None:
        """Those of a few names that an object exports; None where its whole table is better."""
        self._asked[path] = self._asked.get(path, 0) + len(names)
        few = self._loader.facts[path].size // _WORTH_A_TABLE
        if self._asked[path] > few or path in self._tables or path == self._started[0]:
            return None
        try:
            with open_plain(path) as stream:
                return dict.fromkeys(SparseElf(stream, path).exports(names), ("",))
        except (OSError, ElfError):
            return None

    def _table(self, path: str) -> _Table | None:
        if path not in self._tables:
            try:
                with open_plain(path) as stream:
                    self._tables[path] = _exported(SparseElf(stream, path))
            except (OSError, ElfError):
                self._tables[path] = None
        return self._tables[path]

    def _expected(self, path: str, name: str, version: str, opened: Opened) -> str:
        """The library that was to define a symbol: by its version, else by its exported names."""
        needs = self._loader.facts[path].facts.version_needs
        row = {
            each: file
            for each, file in opened.edges[path].items()
            if not is_trusted(each)
            and ("cuda" in name or family_of_name(each) is not RuntimeFamily.LIBCUDART)
        }
        by_version = (row.get(each.soname) for each in needs if version and each.version == version)
        if found := next(filter(None, by_version), ""):
            return found
        alike = {file: _alike(name, self._table(file) or {}) for file in row.values()}
        return max(alike, key=lambda file: alike[file], default="")


def _exported(elf: SparseElf) -> _Table:
    elf.name_table(_LARGEST_TABLE)
    found: _Table = {}
    for group in elf.groups():
        if group.defined:
            new: _Table = dict.fromkeys(group.names, (group.version or "",))
            for name in found.keys() & new.keys():
                new[name] += found[name]
            found |= new
    return found


def _alike(name: str, table: _Table) -> int:
    """The longest common start of a name and an exported one."""
    names = sorted(table)
    at = bisect(names, name)
    near = names[max(at - 1, 0) : at + 1]
    return max((_common(name, each) for each in near), default=0)


def _common(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (mine, theirs) in pairs if mine != theirs), len(one))


def _reached(path: str, edges: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """An object and what it needs, directly or through others, breadth first."""
    waiting, seen = [path], {path}
    for each in waiting:  # grows while it is walked
        yield each
        for file in edges.get(each, {}).values():
            if file not in seen and file in edges:
                seen.add(file)
                waiting.append(file)


def _wanted(elf: SparseElf) -> tuple[_Symbol, ...]:
    """The symbols that others have to define, without those whose version tells that they do."""
    elf.name_table(_LARGEST_TABLE)
    return tuple(
        (each.name, each.version or "")
        for each in elf.undefined()
        if each.binding is not Binding.WEAK
        and each.name
        and not (each.soname and is_trusted(each.soname))
    )
