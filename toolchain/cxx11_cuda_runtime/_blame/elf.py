"""The SONAME and the needs of a little-endian 64-bit ELF file (System V gABI chapter 5).

Needs no section headers.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_DYN = struct.Struct("<qQ")
_ELF64_LE = b"\x7fELF\x02\x01"
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_STRTAB, _DT_SONAME = 1, 5, 14


@dataclass(frozen=True)
class ElfFacts:
    """The facts of one file."""

    soname: str
    """Empty where it has none."""
    needed: tuple[str, ...]


def read_elf(path: str) -> ElfFacts | None:
    """Read a file's dynamic section; None also where the file is gone or damaged."""
    try:
        with open(path, "rb") as file:
            if file.read(6) != _ELF64_LE:
                return None
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    with data:
        try:
            return _facts(data)
        except (struct.error, StopIteration, UnicodeDecodeError):
            return None


def _facts(data: mmap.mmap) -> ElfFacts | None:
    header = _HEADER.unpack_from(data)
    segments = [_SEGMENT.unpack_from(data, header[5] + i * header[9]) for i in range(header[10])]
    place = next(((s[2], s[5]) for s in segments if s[0] == _PT_DYNAMIC), None)
    if place is None:
        return None
    dynamic = list(_DYN.iter_unpack(data[place[0] : sum(place)]))
    address = next(value for tag, value in dynamic if tag == _DT_STRTAB)
    loads = [(s[3], s[2], s[5]) for s in segments if s[0] == _PT_LOAD]
    strings = next(at + address - low for low, at, size in loads if low <= address < low + size)

    def names(wanted: int) -> tuple[str, ...]:
        starts = [strings + value for tag, value in dynamic if tag == wanted]
        return tuple(data[start : data.find(b"\0", start)].decode() for start in starts)

    return ElfFacts(soname="".join(names(_DT_SONAME)[:1]), needed=names(_DT_NEEDED))
