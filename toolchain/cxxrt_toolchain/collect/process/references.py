"""What the file of a loaded C++ object says of its references, kept between looks.

In: paths of files. Out: `ObjectReferences`, from the file or, for the very same file, from a table
in the cache folder. A file that cannot be read has no references.
"""

from __future__ import annotations

import os
import zlib
from array import array
from contextlib import suppress
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.collect.process.file_table import Identity, identity_of
from cxxrt_toolchain.collect.store import WRONG, read_sealed, write_sealed
from cxxrt_toolchain.elf.dynamic import Dynamic
from cxxrt_toolchain.elf.image import PT_LOAD, ElfError, ElfImage
from cxxrt_toolchain.elf.lookup import find_definitions
from cxxrt_toolchain.elf.references import read_definitions, read_references
from cxxrt_toolchain.facts.bindings import FACETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from cxxrt_toolchain.elf.references import OwnReferences

_MAGIC = "cxxrt-references-2"
_MOST_BYTES = 64 << 20
_ROW = 4096
"""Bytes that a row takes besides its places; a generous guess."""
_PT_GNU_RELRO = 0x6474E552
_PF_W = 2
_WORD = 8
_GAP = 1 << 14
"""Places nearer than this are read in one piece."""
_LARGEST = 1 << 22


class ObjectReferences(NamedTuple):
    """One object; plain types, because a row of the table is one."""

    runs: tuple[tuple[int, bytes], ...]
    """Places that name an own definition: a first address, and the places as numbers of words
    behind it (an ``array("I")``)."""
    symbols: bytes
    """Of all runs' places: the numbers of the own definitions (an ``array("I")``)."""
    modules: tuple[tuple[int, str], ...]
    """As in `OwnReferences`."""
    own_module: int | None
    facets: dict[str, int]
    """Addresses of those variables of `FACETS` that it defines, by facet."""
    facet_places: dict[str, int]
    """Where it looks up the variable that it really uses, by facet."""
    changeable: tuple[tuple[int, int], ...]
    """Address ranges that are written to after relocation: .data and .bss."""


NOTHING = ObjectReferences((), b"", (), None, {}, {}, ())


class ReferenceTable:
    """Of the C++ objects that one program had loaded."""

    def __init__(self, folder: Path | None, program: str) -> None:
        self._file = None
        self._program = program
        self._changed = False
        self._rows: dict[str, tuple[Identity, tuple[object, ...]]] = {}
        if folder is not None:
            self._file = folder / f"references-{zlib.crc32(os.fsencode(program)):08x}.shelf"
            with suppress(*WRONG):
                owner, rows = read_sealed(self._file, _MAGIC, _MOST_BYTES)
                if owner == program:
                    self._rows = rows

    def read(
        self, places: dict[str, str], open_file: Callable[[str], BinaryIO]
    ) -> dict[str, ObjectReferences]:
        """What the files say, from the table where it knows them.

        Args:
            places: What a file is called in the process, to where it lies here.
            open_file: Opens a file of the process, `OSError` where it is gone.
        """
        found = {}
        for path, place in places.items():
            identity = identity_of(place)
            row = self._rows.get(path)
            if row is not None and row[0] == identity:
                found[path] = ObjectReferences._make(row[1])
            else:
                found[path] = read_object(path, open_file)
                if identity and found[path] is not NOTHING:  # which may be readable tomorrow
                    self._rows[path] = (identity, tuple(found[path]))
                    self._changed = True
        if self._file and self._changed:
            self._changed = not write_sealed(self._file, _MAGIC, (self._program, self._smaller()))
        return found

    def _smaller(self) -> dict[str, tuple[Identity, tuple[object, ...]]]:
        """The newest rows, as many as may be read again."""
        left, kept = _MOST_BYTES // 2, {}
        for path, row in reversed(self._rows.items()):
            facts = ObjectReferences._make(row[1])
            left -= len(facts.symbols) + sum(len(words) for _, words in facts.runs) + _ROW
            if left < 0:
                break
            kept[path] = row
        return dict(reversed(kept.items()))


def narrowed(facts: ObjectReferences, wanted: Callable[[int], bool]) -> ObjectReferences:
    """The same object with fewer places.

    Args:
        facts: With all places.
        wanted: Whether a place is, by the number of its symbol.
    """
    symbols = array("I", facts.symbols)
    kept = list(map(wanted, symbols))
    places = compress(_places(facts.runs), kept)
    left = array("I", compress(symbols, kept))
    return facts._replace(runs=tuple(_runs(places)), symbols=left.tobytes())


def _places(runs: Iterable[tuple[int, bytes]]) -> Iterator[int]:
    for first, words in runs:
        yield from (first + number * _WORD for number in array("I", words))


def read_object(path: str, open_file: Callable[[str], BinaryIO]) -> ObjectReferences:
    """What a file says; `NOTHING` where it cannot be read."""
    try:
        with open_file(path) as stream:
            image = ElfImage(stream, path)
            dynamic = Dynamic(image, sparse=True)
            return _described(image, dynamic)
    except (OSError, ElfError):
        return NOTHING


def _described(image: ElfImage, dynamic: Dynamic) -> ObjectReferences:
    references = read_references(image, dynamic)
    definitions = find_definitions(image, dynamic, FACETS.values())
    facets = {
        facet: definitions[name].address for facet, name in FACETS.items() if name in definitions
    }
    return ObjectReferences(
        runs=tuple(_runs(references.places)),
        symbols=references.symbols.tobytes(),
        modules=references.modules,
        own_module=references.own_module,
        facets=facets,
        facet_places=_facet_places(image, dynamic, references) if facets else {},
        changeable=_changeable(image),
    )


def _runs(places: Iterable[int]) -> Iterable[tuple[int, bytes]]:
    """Neighbours that one read covers."""
    first, words = 0, array("I")
    for place in places:
        if words and (
            place - first - words[-1] * _WORD > _GAP
            or place - first > _LARGEST
            or (place - first) % _WORD
        ):
            yield first, words.tobytes()
            words = array("I")
        if not words:
            first = place
        words.append((place - first) // _WORD)
    if words:
        yield first, words.tobytes()


def _facet_places(image: ElfImage, dynamic: Dynamic, own: OwnReferences) -> dict[str, int]:
    names = (each.name for each in read_definitions(image, dynamic, own.symbols))
    places = dict(zip(names, own.places, strict=True))
    return {facet: places[name] for facet, name in FACETS.items() if name in places}


def _changeable(image: ElfImage) -> tuple[tuple[int, int], ...]:
    relro = image.first(_PT_GNU_RELRO)
    start = relro.address + relro.memory_size if relro else 0
    found = []
    for load in image.segments:
        if load.type == PT_LOAD and load.flags & _PF_W:
            end = load.address + load.memory_size
            first = start if load.address < start < end else load.address
            if not relro or not (relro.address <= load.address and end <= start):
                found.append((first, end))
    return tuple(found)
