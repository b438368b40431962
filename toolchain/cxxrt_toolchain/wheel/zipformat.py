"""The records of a zip archive as bytes, with 64-bit sizes where they are needed.

`zipfile` cannot write a member that is already compressed, which is why this exists. Source:
PKWARE's APPNOTE.TXT 6.3.3, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16 and 4.5.3.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from time import struct_time

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_LARGE = 0xFFF00000
"""4 GiB less 1 MiB: what deflate may add to what it cannot compress."""
_UNIX = 3 << 8
_VERSION, _VERSION64 = 20, 45
_UTF8 = 0x800
_EARLIEST_YEAR, _LATEST_YEAR = 1980, 2107


@dataclass(frozen=True, slots=True, kw_only=True)
class DosTime:
    """A moment as the format spells it; two-second steps from 1980 on, in no time zone."""

    date: int
    time: int

    @classmethod
    def earliest(cls) -> DosTime:
        """1980-01-01."""
        return cls(date=(1 << 5) | 1, time=0)

    @classmethod
    def of(cls, moment: struct_time) -> DosTime:
        """A moment, clamped to what the format can say."""
        if moment.tm_year < _EARLIEST_YEAR:
            return cls.earliest()
        year = min(moment.tm_year, _LATEST_YEAR) - _EARLIEST_YEAR
        return cls(
            date=year << 9 | moment.tm_mon << 5 | moment.tm_mday,
            time=moment.tm_hour << 11 | moment.tm_min << 5 | min(moment.tm_sec, 59) // 2,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A member that has been written."""

    name: str
    offset: int
    """Offset of its local header."""
    method: int
    crc: int
    compressed_size: int
    size: int
    executable: bool

    @property
    def flags(self) -> int:
        """Bit 11 where the name is not ASCII."""
        return 0 if self.name.isascii() else _UTF8

    @property
    def large(self) -> bool:
        """Whether the sizes may need 64 bits; known before the member is compressed."""
        return self.size >= _LARGE


def local_header(member: Written, moment: DosTime) -> bytes:
    """The header before a member's bytes; its length depends on name and ``large`` only."""
    name = member.name.encode()
    extra = (
        struct.pack("<2H2Q", 1, 16, member.size, member.compressed_size) if member.large else b""
    )
    version = _VERSION64 if member.large else _VERSION
    head = _LOCAL.pack(b"PK\x03\x04", version, *_shared(member, moment, name, extra))
    return head + name + extra


def _shared(member: Written, moment: DosTime, name: bytes, extra: bytes) -> tuple[int, ...]:
    """The fields that the local and the central header have in common."""
    sizes = (_MAX32, _MAX32) if member.large else (member.compressed_size, member.size)
    when = (moment.time, moment.date)
    return (member.flags, member.method, *when, member.crc, *sizes, len(name), len(extra))


def central_directory(members: Sequence[Written], moment: DosTime, offset: int) -> bytes:
    """The central directory and the end records, which start at an offset."""
    directory = b"".join(_central_header(member, moment) for member in members)
    count, size = len(members), len(directory)
    end64 = b""
    if count >= _MAX16 or offset >= _MAX32 or size >= _MAX32:
        ends = (0, 0, count, count, size, offset)
        end64 = _END64.pack(b"PK\x06\x06", _END64.size - 12, _UNIX | _VERSION64, _VERSION64, *ends)
        end64 += _LOCATOR64.pack(b"PK\x06\x07", 0, offset + size, 1)
    few = min(count, _MAX16)
    end = _END.pack(b"PK\x05\x06", 0, 0, few, few, min(size, _MAX32), min(offset, _MAX32), 0)
    return directory + end64 + end


def _central_header(member: Written, moment: DosTime) -> bytes:
    name = member.name.encode()
    wide = [member.size, member.compressed_size] if member.large else []
    far = member.offset >= _MAX32
    if far:
        wide.append(member.offset)
    extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    version = _VERSION64 if wide else _VERSION
    mode = stat.S_IFREG | (0o755 if member.executable else 0o644)
    shared = _shared(member, moment, name, extra)
    place = (mode << 16, _MAX32 if far else member.offset)
    head = _CENTRAL.pack(b"PK\x01\x02", _UNIX | version, version, *shared, 0, 0, 0, *place)
    return head + name + extra
