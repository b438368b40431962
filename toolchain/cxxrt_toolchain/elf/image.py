"""An ELF file as program headers and bounded reads; the only code that touches the stream.

Sizes and offsets are never trusted: every read is bounded by `Limits` and answered in full or by
`ElfError`. Section headers are not used, because the loader does not use them and stripped objects
have none; `sections` has them.

Source: System V gABI, chapters 4 (object files) and 5 (program loading).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cxxrt_toolchain.errors import MemberError

MAGIC = b"\x7fELF"
PT_LOAD = 1
PT_DYNAMIC = 2
PT_NOTE = 4
PT_TLS = 7
PT_GNU_STACK = 0x6474E551
PT_GNU_PROPERTY = 0x6474E553
PF_X = 1
PF_W = 2

PAGE = 4096
"""Bytes of the smallest page of a machine that has our loader: as much is mapped at least."""

_IDENT_SIZE = 16
MAX_HEADER = 64
"""Bytes of the largest file header."""
_PN_XNUM = 0xFFFF
_MAX_OFFSET = 1 << 62
_MOST_CLEARED = 1 << 16
_MOST_COVERED = 16


class ByteSource(Protocol):
    """The two methods of a binary stream that reading needs."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to an offset."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to that many bytes."""


class ElfError(MemberError):
    """An ELF file that cannot be read; the message names the member and what is wrong in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one file may make us read; beyond it the file is called absurd."""

    segments: int = 1024
    dynamic_entries: int = 1 << 16
    version_records: int = 1 << 16
    symbols: int = 1 << 21
    table_bytes: int = 128 << 20
    """Largest single table; the string table of the largest known wheel (torch, CUDA) is 60 MB."""
    note_bytes: int = 1 << 20


DEFAULT_LIMITS = Limits()


class Segment(NamedTuple):
    """One program header; a named tuple, because every file has a dozen."""

    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    alignment: int


class _Mapping(NamedTuple):
    """A piece of the memory that the loader makes of the file."""

    start: int
    end: int
    offset: int | None
    """In the file; None where the loader clears it."""

    def upto(self, end: int) -> _Mapping:
        """Its beginning."""
        return self._replace(end=min(end, self.end))

    def since(self, start: int) -> _Mapping:
        """Its end."""
        start = max(start, self.start)
        moved = None if self.offset is None else self.offset + start - self.start
        return _Mapping(start, self.end, moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The file header, as far as anything depends on it."""

    bits: int
    little_endian: bool
    type: int
    machine: int
    segment_table: int
    """File offset."""
    segment_count: int


