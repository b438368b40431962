"""The directory of a zip archive that may be hostile: checked entries, and all that is wrong.

In: an open archive. Out: one `Entry` per member, or `BadWheelError` with every issue at once. The
standard library reads the central directory; what it lets pass is refused here: names that leave
the target folder, links, duplicates, encrypted or overlapping members, unknown compression, sizes
that no honest archive has.

Source: PKWARE's APPNOTE.TXT; Fifield, "A better zip bomb" (overlapping members).
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.wheel.stream import DEFLATED, STORED, Extent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_ENCRYPTED, _UTF8 = 0x1, 0x800
_UNIX = 3
_USUAL = re.compile(r"(?:\w[\w.+-]*/)*\w[\w.+-]*/?", re.ASCII)
"""Names that need no closer look, which is nearly all."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class BadWheelError(InputError):
    """A wheel that cannot be used; lists all its faults."""

    def __init__(self, path: Path, issues: tuple[str, ...]) -> None:
        super().__init__(f"{path.name}: {'; '.join(issues)}.")
        self.path = path
        self.issues = issues


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelLimits:
    """What an honest wheel never exceeds; for bombs, and adjustable for giants."""

    members: int = 200_000
    total_size: int = 64 << 30
    """Bytes of all members together, inflated."""
    ratio: int = 300
    """Inflated to compressed bytes of the whole archive, once it is above ``ratio_from``.

    Deflate itself ends at 1032; the densest real wheel that we know has 20.
    """
    ratio_from: int = 64 << 20
    text_size: int = 64 << 20
    """Bytes of a ``.dist-info`` text that is read whole."""
    issues: int = 20
    """How many issues one message lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member, as the central directory and its local header agree on it."""

    extent: Extent
    mode: int
    """Unix mode bits (type and permissions); 0 where the archive was not made on Unix."""
    is_dir: bool


def read_directory(file: BinaryIO, path: Path, limits: WheelLimits) -> tuple[Entry, ...]:
    """Read and check the directory of an open archive.

    Raises:
        BadWheelError: It is not a zip archive, or its structure is ambiguous.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
    except (
        zipfile.BadZipFile,
        NotImplementedError,  # a version or feature that zipfile does not know
        EOFError,
        OSError,  # a seek to a negative position that the end record asked for
        ValueError,
        OverflowError,
        struct.error,
    ) as error:
        raise BadWheelError(path, (f"it is not a readable zip archive ({error})",)) from error
    issues = list(_archive_issues(infos, limits))
    entries: list[Entry] = []
    size = os.fstat(file.fileno()).st_size
    for info in infos[: limits.members]:
        found = list(_member_issues(info))
        extent = _extent(file, info, size) if not found else None
        if isinstance(extent, str):
            found.append(extent)
        issues += (f"{info.orig_filename!r} {issue}" for issue in found)
        if isinstance(extent, Extent):
            mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
            entries.append(Entry(extent=extent, mode=mode, is_dir=info.is_dir()))
    issues += _overlaps(entries)
    if issues:
        shown = issues[: limits.issues]
        if len(issues) > len(shown):
            shown.append(f"and {len(issues) - len(shown)} more")
        raise BadWheelError(path, tuple(shown))
    return tuple(entries)


def _archive_issues(infos: list[zipfile.ZipInfo], limits: WheelLimits) -> Iterator[str]:
    if len(infos) > limits.members:
        yield f"it has {len(infos)} members, more than {limits.members}"
    total = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if total > limits.total_size:
        yield f"it claims {total} bytes, more than {limits.total_size}"
    if total > limits.ratio_from and total > packed * limits.ratio:
        yield f"it inflates {packed} bytes to {total}, more than {limits.ratio} to 1"
    names = Counter(info.filename for info in infos)
    yield from (f"{name!r} occurs {count} times" for name, count in names.items() if count > 1)
    files = _parents(names) & names.keys()  # folders that are members end with a slash
    for name in names if files else ():
        if not files.isdisjoint(_parents((name,))):
            yield f"{name!r} lies inside another member that is a file"


def _parents(names: Iterable[str]) -> set[str]:
    """Every folder that some of the names lie in, without a slash at the end."""
    found: set[str] = set()
    for name in names:
        parent = name.rstrip("/").rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found


def _member_issues(info: zipfile.ZipInfo) -> Iterator[str]:
    yield from _name_issues(info.orig_filename)
    yield from _content_issues(info)


def _name_issues(name: str) -> Iterator[str]:
    if _USUAL.fullmatch(name):
        return
    parts = name.rstrip("/").split("/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        yield "is an absolute path"
    if "\\" in name:
        yield "has a backslash in its name"
    if ".." in parts:
        yield "leaves the folder that it is unpacked to"
    if "" in parts[1:] or "." in parts or name in ("", "/"):
        yield "has an empty or '.' component in its name"
    if _CONTROL.search(name):
        yield "has a control character in its name"


def _content_issues(info: zipfile.ZipInfo) -> Iterator[str]:
    if not info.flag_bits & _UTF8 and not info.orig_filename.isascii():
        yield "has a name that is neither ASCII nor marked as UTF-8"
    if info.flag_bits & _ENCRYPTED:
        yield "is encrypted"
    if info.compress_type not in (STORED, DEFLATED):
        yield f"uses compression method {info.compress_type}"
    elif info.compress_type == STORED and info.compress_size != info.file_size:
        yield "is stored, but has two sizes"
    elif info.file_size > 2048 + 1032 * info.compress_size:
        yield f"claims to inflate {info.compress_size} bytes to {info.file_size}"
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        yield "is a link or a special file"


def _extent(file: BinaryIO, info: zipfile.ZipInfo, archive_size: int) -> Extent | str:
    """Where the member's bytes lie, or what is wrong with its local header."""
    if not 0 <= info.header_offset <= archive_size - _LOCAL.size:
        return "has its header outside the archive"
    room = _LOCAL.size + 4 * len(info.orig_filename)  # UTF-8 takes no more for a character
    head = os.pread(file.fileno(), room, info.header_offset)
    if not head.startswith(_LOCAL_MAGIC) or len(head) < _LOCAL.size:
        return "has no local header"
    _, _, flags, method, _, _, _, _, _, name_size, extra_size = _LOCAL.unpack_from(head)
    raw = head[_LOCAL.size : _LOCAL.size + name_size]
    if len(raw) < name_size:
        raw = os.pread(file.fileno(), name_size, info.header_offset + _LOCAL.size)
    try:
        name = raw.decode("ascii" if raw.isascii() else "utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError:
        return "has a local name that is not UTF-8"
    if name != info.orig_filename or method != info.compress_type:
        return f"is called {name!r} or compressed differently in its local header"
    offset = info.header_offset + _LOCAL.size + name_size + extra_size
    if offset + info.compress_size > archive_size:
        return "runs past the end of the archive"
    return Extent(
        member=info.filename,
        offset=offset,
        compressed_size=info.compress_size,
        size=info.file_size,
        crc=info.CRC,
        method=info.compress_type,
    )


def _overlaps(entries: list[Entry]) -> Iterator[str]:
    end, before = 0, ""
    for entry in sorted(entries, key=lambda item: item.extent.offset):
        extent = entry.extent
        if extent.offset - _LOCAL.size - len(extent.member.encode()) < end:
            yield f"{extent.member!r} overlaps {before!r}"
        end, before = extent.offset + extent.compressed_size, extent.member
