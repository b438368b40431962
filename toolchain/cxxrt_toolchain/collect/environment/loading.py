"""What the loader would map for each extension module, found without loading anything.

Follows glibc's elf/dl-load.c (`_dl_map_object`): a name that an object of the process has as its
SONAME, or was opened by, is not searched for; a file that is mapped already (same inode) is not
mapped again. A package's own code may have loaded other libraries before; that is not known here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect import files as objects
from cxxrt_toolchain.collect.store import Identity, Store, identity
from cxxrt_toolchain.facts.families import LIBGCC_S, LIBSTDCXX
from cxxrt_toolchain.facts.installed import VARIABLE_STEPS
from cxxrt_toolchain.facts.loading import Opened

if TYPE_CHECKING:
    from cxxrt_toolchain.collect.environment.search import Search
    from cxxrt_toolchain.facts.objects import ObjectFacts


_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass
class Mapped:
    """The objects of a process."""

    names: dict[str, str] = field(default_factory=dict)
    """SONAMEs, and names that were searched for, to paths."""
    inodes: dict[tuple[int, int], str] = field(default_factory=dict)
    edges: dict[str, dict[str, str]] = field(default_factory=dict)
    """In load order."""
    absent: list[tuple[str, str]] = field(default_factory=list)
    before: Mapping[str, str] = field(default_factory=dict)
    """Libraries by name that other code has loaded, if it needs one of them."""

    def copy(self) -> Mapped:
        """The same objects, as the start of another process."""
        return Mapped(dict(self.names), dict(self.inodes), dict(self.edges), [])


class Loader:
    """The loader of one program, with the facts of the files that it may open."""

    def __init__(self, search: Search, found: Mapping[str, ObjectFacts], store: Store) -> None:
        self.search = search
        self.facts = dict(found)
        self.chosen: dict[tuple[str, str], str] = {}
        """(Path of an object, needed name) to the variable that decides which file serves it."""
        self._store = store
        self._stats: dict[str, Identity | None] = {}
        self._found: dict[tuple[str, ...], tuple[str, str]] = {}

    def prefetch(self, users: Iterable[ObjectFacts]) -> None:
        """Read the machine's libraries that objects need, level by level."""
        seen: set[str] = set()
        waiting = {name for user in users for name in user.facts.needed}
        while waiting:
            seen |= waiting
            places = (self.search.find(name) for name in sorted(waiting))
            paths = [each.path for each in places if each and each.path not in self.facts]
            read = objects.read(paths, self._store).found
            self.facts |= read
            waiting = {name for each in read.values() for name in each.facts.needed} - seen

    def start(self, program: str, preloads: Iterable[str]) -> Mapped:
        """The objects that a process of the program starts with; preloads come before the rest."""
        mapped = Mapped()
        roots = [program]
        self._map(mapped, program)
        for entry in preloads:
            path = entry if "/" in entry else getattr(self.search.find(entry), "path", "")
            if path and self._map(mapped, path, entry):
                roots.append(path)
        self._follow(mapped, roots)
        return mapped

    def with_runtime(
        self, start: Mapped, runtime: Iterable[ObjectFacts], cudart: Iterable[ObjectFacts] = ()
    ) -> Mapped:
        """The process after the runtime wheel's loader, which leaves a libstdc++ where it is.

        `cudart` are libraries that it is asked for, too.
        """
        mapped = start.copy()
        libraries = [each for each in runtime if each.name in (LIBSTDCXX, LIBGCC_S)]
        for each in (*(libraries if LIBSTDCXX not in mapped.names else ()), *cudart):
            if each.name not in mapped.names:
                self._map(mapped, each.path, each.name)
        return mapped

    def open(self, start: Mapped, module: str, before: Mapping[str, str] = _NOTHING) -> Opened:
        """What importing an extension module maps in addition to a process's objects.

        `before` are libraries that other code has loaded before, by name.
        """
        mapped = start.copy()
        mapped.before = before
        if not self._map(mapped, module):  # it needs no other file if it is there already
            return Opened(module=module, edges={})
        self._follow(mapped, [module])
        edges = {path: row for path, row in mapped.edges.items() if path not in start.edges}
        return Opened(module=module, edges=edges, absent=tuple(mapped.absent))

    def read(self, path: str) -> ObjectFacts | None:
        """The facts of a file; None if it is no ELF file that can be read."""
        if path not in self.facts:
            self.facts |= objects.read([path], self._store).found
        return self.facts.get(path)

    def _map(self, mapped: Mapped, path: str, name: str = "") -> bool:
        """Whether a file was mapped by this: it may be there under another name."""
        key = self.identity(path)
        if key is None or (found := self.read(path)) is None:
            return False
        inode = key[:2]
        known = mapped.inodes.get(inode)
        mapped.names.setdefault(name, known or path)
        if known is not None:
            return False
        mapped.inodes[inode] = path
        mapped.edges[path] = {}
        if found.facts.soname:
            mapped.names.setdefault(found.facts.soname, path)
        return True

    def _follow(self, mapped: Mapped, roots: Iterable[str]) -> None:
        """Map what objects need, breadth first; RPATHs pass from an object to those it loads."""
        waiting: list[tuple[str, tuple[str, ...]]] = [(path, ()) for path in roots]
        for path, inherited in waiting:  # grows while it is walked
            user = self.facts[path]
            row = mapped.edges[path]
            passed = inherited
            if user.facts.rpath and user.facts.runpath is None:
                passed = (*self.search.expand(user.facts.rpath, path), *inherited)
            for name in user.facts.needed:
                if name not in mapped.names:
                    place, step = self._find(user, name, inherited)
                    place = place or mapped.before.get(name, "")
                    if step:
                        self.chosen[path, name] = step
                    if place and self._map(mapped, place, name):
                        waiting.append((place, passed))
                if name in mapped.names:
                    row[name] = mapped.names[name]
                else:
                    mapped.absent.append((path, name))

    def _find(self, user: ObjectFacts, name: str, inherited: tuple[str, ...]) -> tuple[str, str]:
        """The file that serves a needed name, and the variable that leads to it; or empty."""
        own = user.facts.runpath if user.facts.runpath is not None else user.facts.rpath
        key: tuple[str, ...] = (name,)
        if own is not None or inherited:
            key = (name, user.path.rpartition("/")[0], own or "", str(user.facts.runpath is None))
            key += inherited
        if key not in self._found:
            self._found[key] = self._search(user, name, inherited)
        return self._found[key]

    def _search(self, user: ObjectFacts, name: str, inherited: tuple[str, ...]) -> tuple[str, str]:
        if "/" in name:
            (place,) = self.search.expand(name, user.path) or ("",)
            return (place, "") if self._fits(place, user) else ("", "")
        for each in self.search.all(name, path=user.path, facts=user.facts, inherited=inherited):
            if self._fits(each.path, user):
                return each.path, each.step.value if each.step in VARIABLE_STEPS else ""
        return "", ""

    def _fits(self, path: str, user: ObjectFacts) -> bool:
        """Whether a file is for the user's machine; the loader passes over others."""
        found = self.read(path) if self.identity(path) is not None else None
        return found is not None and (
            (found.facts.machine, found.facts.bits) == (user.facts.machine, user.facts.bits)
        )

    def identity(self, path: str) -> Identity | None:
        """The identity of a file; None if there is none."""
        if path not in self._stats:
            try:
                self._stats[path] = identity(os.stat(path))  # noqa: PTH116 - hundreds of them
            except (OSError, ValueError):
                self._stats[path] = None
        return self._stats[path]
