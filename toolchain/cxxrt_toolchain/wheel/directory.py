"""The directory of a zip archive that may be hostile: checked entries, and all that is wrong.

In: the bytes of an archive. Out: one `Member` each, or `BadWheelError` with every issue at
once. The standard library reads the central directory; what it lets pass is refused here: names
that leave the target folder, links, duplicates, encrypted or overlapping members, unknown
compression, sizes that no honest archive has. A member's local header is read, and compared, when
the member is (`locate`): reading all of them is a request for each where the bytes are remote.

Source: PKWARE's APPNOTE.TXT; Fifield, "A better zip bomb" (overlapping members).
"""

import re
import stat
import struct
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.wheel.source import ByteSource, SourceFile
from cxxrt_toolchain.wheel.stream import DEFLATED, STORED, Extent
from cxxrt_toolchain.wording import quoted

_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_ENCRYPTED, _UTF8 = 0x1, 0x800
_UNIX = 3
_USUAL = re.compile(r"(?:\w[\w.+-]*/)*\w[\w.+-]*/?", re.ASCII)
"""Names that need no closer look while they are short."""
_FIELD = struct.Struct("<2H")
"""The kind and the size of an extra field."""
_UNICODE_PATH, _BEFORE_NAME = 0x7075, 5
_SHORT, _MOST_NAME, _MOST_PATH = 200, 255, 4096
"""Of names: no closer look below the first; NAME_MAX and PATH_MAX of Linux in bytes."""
_USUAL_RATIO = 1000
_PLAIN = (0, stat.S_IFREG, stat.S_IFDIR)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class BadWheelError(InputError):
    """A wheel that cannot be used; lists all its faults."""

    def __init__(self, path: Path, issues: tuple[str, ...]) -> None:
        super().__init__(f"{path.name}: {'; '.join(issues)}.")
        self.path = path
        self.issues = issues


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelLimits:
    """What an honest wheel never exceeds, sizes in bytes; adjustable for giants."""

    members: int = 200_000
    total_size: int = 64 << 30
    ratio: int = 300
    """Inflated to compressed bytes of the whole archive, once it is above ``ratio_from``.

    Deflate itself ends at 1032; the densest real wheel that we know has 20.
    """
    ratio_from: int = 64 << 20
    metadata_size: int = 4 << 20
    wheel_size: int = 64 << 10
    record_size: int = 1 << 20
    """RECORD, beside `record_row` for each member."""
    record_row: int = 1 << 10
    directory_size: int = 64 << 20
    depth: int = 100
    """Folders that a member lies in; real wheels have up to 20."""
    issues: int = 20
    """How many issues one message lists."""


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


