"""What the process part keeps of each mapped file, so that a second look is short.

In: paths of files. Out: `FileFacts`, which share a `Kind` where files have everything but their
name in common, from one file per program in the cache folder. Facts count only for the very
same file (device, inode, size, mtime); a table that is damaged or of another version is empty, and
one that cannot be written is not. Nothing here ever fails a diagnosis.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from cxxrt_toolchain.collect.store import WRONG, read_sealed, write_sealed
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.libraries import Origin
from cxxrt_toolchain.facts.objects import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_MAGIC = f"cxxrt-process-{VERSION}-4"
_MOST_ROWS = 20_000
_MOST_BYTES = 16 << 20
_ORIGINS = {each.value: each for each in Origin}
_FAMILIES = {each.value: each for each in RuntimeFamily}


class Kind(NamedTuple):
    """What is known of a file besides its name; hundreds of files are of a few kinds.

    Its first fields are those of `Library`, in that order.
    """

    origin: Origin
    package: str | None
    family: RuntimeFamily | None
    static: tuple[RuntimeFamily, ...]
    version: str
    package_version: str
    location: str
    needed: tuple[str, ...]
    """SONAMEs."""
    is_cxx: bool
    """Whether it may hold C++."""
    glibc: str
    """For a C library: its version."""
    traits: str
    """As `process_interactions.traits_text` writes them."""


class FileFacts(NamedTuple):
    """One file."""

    soname: str
    kind: Kind


Identity = tuple[int, int, int, int]
_Row = tuple[Identity, str, int]
"""Identity, SONAME, number of its kind."""
State = tuple[tuple[str, int], ...]


class FileTable:
    """Facts by path, of the files that one program had mapped.

    Args:
        folder: Where the tables lie; None: nothing is kept.
        program: The program.
        state: Of the folders that it imports from. Where it is another one, nothing is known of
            files that were nobody's: they may have been installed since, editable.
    """

    def __init__(self, folder: Path | None, program: str, state: State) -> None:
        self._file = None
        self._state = state
        if folder is not None:
            self._file = folder / f"process-{zlib.crc32(os.fsencode(program)):08x}.shelf"
        self._program = program
        self._changed = False
        self._kinds: list[Kind] = []
        self._rows: dict[str, _Row] = {}
        if self._file is not None:
            with contextlib.suppress(*WRONG):
                owner, before, kinds, rows = read_sealed(self._file, _MAGIC, _MOST_BYTES)
                if owner == program:
                    self._kinds = [decode_kind(kind) for kind in kinds]
                    self._rows = rows if before == state else self._owned(rows)
        self._numbers = {kind: number for number, kind in enumerate(self._kinds)}

    def find(self, places: Mapping[str, str]) -> dict[str, FileFacts]:
        """The facts of files that are as they were.

        Args:
            places: What a file is called in the process, to where it lies here.
        """
        rows, kinds = self._rows, self._kinds
        found = {}
        for path, place in places.items():
            if path in rows:
                identity, soname, number = rows[path]
                if identity == identity_of(place):
                    found[path] = FileFacts(soname, kinds[number])
        return found

    def add(self, path: str, place: str, facts: FileFacts) -> None:
        """Keep what is known of a file."""
        identity = identity_of(place)
        if identity:
            number = self._numbers.setdefault(facts.kind, len(self._kinds))
            if number == len(self._kinds):
                self._kinds.append(facts.kind)
            self._rows[path] = (identity, facts.soname, number)
            self._changed = True

    def save(self) -> None:
        """Write what is new, if it can be written."""
        if self._file is None or not self._changed:
            return
        kept = list(self._rows.items())[-_MOST_ROWS:]
        used = dict.fromkeys(number for _, (_, _, number) in kept)
        numbers = {old: new for new, old in enumerate(used)}
        rows = {path: (identity, soname, numbers[old]) for path, (identity, soname, old) in kept}
        kinds = [encode_kind(self._kinds[number]) for number in used]
        self._changed = not write_sealed(
            self._file, _MAGIC, (self._program, self._state, kinds, rows)
        )

    def _owned(self, rows: dict[str, _Row]) -> dict[str, _Row]:
        nobodys = {n for n, kind in enumerate(self._kinds) if kind.origin is Origin.OTHER}
        return {path: row for path, row in rows.items() if row[2] not in nobodys}


def state_of(folders: Iterable[str]) -> State:
    """When something was last installed in some folders, or removed: their mtimes."""
    found = ((folder, identity_of(folder)) for folder in folders)
    return tuple((folder, identity[-1] if identity else 0) for folder, identity in found)


def encode_kind(kind: Kind) -> tuple[object, ...]:
    """As plain types."""
    origin, package, family, static, *rest = kind
    names = tuple(each.value for each in static)
    return (origin.value, package, family.value if family else None, names, *rest)


def decode_kind(row: tuple[Any, ...]) -> Kind:
    """What `encode_kind` made of a kind.

    Raises:
        LookupError, TypeError, ValueError: It is something else.
    """
    origin, package, family, static, *rest = row
    return Kind(
        _ORIGINS[origin],
        package,
        _FAMILIES[family] if family else None,
        tuple(_FAMILIES[each] for each in static),
        *rest,
    )


def identity_of(place: str) -> Identity | None:
    """Which file that is, and in which state; None where there is none."""
    try:
        found = os.stat(place)  # noqa: PTH116 - hundreds of them
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
