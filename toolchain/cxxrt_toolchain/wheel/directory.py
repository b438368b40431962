"""The directory of a zip archive that may be hostile: checked entries, and all that is wrong.

In: the bytes of an archive. Out: one `Member` each, or `BadWheelError` with every issue at
once. The standard library reads the central directory; what it lets pass is refused here: names
that leave the target folder, links, duplicates, encrypted or overlapping members, unknown
compression, sizes that no honest archive has. `locate` compares a member's local header.

Source: PKWARE's APPNOTE.TXT; Fifield, "A better zip bomb" (overlapping members).
"""

import re
import stat
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.wheel.entries import UNREADABLE, Member, Oddity, read_entries
from cxxrt_toolchain.wheel.source import ByteSource
from cxxrt_toolchain.wheel.stream import DEFLATED, STORED, Extent
from cxxrt_toolchain.wording import quoted

_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_ENCRYPTED, _UTF8 = 0x1, 0x800
_USUAL = re.compile(r"(?:\w[\w.+-]*/)*\w[\w.+-]*/?", re.ASCII)
"""Names that need no closer look while they are short."""
_FIELD = struct.Struct("<2H")
"""The kind and the size of an extra field."""
_UNICODE_PATH, _BEFORE_NAME = 0x7075, 5
_SHORT, _MOST_NAME, _MOST_PATH = 200, 255, 4096
"""Of names: no closer look below the first; NAME_MAX and PATH_MAX of Linux in bytes."""
_USUAL_RATIO = 1000
_TYPE = 0xF000
_PLAIN = (0, stat.S_IFREG, stat.S_IFDIR)
"""The bits of a mode that tell the type, and the types that a member may have."""
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


def read_directory(source: ByteSource, path: Path, limits: WheelLimits) -> tuple[Member, ...]:
    """Read and check a directory; `BadWheelError`: it is not a zip archive, or is ambiguous."""
    try:
        members, start, odd = read_entries(source, limits.directory_size)
    except UNREADABLE as error:
        raise BadWheelError(path, (f"it is not a readable zip archive ({error})",)) from error
    issues = list(_archive_issues(members, limits))
    del members[limits.members :]
    longest, last = min(_SHORT, 2 * limits.depth), start - _LOCAL.size
    for member in members:
        if not _is_usual(member, longest):
            issues += (f"{quoted(member.name)} {each}" for each in _member_issues(member, limits))
        if not 0 <= member.header <= last:
            issues.append(f"{quoted(member.name)} has its header outside the archive")
    for entry in odd[: limits.members]:
        issues += (f"{quoted(entry.name)} {each}" for each in _odd_issues(entry))
    issues += _overlaps(sorted(members, key=lambda member: member.header))
    refuse(path, issues, limits)
    return tuple(members)


def refuse(path: Path, issues: Sequence[str], limits: WheelLimits) -> None:
    """`BadWheelError` where there are issues; it lists the first of them."""
    if issues:
        shown = list(issues[: limits.issues])
        if len(issues) > len(shown):
            shown.append(f"and {len(issues) - len(shown)} more")
        raise BadWheelError(path, tuple(shown))


def _archive_issues(members: list[Member], limits: WheelLimits) -> Iterator[str]:
    if len(members) > limits.members:
        yield f"it has {len(members)} members, more than {limits.members}"
    total = sum(member.size for member in members)
    packed = sum(member.compressed_size for member in members)
    if total > limits.total_size:
        yield f"it claims {total} bytes, more than {limits.total_size}"
    if total > limits.ratio_from and total > packed * limits.ratio:
        yield f"it inflates {packed} bytes to {total}, more than {limits.ratio} to 1"
    names = Counter(member.name for member in members)
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


def _is_usual(member: Member, longest: int) -> bool:
    """Whether a member needs no closer look, which is so for nearly all."""
    return (
        member.method == DEFLATED
        and member.size <= _USUAL_RATIO * member.compressed_size
        and member.mode & _TYPE in _PLAIN
        and len(member.name) <= longest
        and _USUAL.fullmatch(member.name) is not None
    )


def _member_issues(member: Member, limits: WheelLimits) -> Iterator[str]:
    yield from _name_issues(member.name, limits)
    if member.method not in (STORED, DEFLATED):
        yield f"uses compression method {member.method}"
    elif member.method == STORED and member.compressed_size != member.size:
        yield "is stored, but has two sizes"
    elif member.size > 2048 + 1032 * member.compressed_size:
        yield f"claims to inflate {member.compressed_size} bytes to {member.size}"
    if member.mode & _TYPE not in _PLAIN:
        yield "is a link or a special file"


def _odd_issues(entry: Oddity) -> Iterator[str]:
    yield from _other_name(entry.extra, entry.name)
    if not entry.flags & _UTF8 and not entry.name.isascii():
        yield "has a name that is neither ASCII nor marked as UTF-8"
    if entry.flags & _ENCRYPTED:
        yield "is encrypted"


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