def read_directory(source: ByteSource, path: Path, limits: WheelLimits) -> tuple[Member, ...]:
    """Read and check a directory; `BadWheelError`: it is not a zip archive, or is ambiguous."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `zipfile` warns of what is an issue below
            with zipfile.ZipFile(SourceFile(source, limits.directory_size)) as archive:
                infos, start = archive.infolist(), archive.start_dir
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
    last = start - _LOCAL.size
    for info in infos[: limits.members]:
        if not _is_usual(info, limits):
            issues += (
                f"{quoted(info.orig_filename)} {each}" for each in _member_issues(info, limits)
            )
        if not 0 <= info.header_offset <= last:
            issues.append(f"{quoted(info.orig_filename)} has its header outside the archive")
    members = list(_members(infos[: limits.members], start))
    issues += _overlaps(sorted(members, key=lambda member: member.header))
    if issues:
        shown = issues[: limits.issues]
        if len(issues) > len(shown):
            shown.append(f"and {len(issues) - len(shown)} more")
        raise BadWheelError(path, tuple(shown))
    return tuple(members)


def _members(infos: list[zipfile.ZipInfo], start: int) -> Iterator[Member]:
    offsets = [*sorted({info.header_offset for info in infos}), start]
    after = dict(pairwise(offsets))
    for info in infos:
        yield Member(
            info.filename,
            info.file_size,
            info.compress_size,
            info.CRC,
            info.compress_type,
            _mode(info),
            info.filename.endswith("/"),
            info.header_offset,
            after[info.header_offset],
        )


def _mode(info: zipfile.ZipInfo) -> int:
    return info.external_attr >> 16 if info.create_system == _UNIX else 0


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
    yield from (
        f"{quoted(name)} occurs {count} times" for name, count in names.items() if count > 1
    )
    file = "/"
    for path in sorted(name.replace("/", "\0") for name in names):  # what lies inside comes next
        if path.startswith(f"{file}\0"):
            name = path.replace("\0", "/")
            yield f"{quoted(name)} lies inside another member that is a file"
        elif not path.endswith("\0"):  # a folder
            file = path


def _is_usual(info: zipfile.ZipInfo, limits: WheelLimits) -> bool:
    """Whether a member needs no closer look, which is so for nearly all."""
    name = info.orig_filename
    return (
        not info.extra
        and info.compress_type == DEFLATED
        and not info.flag_bits & _ENCRYPTED
        and info.file_size <= _USUAL_RATIO * info.compress_size
        and stat.S_IFMT(_mode(info)) in _PLAIN
        and len(name) <= min(_SHORT, 2 * limits.depth)
        and _USUAL.fullmatch(name) is not None
    )


def _member_issues(info: zipfile.ZipInfo, limits: WheelLimits) -> Iterator[str]:
    yield from _name_issues(info.orig_filename, limits)
    yield from _other_name(info.extra, info.orig_filename)
    yield from _content_issues(info)


def _other_name(extra: bytes, name: str) -> Iterator[str]:
    """The Unicode Path field, which some readers follow and others do not (APPNOTE 4.6.9)."""
    at = 0
    while at + _FIELD.size <= len(extra):
        kind, size = _FIELD.unpack_from(extra, at)
        at += _FIELD.size
        value, at = extra[at : at + size], at + size
        if kind == _UNICODE_PATH and value[_BEFORE_NAME:] != name.encode("utf-8", "replace"):
            yield "has another name in its Unicode Path field"


def _name_issues(name: str, limits: WheelLimits) -> Iterator[str]:
    if len(name) > _MOST_PATH or name.count("/") > limits.depth:
        yield f"has more than {_MOST_PATH} characters or {limits.depth} folders in its name"
        return
    parts = name.rstrip("/").split("/")
    if 4 * len(name) > _MOST_NAME and max(map(_encoded_size, parts)) > _MOST_NAME:
        yield f"has a component of more than {_MOST_NAME} bytes, which no file system takes"
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


def _encoded_size(component: str) -> int:
    return len(component.encode("utf-8", "surrogatepass"))


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
    if stat.S_IFMT(_mode(info)) not in _PLAIN:
        yield "is a link or a special file"


def _overlaps(members: list[Member]) -> Iterator[str]:
    """Members that share bytes with the next one, or with the central directory."""
    end, before = 0, ""
    for member in members:
        if member.header < end:
            yield f"{quoted(member.name)} overlaps {quoted(before)}"
        # At least, because the local header may have an extra field.
        size = len(member.name) if member.name.isascii() else _encoded_size(member.name)
        end, before = member.header + _LOCAL.size + size + member.compressed_size, member.name
    if members and end > members[-1].end:
        yield f"{quoted(before)} runs past the end of the archive"


def locate(source: ByteSource, path: Path, member: Member) -> Extent:
    """Where a member's bytes lie.

    Raises:
        BadWheelError: Its local header contradicts the directory.
    """
    room = _LOCAL.size + len(member.name.encode())
    head = source.read(member.header, room)
    issue = ""
    offset = 0
    if not head.startswith(_LOCAL_MAGIC) or len(head) < _LOCAL.size:
        issue = "has no local header"
    else:
        _, _, flags, method, _, _, _, _, _, name_size, extra_size = _LOCAL.unpack_from(head)
        raw = head[_LOCAL.size :]
        if len(raw) != name_size:
            raw = source.read(member.header + _LOCAL.size, name_size)
        encoding = "ascii" if raw.isascii() else "utf-8" if flags & _UTF8 else "cp437"
        name = raw.decode(encoding, "replace")
        offset = member.header + _LOCAL.size + name_size
        extra = source.read(offset, extra_size) if extra_size else b""
        offset += extra_size
        if name != member.name or method != member.method:
            issue = f"is called {quoted(name)} or compressed differently in its local header"
        elif offset + member.compressed_size > member.end:
            issue = "overlaps what comes after it"
        else:
            issue = next(_other_name(extra, name), "")
    if issue:
        raise BadWheelError(path, (f"{quoted(member.name)} {issue}",))
    return Extent(
        member=member.name,
        offset=offset,
        compressed_size=member.compressed_size,
        size=member.size,
        crc=member.crc,
        method=member.method,
    )