class ElfImage:
    """One ELF file: its header, its segments and reads at offsets and addresses."""

    def __init__(
        self,
        stream: ByteSource,
        member: str,
        limits: Limits = DEFAULT_LIMITS,
        skip: Callable[[int, int], None] | None = None,
    ) -> None:
        self._stream = stream
        self.member = member
        self.limits = limits
        self.header = self._read_header()
        self.segments = self._read_segments()
        self._mappings = self._map()
        if skip is not None:
            self._skip_code(skip)

    @property
    def wide(self) -> bool:
        """Whether this is a 64-bit file."""
        return self.header.bits == 64  # noqa: PLR2004 - the field's own unit

    def layout(self, wide: str, narrow: str | None = None) -> struct.Struct:
        """A record's layout in this file's byte order and class."""
        order = "<" if self.header.little_endian else ">"
        return struct.Struct(order + (wide if narrow is None or self.wide else narrow))

    def error(self, reason: str) -> ElfError:
        """An `ElfError` with the name of this file."""
        return ElfError(self.member, reason)

    def read(self, offset: int, size: int, what: str) -> bytes:
        """Exactly ``size`` bytes at a file offset."""
        if size > self.limits.table_bytes:
            raise self.error(f"{what} claims {size} bytes, more than {self.limits.table_bytes}")
        if offset > _MAX_OFFSET:
            raise self.error(f"{what} lies at the absurd offset {offset:#x}")
        data = self._read_some(offset, size)
        if len(data) != size:
            raise self.error(f"the file ends inside {what} ({len(data)} of {size} bytes)")
        return data

    def read_at(self, address: int, size: int, what: str) -> bytes:
        """Exactly ``size`` bytes at a virtual address."""
        data = self.available(address, size, what)
        if len(data) != size:
            raise self.error(f"{what} ({size} bytes) runs past what the file holds of it")
        return data

    def available(self, address: int, most: int, what: str) -> bytes:
        """What the loader would have in memory from an address on, at most ``most`` bytes.

        Fewer where the mapped pages or the file end; an `ElfError` where there are none.
        """
        if most > self.limits.table_bytes:
            raise self.error(f"{what} claims {most} bytes, more than {self.limits.table_bytes}")
        data = b""
        for start, end, offset in self._mappings:
            if not start <= address < end:
                continue
            size = min(most - len(data), end - address)
            if offset is not None:
                piece = self._read_some(offset + address - start, size)
            elif size <= _MOST_CLEARED:
                piece = bytes(size)
            else:
                raise self.error(f"{what} has {size} bytes that no content of the file fills")
            data = data + piece if data else piece
            if len(data) == most or len(piece) != size:
                break
            address += size
        if not data and most:
            raise self.error(f"{what} lies at {address:#x}, of which the file holds nothing")
        return data

    def last(self, kind: int) -> Segment | None:
        """The last segment of a type, which is the one that the loader takes; or None."""
        return next((s for s in reversed(self.segments) if s.type == kind), None)

    def _read_some(self, offset: int, size: int) -> bytes:
        self._stream.seek(offset)
        data = self._stream.read(size)
        while data and len(data) < size:  # raw streams may return less than asked for
            more = self._stream.read(size - len(data))
            if not more:
                break
            data += more
        return data

    def _read_header(self) -> Header:
        head = self._read_some(0, MAX_HEADER)
        if not head.startswith(MAGIC):
            raise self.error("no ELF file: the magic number is missing")
        if len(head) < _IDENT_SIZE:
            raise self.error("the file ends inside the ELF identification")
        if head[4] not in (1, 2) or head[5] not in (1, 2) or head[6] != 1:
            raise self.error("ELF class, data encoding or version is unknown")
        wide, little = head[4] == 2, head[5] == 1  # noqa: PLR2004 - ELFCLASS64
        fields = struct.Struct(("<" if little else ">") + ("HHIQQQIHHH" if wide else "HHIIIIIHHH"))
        if len(head) < _IDENT_SIZE + fields.size:
            raise self.error("the file ends inside the ELF header")
        kind, machine, _, _, table, _, _, _, entry, count = fields.unpack_from(head, _IDENT_SIZE)
        if count and entry != (56 if wide else 32):
            raise self.error(f"a program header of {entry} bytes is unknown")
        if count == _PN_XNUM or count > self.limits.segments:
            raise self.error(f"{count} program headers, more than {self.limits.segments}")
        return Header(
            bits=64 if wide else 32,
            little_endian=little,
            type=kind,
            machine=machine,
            segment_table=table,
            segment_count=count,
        )

    def _read_segments(self) -> tuple[Segment, ...]:
        entry = self.layout("IIQQQQQQ", "IIIIIIII")
        size = entry.size * self.header.segment_count
        if not size:
            return ()
        table = self.read(self.header.segment_table, size, "the program header table")
        rows = entry.iter_unpack(table)
        if self.wide:
            return tuple([Segment(t, f, o, v, fs, ms, a) for t, f, o, v, _, fs, ms, a in rows])
        return tuple([Segment(t, f, o, v, fs, ms, a) for t, o, v, _, fs, ms, f, a in rows])

    def _skip_code(self, skip: Callable[[int, int], None]) -> None:
        """Where linkers give code a segment of its own, behind the tables, it holds no table."""
        for load in [s for s in self.segments if s.type == PT_LOAD][1:]:
            start = _rounded_up(load.offset)  # the page before it may hold the end of a table
            if load.flags & PF_X and start < load.offset + load.file_size:
                skip(start, load.offset + load.file_size)

    def _map(self) -> tuple[_Mapping, ...]:
        """The memory of all segments, in ascending order, as the loader fills it.

        It maps whole pages, so what precedes and follows a segment's bytes in the file is there,
        too; a later segment replaces what it covers of earlier ones; and memory beyond the bytes
        in the file is cleared. Source: glibc's elf/dl-map-segments.h (_dl_map_segments).
        """
        mappings: list[_Mapping] = []
        previous = 0
        for load in self.segments:
            if load.type != PT_LOAD:
                continue
            if load.memory_size < load.file_size:
                raise self.error("a segment is larger in the file than in memory")
            if load.address < previous:
                raise self.error("loadable segments are not in ascending order")
            previous = load.address
            pieces = _pieces(load)
            start, end = pieces[0].start, pieces[-1].end
            covered: list[_Mapping] = []
            while mappings and mappings[-1].end > start:
                covered.append(mappings.pop())
                if len(covered) > _MOST_COVERED:  # or a hostile file takes quadratic time
                    raise self.error(f"a loadable segment covers more than {_MOST_COVERED} others")
            mappings += (each.upto(start) for each in covered if each.start < start)
            mappings += pieces
            mappings += (each.since(end) for each in reversed(covered) if each.end > end)
        return tuple(each for each in mappings if each.start < each.end)


def _pieces(load: Segment) -> tuple[_Mapping, ...]:
    """What the loader maps for a segment."""
    filled, end = load.address + load.file_size, load.address + load.memory_size
    before, last = load.address % PAGE, _rounded_up(filled)
    if (load.offset - before) % PAGE:  # no loader maps that: no more than the segment claims
        before, last = 0, filled
    whole = _Mapping(load.address - before, last, load.offset - before)
    if end == filled:
        return (whole,)
    if end < last:
        return whole.upto(filled), _Mapping(filled, end, None), whole.since(end)
    return whole.upto(filled), _Mapping(filled, _rounded_up(end), None)


def _rounded_up(position: int) -> int:
    """To the end of its page."""
    return -(-position // PAGE) * PAGE
