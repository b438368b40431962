"""The files that a process has loaded -> what is known of them, one by one and together.

In: paths, again and again of one program. Out: `LoadSet`s. Facts of files are remembered here and
in the cache; what is installed is read only when a file is new.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from cxxrt_toolchain.collect import files as objects
from cxxrt_toolchain.collect.environment.installed import read_environment
from cxxrt_toolchain.collect.process.contested import Exports, contested, read_exports
from cxxrt_toolchain.collect.process.cudart_users import read_places
from cxxrt_toolchain.collect.process.file_facts import describe
from cxxrt_toolchain.collect.process.file_table import (
    FileFacts,
    FileTable,
    Kind,
    identity_of,
    state_of,
)
from cxxrt_toolchain.collect.process.load_set import LoadSet, LoadSets
from cxxrt_toolchain.collect.process.references import NOTHING, ReferenceTable
from cxxrt_toolchain.facts.libraries import Places

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cxxrt_toolchain.collect.cache import FactsCache
    from cxxrt_toolchain.collect.process.file_table import Identity
    from cxxrt_toolchain.collect.process.mappings import MappedFile
    from cxxrt_toolchain.facts.installed import Environment
    from cxxrt_toolchain.host.interpreter import Interpreter

_UNKNOWN = (0, 0)


class SetReader:
    """Reads the files of processes of one program."""

    def __init__(
        self,
        interpreter: Interpreter,
        environment: Environment | None,
        cache: FactsCache | None,
    ) -> None:
        self._interpreter = interpreter
        self._environment = environment
        self._cache = cache
        self._state = state_of(interpreter.path)
        self._sets = LoadSets(self.folder, interpreter.program, self._state)
        self._seen: dict[str, tuple[str, Identity | None]] = {}
        self._files: dict[str, FileFacts | None] = {}
        self._exports: dict[str, Exports | None] = {}

    @property
    def folder(self) -> Path | None:
        """Where is kept what was read; None: nowhere."""
        return self._cache.folder if self._cache else None

    @cached_property
    def environment(self) -> Environment:
        """What is installed for the program."""
        return self._environment or read_environment(self._interpreter, self._cache)

    @cached_property
    def _table(self) -> FileTable:
        return FileTable(self.folder, self._interpreter.program, self._state)

    @cached_property
    def _references(self) -> ReferenceTable:
        return ReferenceTable(self.folder, self._interpreter.program)

    def read(self, root: str, files: Sequence[MappedFile], *, memory: bool) -> LoadSet:
        """What is known of some files.

        Args:
            root: What stands before a path of the process, here. Where it is not empty, nothing
                is kept for later processes.
            files: In load order where that is known.
            memory: Whether the process's memory will be looked at.
        """
        paths = tuple(each.path for each in files)
        places = ["" if each.deleted else root + each.path for each in files]
        identities = tuple(map(identity_of, places))
        known = self._sets.find(paths, identities, memory=memory) if not root else None
        if known is None:
            self._forget_others(root, dict(zip(paths, identities, strict=True)))
            self._learn(root, files)
            found = [self._files[path] for path in paths]
            known = LoadSet(
                sonames=tuple(facts.soname if facts else "" for facts in found),
                kinds=tuple(facts.kind if facts else None for facts in found),
            )
            if memory:
                self._add_references(known, root, paths)
            if not root and self._may_keep(known, paths):
                self._sets.add(paths, identities, known, memory=memory)
        return known

    def save(self) -> None:
        """Keep what is known of sets of files for later looks."""
        self._sets.save()

    def _forget_others(self, root: str, identities: dict[str, Identity | None]) -> None:
        """What was remembered of paths where other files lie now."""
        for path, identity in identities.items():
            if self._seen.get(path) != (root, identity):
                self._seen[path] = root, identity
                self._files.pop(path, None)
                self._exports.pop(path, None)

    def _learn(self, root: str, files: Sequence[MappedFile]) -> None:
        """Find out about the files that were not met before."""
        known = self._files
        new = [each for each in files if each.path not in known]
        places = {each.path: root + each.path for each in new if not each.deleted}
        if not root:
            known.update(self._table.find(places))
        missing = {place: path for path, place in places.items() if path not in known}
        if missing:
            found = objects.read(missing, None if root else self._cache).found
            here = Places(environment=self.environment)
            for place, path in missing.items():
                facts = known[path] = describe(here, place, found.get(place), root)
                if facts is not None and not root:
                    self._table.add(path, place, facts)
            self._table.save()
        for each in new:
            if each.deleted:
                known[each.path] = None

    def _add_references(self, known: LoadSet, root: str, paths: tuple[str, ...]) -> None:
        """What has to be read from a process's memory, and where everything is in it."""

        def open_file(path: str) -> BinaryIO:
            return open(root + path, "rb")  # noqa: PTH123 - a path of the kernel's, as it is

        kinds = dict(zip(paths, known.kinds, strict=True))
        for path, kind in kinds.items():
            if path not in self._exports:
                self._exports[path] = read_exports(path, open_file) if kind else None
        exports = {path: self._exports[path] for path in paths}
        known.ranges = tuple(
            (each.low, each.high) if each else _UNKNOWN for each in exports.values()
        )
        places = {path: root + path for path, kind in kinds.items() if kind and kind.is_cxx}
        table = self._references if not root else ReferenceTable(None, "")
        read = table.read(places, open_file)
        known.references = contested(read, exports, lambda path: group_of(path, kinds.get(path)))
        known.cudart = read_places(
            list(zip(paths, known.sonames, known.kinds, strict=True)), open_file
        )

    def _may_keep(self, known: LoadSet, paths: tuple[str, ...]) -> bool:
        """What cannot be read today may be readable tomorrow."""
        unread = (path for path, kind in zip(paths, known.kinds, strict=True) if kind is None)
        return (
            not any(map(os.path.isfile, unread))
            and _UNKNOWN not in known.ranges
            and NOTHING not in known.references.values()
            and all(places is not None for _, places in known.cudart.values())
        )


def group_of(path: str, kind: Kind | None) -> str:
    """What a file is part of: its package, else its folder."""
    return (kind.package if kind else None) or path.rpartition("/")[0]
