"""Writing a wheel: the same members give the same bytes, and a killed run leaves nothing.

Members are sorted with ``.dist-info`` last and RECORD, made here, at the very end; times are
1980-01-01 (or ``SOURCE_DATE_EPOCH``), modes 0644 or 0755. A `CopiedMember` keeps its compressed
bytes. The file gets its name when it is complete (`whole_file`).
"""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cxxrt_toolchain.abi.filename import parse_wheel_name
from cxxrt_toolchain.errors import ConfigError, InputError
from cxxrt_toolchain.temporary import whole_file
from cxxrt_toolchain.wheel.deflate import Deflater, Piece
from cxxrt_toolchain.wheel.record import (
    RecordRow,
    digest_of,
    format_record,
    sha256_field,
    unhashed_names,
)
from cxxrt_toolchain.wheel.stream import DEFLATED, STORED
from cxxrt_toolchain.wheel.zipformat import DosTime, Written, central_directory, local_header

if TYPE_CHECKING:
    from cxxrt_toolchain.wheel.reader import Wheel

_BLOCK = 1 << 20
_EXECUTABLE = 0o111
_HASHED = ("sha256=", "sha384=", "sha512=")


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member with a content of our own."""

    name: str
    content: bytes | Path
    executable: bool = False


@dataclass(frozen=True, slots=True)
class CopiedMember:
    """A member of another wheel, copied as compressed bytes.

    Its hash is taken from that wheel's RECORD, and only computed where RECORD has none; whether
    RECORD is right is `Wheel.record_issues`' question, and its caller's.
    """

    wheel: Wheel
    name: str
    new_name: str | None = None


def write_wheel(
    dest_dir: Path, filename: str, members: Iterable[NewMember | CopiedMember], *, level: int = 6
) -> Path:
    """Write a wheel, in place of one of that name; `InputError`: a bad or repeated member name.

    The members come in any order, without directories and RECORD; the level is zlib's, 1 to 9.
    """
    parse_wheel_name(filename)
    ordered = _ordered(members)
    record = f"{_dist_info(ordered)}/RECORD"
    moment = _moment()
    target = dest_dir / filename
    with whole_file(target) as file:
        _write(file, ordered, record, moment, level)
    return target


def _write(
    file: BinaryIO,
    members: list[tuple[str, NewMember | CopiedMember]],
    record: str,
    moment: DosTime,
    level: int,
) -> None:
    written: list[Written] = []
    rows: list[RecordRow] = []
    new = (member.content for _, member in members if isinstance(member, NewMember))
    with Deflater(new, level) as deflater:
        for name, member in members:
            if isinstance(member, CopiedMember):
                entry, row = _copy(file, name, member, moment)
            else:
                entry, row = _deflate(file, name, member, moment, deflater.following())
            written.append(entry)
            rows.append(row)
    rows.append(RecordRow(path=record, hash="", size=None))
    last = NewMember(name=record, content=format_record(rows))
    with Deflater([last.content], level) as deflater:
        written.append(_deflate(file, record, last, moment, deflater.following())[0])
    file.write(central_directory(written, moment, file.tell()))


def _copy(
    file: BinaryIO, name: str, member: CopiedMember, moment: DosTime
) -> tuple[Written, RecordRow]:
    wheel = member.wheel
    extent = wheel.extent(member.name)
    entry = Written(
        name=name,
        offset=file.tell(),
        method=extent.method,
        crc=extent.crc,
        compressed_size=extent.compressed_size,
        size=extent.size,
        executable=bool(wheel.member(member.name).mode & _EXECUTABLE),
    )
    file.write(local_header(entry, moment))
    for start in range(0, extent.compressed_size, _BLOCK):
        size = min(_BLOCK, extent.compressed_size - start)
        file.write(wheel.raw(extent.offset + start, size))
    return entry, RecordRow(path=name, hash=_known_hash(member), size=extent.size)


def _known_hash(member: CopiedMember) -> str:
    known = member.wheel.recorded_hashes.get(member.name, "")
    if known.startswith(_HASHED):
        return known
    with member.wheel.stream(member.name) as stream:
        return sha256_field(digest_of(stream, "sha256"))


def _deflate(
    file: BinaryIO, name: str, member: NewMember, moment: DosTime, pieces: Iterable[Piece]
) -> tuple[Written, RecordRow]:
    """Write a member, with its header twice: once to keep the place, once to fill it."""
    start = file.tell()
    size = (
        len(member.content) if isinstance(member.content, bytes) else member.content.stat().st_size
    )
    draft = Written(
        name=name,
        offset=start,
        method=DEFLATED if size else STORED,
        crc=0,
        compressed_size=size,
        size=size,
        executable=member.executable,
    )
    file.write(local_header(draft, moment))
    digest, crc, total = hashlib.sha256(), 0, 0
    body = file.tell()
    for piece in pieces:
        digest.update(piece.plain)
        crc = zlib.crc32(piece.plain, crc)
        total += len(piece.plain)
        file.write(piece.deflated)
    if total != size:
        raise InputError(f"{name} changed while it was packed.")
    end = file.tell()
    entry = replace(draft, crc=crc, compressed_size=end - body)
    file.seek(start)
    file.write(local_header(entry, moment))
    file.seek(end)
    return entry, RecordRow(path=name, hash=sha256_field(digest.digest()), size=size)


def _ordered(
    members: Iterable[NewMember | CopiedMember],
) -> list[tuple[str, NewMember | CopiedMember]]:
    named: dict[str, NewMember | CopiedMember] = {}
    for member in members:
        name = member.new_name or member.name if isinstance(member, CopiedMember) else member.name
        parts = name.split("/")
        if "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in parts):
            raise InputError(f"{name!r} is not a valid name for a member of a wheel.")
        if name in named:
            raise InputError(f"{name!r} would be in the wheel twice.")
        named[name] = member
    dist_info = _dist_info(list(named.items()))
    generated = unhashed_names(dist_info)  # signatures of the old RECORD say nothing about ours
    return sorted(
        ((name, member) for name, member in named.items() if name not in generated),
        key=lambda item: (item[0].startswith(f"{dist_info}/"), item[0]),
    )


def _dist_info(members: list[tuple[str, NewMember | CopiedMember]]) -> str:
    tops = {name.split("/")[0] for name, _ in members if "/" in name}
    found = [top for top in tops if top.endswith(".dist-info")]
    if len(found) != 1:
        raise InputError(f"A wheel needs one .dist-info directory, here are {len(found)}.")
    return found[0]


def _moment() -> DosTime:
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if text is None:
        return DosTime.earliest()
    if not text.isdigit():
        raise ConfigError(f"SOURCE_DATE_EPOCH is {text!r}, no number of seconds.")
    return DosTime.of(time.gmtime(int(text)))
