"""An ELF file as program headers and bounded reads; the only code that touches the stream.

Sizes and offsets are never trusted: every read is bounded by `Limits` and answered in full or by
`ElfError`. Section headers are not used, because the loader does not use them and stripped objects
have none; `sections` has them.

Source: System V gABI, chapters 4 (object files) and 5 (program loading).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cxxrt_toolchain.errors import MemberError

if TYPE_CHECKING:
    from collections.abc import Callable

MAGIC = b"\x7fELF"
PT_LOAD = 1
PT_DYNAMIC = 2
PT_NOTE = 4
PT_GNU_STACK = 0x6474E551
PT_GNU_PROPERTY = 0x6474E553
PF_X = 1
PF_W = 2

_IDENT_SIZE = 16
_MAX_HEADER = 64
_PN_XNUM = 0xFFFF
_MAX_OFFSET = 1 << 62


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
        self._ranges = self._file_ranges()
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
        offset, room = self.locate(address, what)
        if size > room:
            raise self.error(f"{what} ({size} bytes) runs past the end of its segment")
        return self.read(offset, size, what)

    def locate(self, address: int, what: str) -> tuple[int, int]:
        """Where an address lies in the file, and how many bytes follow it in file and memory."""
        for start, size, offset in self._ranges:
            delta = address - start
            if 0 <= delta < size:
                return offset + delta, size - delta
        raise self.error(f"{what} lies at {address:#x}, which no segment of the file covers")

    def first(self, kind: int) -> Segment | None:
        """The first segment of a type, or None."""
        return next((s for s in self.segments if s.type == kind), None)

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
        head = self._read_some(0, _MAX_HEADER)
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
            if load.flags & PF_X:
                skip(load.offset, load.offset + load.file_size)

    def _file_ranges(self) -> tuple[tuple[int, int, int], ...]:
        """Address, size and file offset of what the loader maps, neighbours joined.

        The loader reads memory and does not mind where one segment ends: old versions of patchelf
        put a page in front of an executable, and a string table that reaches into the next one.
        """
        ranges: list[tuple[int, int, int]] = []
        end = 0
        for load in self.segments:
            if load.type != PT_LOAD:
                continue
            if load.memory_size < load.file_size:
                raise self.error("a segment is larger in the file than in memory")
            if load.address < end:
                raise self.error("loadable segments overlap or are not in ascending order")
            end = load.address + load.memory_size
            start, size, offset = ranges[-1] if ranges else (-1, 0, 0)
            if (start + size, offset + size) == (load.address, load.offset):
                ranges[-1] = (start, size + load.file_size, offset)
            else:
                ranges.append((load.address, load.file_size, load.offset))
        return tuple(ranges)
