"""The dynamic section and its string table.

Source: System V gABI chapter 5, "Dynamic Section"; the GNU tags: glibc's elf.h.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, TypeVar

from cxxrt_toolchain.elf.image import PT_DYNAMIC, ElfImage

if TYPE_CHECKING:
    from array import array

DT_NEEDED, DT_PLTRELSZ, DT_HASH, DT_STRTAB, DT_SYMTAB = 1, 2, 4, 5, 6
DT_RELA, DT_RELASZ, DT_STRSZ, DT_SONAME, DT_RPATH, DT_SYMBOLIC = 7, 8, 10, 14, 15, 16
DT_REL, DT_RELSZ, DT_PLTREL, DT_JMPREL, DT_RUNPATH, DT_FLAGS = 17, 18, 20, 23, 29, 30
DT_GNU_HASH, DT_VERSYM, DT_FLAGS_1 = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFB
DT_VERDEF, DT_VERNEED = 0x6FFFFFFC, 0x6FFFFFFE
DF_SYMBOLIC, DF_STATIC_TLS = 0x2, 0x10
DF_1_PIE = 0x08000000

Key = TypeVar("Key", bound=Hashable)

_BLOCK = 4096
_TOGETHER = 1024
_LONG = 1 << 12
"""Characters; names beyond it are real, but so rare that they may be read one by one."""
_BATCH = 16 * _TOGETHER
"""Names that are there at a time where nobody needs all together."""
_LARGE, _PASS = 16 << 20, 1 << 20
"""Bytes of a table that is not read at once, and of a step of reading it once from its start."""
_LEAST_BUDGET = 1 << 16
_KEY_BITS = 32
_KEY_MASK = (1 << _KEY_BITS) - 1


class Strings:
    """A string table, read by offset.

    Entries may share bytes, so a small table could be made to give endless text; what comes out
    in total is limited to a multiple of the table (linkers share tails, real files stay below 2).
    """

    def __init__(self, image: ElfImage, table: bytes) -> None:
        self._image = image
        self._table = table
        self._left = 8 * len(table) + _LEAST_BUDGET
        self._text: str | None = None

    def at(self, offset: int, what: str) -> str:
        """The string at an offset; bytes that are not UTF-8 come out as backslash escapes."""
        end = self._table.find(b"\0", offset) if offset < len(self._table) else -1
        if end < 0:
            raise self._image.error(f"{what} points outside the string table ({offset:#x})")
        self._take(end - offset)
        return self._table[offset:end].decode("utf-8", "backslashreplace")

    def many(self, offsets: Sequence[int], what: str) -> tuple[str, ...]:
        """The strings at many offsets: the same as `at`, in a third of its time."""
        if self._text is None:
            self._text = self._table.decode("ascii") if self._table.isascii() else ""
        text, end = self._text, self._text.index
        names: list[str] = []
        for first in range(0, len(offsets), _TOGETHER):
            block = offsets[first : first + _TOGETHER]
            try:
                found = [text[offset : end("\0", offset, offset + _LONG)] for offset in block]
            except ValueError:  # not ASCII, long, or outside the table
                found = [self.at(offset, what) for offset in block]
            else:
                self._take(sum(map(len, found)))
            names += found
        return tuple(names)

    def batches(
        self, keyed: Mapping[Key, array[int]], what: str
    ) -> Iterator[tuple[Key, tuple[str, ...]]]:
        """The strings at the offsets under each key, a few thousand at a time."""
        for key, offsets in keyed.items():
            for first in range(0, len(offsets), _BATCH):
                yield key, self.many(offsets[first : first + _BATCH], what)

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise self._image.error("the names are many times longer than their string table")


class SparseStrings:
    """A string table of which only what is asked for is read: a large one has tens of megabytes."""

    def __init__(self, image: ElfImage, address: int, size: int) -> None:
        self._image = image
        self._address = address
        self._size = size
        self._blocks: dict[int, bytes] = {}
        self._left = image.limits.table_bytes

    def at(self, offset: int, what: str) -> str:
        """The string at an offset, as `Strings.at` gives it."""
        found = b""
        while offset < self._size:
            start = offset - offset % _BLOCK
            piece = self._block(start)[offset - start :]
            end = piece.find(b"\0")
            if end >= 0:
                return (found + piece[:end]).decode("utf-8", "backslashreplace")
            found += piece
            offset = start + _BLOCK
        raise self._image.error(f"{what} points outside the string table ({offset:#x})")

    def many(self, offsets: Sequence[int], what: str) -> tuple[str, ...]:
        """The strings at many offsets; who asks for that had better read the table."""
        return tuple(self.at(offset, what) for offset in offsets)

    def batches(
        self, keyed: Mapping[Key, array[int]], what: str
    ) -> Iterator[tuple[Key, tuple[str, ...]]]:
        """As `Strings.batches`, in the order of the table, which is read once and not kept."""
        keys = list(keyed)
        wanted = sorted(
            offset << _KEY_BITS | number for number, key in enumerate(keys) for offset in keyed[key]
        )
        found: list[list[str]] = [[] for _ in keys]
        left = 8 * self._size + _LEAST_BUDGET
        start, text = 0, ""
        for each in wanted:
            offset, number = each >> _KEY_BITS, each & _KEY_MASK
            stop = text.find("\0", offset - start) if start <= offset else -1
            if stop < 0:  # in another block, or it goes on in it
                start, text = offset, self._passed(offset, what)
                stop = text.find("\0")
            if stop < 0:  # longer than a block
                name = self.at(offset, what)
            else:
                name = text[offset - start : stop]
                if not name.isascii():
                    name = name.encode("latin-1").decode("utf-8", "backslashreplace")
            left -= len(name)
            if left < 0:
                raise self._image.error("the names are many times longer than their string table")
            found[number].append(name)
            if len(found[number]) == _BATCH:
                yield keys[number], tuple(found[number])
                found[number].clear()
        yield from ((key, tuple(names)) for key, names in zip(keys, found, strict=True) if names)

    def _passed(self, start: int, what: str) -> str:
        """A block of the table, a character for each byte."""
        size = min(_PASS, self._size - start)
        if size <= 0:
            raise self._image.error(f"{what} points outside the string table ({start:#x})")
        block = self._image.read_at(self._address + start, size, "the dynamic string table")
        return block.decode("latin-1")

    def _block(self, start: int) -> bytes:
        block = self._blocks.get(start)
        if block is None:
            size = min(_BLOCK, self._size - start)
            block = self._image.read_at(self._address + start, size, "the dynamic string table")
            self._blocks[start] = block
        self._left -= len(block)
        if self._left < 0:
            raise self._image.error("the names are many times longer than their string table")
        return block


class Dynamic:
    """The dynamic section of one file; empty without one. Sparse: few strings will be asked for."""

    def __init__(self, image: ElfImage, *, sparse: bool = False) -> None:
        self._image = image
        self._sparse = sparse
        self.entries = _entries(image)
        self._last = dict(self.entries)
        self._strings: Strings | SparseStrings | None = None
        self._table: bytes | None = None

    def get(self, tag: int) -> int | None:
        """The value of a tag that occurs at most once; the last one where it occurs more often."""
        return self._last.get(tag)

    def require(self, tag: int, name: str) -> int:
        """The value of a tag without which another one makes no sense."""
        value = self._last.get(tag)
        if value is None:
            raise self._image.error(f"the dynamic section lacks {name}")
        return value

    def strings_of(self, tag: int, what: str) -> tuple[str, ...]:
        """The strings that the entries with a tag name, in file order."""
        return tuple(self.strings.at(value, what) for key, value in self.entries if key == tag)

    def string_of(self, tag: int, what: str) -> str | None:
        """The string that a tag names, or None."""
        value = self._last.get(tag)
        return None if value is None else self.strings.at(value, what)

    def table(self, most: int) -> bytes | None:
        """The whole string table, which then serves all strings; None above ``most`` bytes."""
        address, size = self._last.get(DT_STRTAB), self._last.get(DT_STRSZ) or 0
        if size > most:
            return None
        if address is None:
            return b""
        if self._table is None:
            self._table = self._image.read_at(address, size, "the dynamic string table")
            self._strings = Strings(self._image, self._table)
        return self._table

    @property
    def strings(self) -> Strings | SparseStrings:
        """The dynamic string table, read on first use."""
        if self._strings is None:
            address = self.require(DT_STRTAB, "DT_STRTAB")
            size = self.require(DT_STRSZ, "DT_STRSZ")
            if self._sparse or size > _LARGE:
                self._strings = SparseStrings(self._image, address, size)
            else:
                table = self._image.read_at(address, size, "the dynamic string table")
                self._strings = Strings(self._image, table)
        return self._strings


def _entries(image: ElfImage) -> tuple[tuple[int, int], ...]:
    """Up to DT_NULL, whatever size the segment claims: the loader does not look at it."""
    segment = image.last(PT_DYNAMIC)
    if segment is None or not segment.file_size:
        return ()
    entry, what = image.layout("QQ", "II"), "the dynamic section"
    rows: list[tuple[int, int]] = []
    while True:
        block = image.available(segment.address + len(rows) * entry.size, _BLOCK, what)
        whole = block[: len(block) - len(block) % entry.size]
        found = list(takewhile(lambda row: row[0], entry.iter_unpack(whole)))
        rows += found
        if len(rows) > image.limits.dynamic_entries:
            raise image.error(f"more than {image.limits.dynamic_entries} dynamic entries")
        if len(found) * entry.size < _BLOCK:
            return tuple(rows)
