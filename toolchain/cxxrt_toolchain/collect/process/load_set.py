"""What follows from the files alone that a process has loaded, kept between looks.

In: the paths of the files in load order, and what state they are in. Out: a `LoadSet`, from the
cache folder where a process had the very same files loaded before: their facts, the references that
have to be read from its memory, whom they meet, and what they say of symbols that were bound
elsewhere. Only the memory is not in it. A set that is damaged, or of other files, is none.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.collect.process.file_table import Kind, decode_kind, encode_kind
from cxxrt_toolchain.collect.process.references import ObjectReferences
from cxxrt_toolchain.collect.store import WRONG, read_sealed, write_sealed
from cxxrt_toolchain.facts.bindings import Bound
from cxxrt_toolchain.facts.objects import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cxxrt_toolchain.collect.process.bindings import Described, ObjectInMemory, Symbols
    from cxxrt_toolchain.collect.process.cudart_users import Places
    from cxxrt_toolchain.collect.process.file_table import Identity, State

_MAGIC = f"cxxrt-load-set-{VERSION}-3"
_MOST_BYTES = 16 << 20
_MOST_SETS = 32
Identities = tuple["Identity | None", ...]
Ranges = tuple[tuple[int, int], ...]


@dataclass(slots=True, kw_only=True)
class LoadSet:
    """Of one sequence of files; the tuples have its length."""

    sonames: tuple[str, ...]
    kinds: tuple[Kind | None, ...]
    """None for what cannot be read, or is gone."""
    ranges: Ranges = ()
    """Of each file's memory, from its lowest address to its end, before the load address is added;
    (0, 0) where that is not known, and empty where the memory is not looked at."""
    references: dict[str, ObjectReferences] = field(default_factory=dict)
    """What has to be read from the memory, by path."""
    cudart: Places = field(default_factory=dict)
    """Which of several copies of a libcudart are needed, and where the memory says who is used."""
    interactions: tuple[Any, ...] | None = None
    """As `process_interactions` writes them; None before they were looked for."""
    described: Described = field(default_factory=dict)
    """Of the symbols that were found to be bound elsewhere."""
    compilers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """``.comment`` of the objects that were found to be bound to one another."""
    changed: bool = True
    """Whether something is in it that was not kept."""

    def describe(
        self,
        source: ObjectInMemory,
        target: str,
        symbols: Symbols,
        ask: Callable[[ObjectInMemory, str, Symbols], tuple[Bound, ...]],
    ) -> tuple[Bound, ...]:
        """What the files say of some symbols; asked if that was not asked before.

        Nothing where a file cannot be read, which may be otherwise tomorrow.
        """
        key = (source.path, target, symbols)
        if key not in self.described:
            try:
                self.described[key] = ask(source, target, symbols)
            except OSError:
                return ()
            self.changed = True
        return self.described[key]

    def compiler(self, path: str, ask: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
        """Likewise the compilers of a file."""
        if path not in self.compilers:
            try:
                self.compilers[path] = ask(path)
            except OSError:
                return ()
            self.changed = True
        return self.compilers[path]


class LoadSets:
    """Of the processes of one program.

    Args:
        folder: Where they lie; None: nothing is kept.
        program: The program.
        state: Of the folders that it imports from; after an installation, a file may be another
            package's than it was.
    """

    def __init__(self, folder: Path | None, program: str, state: State) -> None:
        self._folder = folder
        self._head = (program, state)
        self._known: dict[tuple[bool, tuple[str, ...]], tuple[Identities, LoadSet]] = {}

    def find(
        self, paths: tuple[str, ...], identities: Identities, *, memory: bool
    ) -> LoadSet | None:
        """The set of these files, if it is known.

        Args:
            paths: In load order.
            identities: What they are now; None: gone.
            memory: Whether a process's memory will be looked at.
        """
        before, known = self._known.get((memory, paths), ((), None))
        if known is None and self._folder is not None:
            with contextlib.suppress(*WRONG):
                head, names, before, rows = read_sealed(
                    self._file(paths, memory=memory), _MAGIC, _MOST_BYTES
                )
                if head == self._head and names == paths and before == identities:
                    known = _decoded(rows, len(paths))
                    self._known[memory, paths] = before, known
        return known if before == identities else None

    def add(
        self, paths: tuple[str, ...], identities: Identities, found: LoadSet, *, memory: bool
    ) -> None:
        """Remember a set; until `save`, only here."""
        self._known[memory, paths] = identities, found

    def save(self) -> None:
        """Write what is new, if it can be written."""
        changed = [each for each in self._known.items() if each[1][1].changed]
        if self._folder is None or not changed:
            return
        for (memory, paths), (identities, known) in changed:
            value = (self._head, paths, identities, _encoded(known))
            file = self._file(paths, memory=memory)
            known.changed = not write_sealed(file, _MAGIC, value)
        with contextlib.suppress(OSError):
            _forget_oldest(self._folder)

    def _file(self, paths: tuple[str, ...], *, memory: bool) -> Path:
        text = "\0".join((str(memory), str(self._head[0]), *paths))
        assert self._folder is not None  # noqa: S101 - only asked for where there is one
        return self._folder / f"load-{zlib.crc32(os.fsencode(text)):08x}.shelf"


def _encoded(known: LoadSet) -> tuple[Any, ...]:
    numbers: dict[Kind | None, int] = {}
    return (
        known.sonames,
        tuple(numbers.setdefault(kind, len(numbers)) for kind in known.kinds),
        tuple(encode_kind(kind) if kind else None for kind in numbers),
        known.ranges,
        {path: tuple(facts) for path, facts in known.references.items()},
        known.cudart,
        known.interactions,
        {key: tuple(map(tuple, rows)) for key, rows in known.described.items()},
        known.compilers,
    )


def _decoded(row: Any, length: int) -> LoadSet:  # noqa: ANN401 - what was written
    """What `_encoded` made of it; raises one of `WRONG` where it is something else."""
    sonames, numbers, kinds, ranges, references, cudart, interactions, described, compilers = row
    known = [decode_kind(kind) if kind else None for kind in kinds]
    if not len(sonames) == len(numbers) == length:
        raise ValueError(length)
    return LoadSet(
        sonames=sonames,
        kinds=tuple([known[number] for number in numbers]),
        ranges=ranges,
        references={path: ObjectReferences._make(facts) for path, facts in references.items()},
        cudart=cudart,
        interactions=interactions,
        described={key: tuple(map(Bound._make, rows)) for key, rows in described.items()},
        compilers=compilers,
        changed=False,
    )


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob("load-*.shelf"), key=lambda each: each.stat().st_mtime)
    for old in files[:-_MOST_SETS]:
        old.unlink(missing_ok=True)
