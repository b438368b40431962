"""GNU symbol versioning: what a file needs, what it defines, and the index of both.

The chains are followed as glibc's loader does: ``vn_next`` and ``vd_next`` until zero, whatever
counts the dynamic section claims; they only go forward and their number is limited. Source:
Drepper, "ELF Symbol Versioning"; LSB Core, "Symbol Versioning".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.dynamic import DT_VERDEF, DT_VERNEED, Dynamic
from cxxrt_toolchain.elf.facts import NeededVersion, Soname

if TYPE_CHECKING:
    from struct import Struct

    from cxxrt_toolchain.elf.image import ElfImage

VERSYM_HIDDEN = 0x8000
_VER_FLG_BASE = 1
_VER_FLG_WEAK = 2
_RECORD_BYTES = 20
_BLOCK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The version sections of one file."""

    needs: tuple[NeededVersion, ...]
    """Sorted, without repetition."""
    definitions: tuple[str, ...]
    """In file order, without the base definition."""
    by_index: dict[int, tuple[str, Soname | None]]
    """``.gnu.version`` index to the version and, for a needed one, the library."""


def read_versions(image: ElfImage, dynamic: Dynamic) -> Versions:
    """The needed and the defined versions of one file."""
    needs: list[NeededVersion] = []
    definitions: list[str] = []
    by_index: dict[int, tuple[str, Soname | None]] = {}
    for index, name, base in _definitions(image, dynamic):
        if not base:
            definitions.append(name)
            by_index[index] = (name, None)
    for index, need in _needs(image, dynamic):
        needs.append(need)
        by_index[index] = (need.version, need.soname)
    return Versions(
        needs=tuple(sorted(set(needs))), definitions=tuple(definitions), by_index=by_index
    )


class _Chain:
    """A region of chained records, with the number of records that may still be followed.

    Only its last record says where the region ends, so each record is read when it is reached.
    """

    def __init__(self, image: ElfImage, address: int, what: str) -> None:
        self._address = address
        self._left = image.limits.version_records
        self._data = b""
        self._image = image
        self._what = what

    def follow(self, layout: Struct, position: int = 0) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Each record and its position; its last field leads to the next one, or is zero."""
        following = 1
        while following:
            row = self.record(layout, position)
            yield position, row
            following = row[-1]
            position += following

    def record(self, layout: Struct, position: int) -> tuple[int, ...]:
        self._left -= 1
        if self._left < 0:
            raise self._image.error(f"{self._what} never ends")
        end = position + layout.size
        if end > len(self._data):
            self._extend(end)
        return layout.unpack_from(self._data, position)

    def _extend(self, end: int) -> None:
        have, most = len(self._data), self._image.limits.version_records * _RECORD_BYTES
        if end <= most:
            size = min(most, max(_BLOCK, 2 * end)) - have
            self._data += self._image.available(self._address + have, size, self._what)
        if end > len(self._data):
            raise self._image.error(f"{self._what} runs past what the file holds of it")


def _needs(image: ElfImage, dynamic: Dynamic) -> Iterator[tuple[int, NeededVersion]]:
    address = dynamic.get(DT_VERNEED)
    if address is None:
        return
    chain = _Chain(image, address, "the table of needed versions")
    need, auxiliary = image.layout("HHIII"), image.layout("IHHII")
    for position, (_, count, file_name, first, _) in chain.follow(need):
        soname = Soname(dynamic.strings.at(file_name, "a needed version's library"))
        entries = islice(chain.follow(auxiliary, position + first), count)
        for _, (_, flags, index, name, _) in entries:
            version = dynamic.strings.at(name, "a needed version's name")
            weak = bool(flags & _VER_FLG_WEAK)
            yield index & ~VERSYM_HIDDEN, NeededVersion(soname=soname, version=version, weak=weak)


def _definitions(image: ElfImage, dynamic: Dynamic) -> Iterator[tuple[int, str, bool]]:
    address = dynamic.get(DT_VERDEF)
    if address is None:
        return
    chain = _Chain(image, address, "the table of defined versions")
    definition, auxiliary = image.layout("HHHHIII"), image.layout("II")
    for position, (_, flags, index, _, _, first, _) in chain.follow(definition):
        name, _ = chain.record(auxiliary, position + first)
        text = dynamic.strings.at(name, "a defined version's name")
        yield index & ~VERSYM_HIDDEN, text, bool(flags & _VER_FLG_BASE)
