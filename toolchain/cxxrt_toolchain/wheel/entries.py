"""The entries of a zip archive's central directory, as members that nobody has checked yet.

The standard library reads any archive. One that is as plain as nearly every wheel (no comment, no
extra field, no flag, no byte outside of its parts, names in ASCII) is read here, to the same
result in a quarter of the time, which is most of what a wheel costs a survey of names.

Source: PKWARE's APPNOTE.TXT, 4.3.12 and 4.3.16.
"""

import struct
import warnings
import zipfile
from itertools import pairwise
from operator import lt
from typing import NamedTuple

from cxxrt_toolchain.wheel.source import ByteSource, SourceFile

_END = struct.Struct("<4s4H2IH")
_CENTRAL = struct.Struct("<4sxBBx2H4x3I4H2x2I")
_MAGIC, _END_MAGIC, _LOCATOR_MAGIC = b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x07"
_LOCATOR = 20
_NEWEST, _MOST_ENTRIES = 63, 0xFFFF
"""The version of the format that `zipfile` knows; where a count of entries needs 64 bits."""
_UNIX = 3
UNREADABLE = (
    zipfile.BadZipFile,
    NotImplementedError,  # a version or feature that zipfile does not know
    EOFError,
    OSError,  # a seek to a negative position that the end record asked for
    ValueError,
    OverflowError,
    struct.error,
)
"""What `read_entries` raises where there is no readable archive."""


class Member(NamedTuple):
    """One member, as the central directory has it; a named tuple, because a wheel has thousands."""

    name: str
    size: int
    """Bytes, inflated."""
    compressed_size: int
    crc: int
    method: int
    mode: int
    """Unix mode bits (type and permissions); 0 where the archive was not made on Unix."""
    is_dir: bool
    header: int
    """Offset of its local header."""
    end: int
    """Offset of what comes after it: the next local header, or the central directory."""


_Fields = tuple[str, int, int, int, int, int, int]


class Oddity(NamedTuple):
    """What a reader may understand in another way than the next one."""

    name: str
    flags: int
    extra: bytes


class Directory(NamedTuple):
    """A central directory."""

    members: list[Member]
    start: int
    """Offset of the directory."""
    odd: list[Oddity]
    """Of entries with flags, extra fields or other characters than ASCII."""


def read_entries(source: ByteSource, most: int) -> Directory:
    """The entries of a directory of at most so many bytes; one of `UNREADABLE`: not found."""
    return _plain(source, most) or _any(source, most)


def _plain(source: ByteSource, most: int) -> Directory | None:
    """Of an archive in which every reader finds the same; None for another."""
    at = source.size - _END.size
    if at < 0:
        return None
    end = source.read(at, _END.size)
    magic, disk, first_disk, here, count, size, start, comment = _END.unpack(end)
    if magic != _END_MAGIC or disk or first_disk or here != count or comment:
        return None
    if count == _MOST_ENTRIES or start + size != at or size > most:
        return None
    data = source.read(start, size)
    if len(data) != size or data[-_LOCATOR:].startswith(_LOCATOR_MAGIC):
        return None
    fields = _fields(data, count)
    return None if fields is None else Directory(_members(fields, start), start, [])


def _fields(data: bytes, count: int) -> list[_Fields] | None:
    """The fields of plain entries; None where one is not plain."""
    unpack, fixed, most = _CENTRAL.unpack_from, _CENTRAL.size, len(data) - _CENTRAL.size
    text = data.decode("latin-1")
    found: list[_Fields] = []
    at = 0
    for _ in range(count):
        if at > most:
            return None
        (
            magic, system, version, flags, method, crc, packed, size,
            length, extra, comment, disk, mode, header,
        ) = unpack(data, at)  # fmt: skip
        if magic != _MAGIC or version > _NEWEST or flags or extra or comment or disk:
            return None
        end = at + fixed + length
        name = text[at + fixed : end]
        if not name.isascii():
            return None
        mode = mode >> 16 if system == _UNIX else 0
        found.append((name, size, packed, crc, method, mode, header))
        at = end
    return found if at == len(data) else None


def _any(source: ByteSource, most: int) -> Directory:
    """The same of any archive."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `zipfile` warns of what will be refused
        with zipfile.ZipFile(SourceFile(source, most)) as archive:
            infos, start = archive.infolist(), archive.start_dir
    fields = [
        (
            info.orig_filename,
            info.file_size,
            info.compress_size,
            info.CRC,
            info.compress_type,
            info.external_attr >> 16 if info.create_system == _UNIX else 0,
            info.header_offset,
        )
        for info in infos
    ]
    odd = [
        Oddity(info.orig_filename, info.flag_bits, info.extra)
        for info in infos
        if info.flag_bits or info.extra or not info.orig_filename.isascii()
    ]
    return Directory(_members(fields, start), start, odd)


def _members(fields: list[_Fields], start: int) -> list[Member]:
    headers = [each[-1] for each in fields]
    ends = [*headers[1:], start]
    if not all(map(lt, headers, ends)):  # not in the order of the archive
        after = dict(pairwise([*sorted(set(headers)), start]))
        ends = [after[header] for header in headers]
    return [
        Member(name, size, packed, crc, method, mode, name[-1:] == "/", header, end)
        for (name, size, packed, crc, method, mode, header), end in zip(fields, ends, strict=True)
    ]
