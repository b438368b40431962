"""A wheel as an archive of members: opened once, read member by member, never unpacked.

A wheel that no honest tool writes is refused when it is opened, with all issues at once; a member
that is not what the directory promises when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.filename import parse_wheel_name
from cxxrt_toolchain.wheel.directory import (
    BadWheelError,
    WheelLimits,
    locate,
    read_directory,
    refuse,
)
from cxxrt_toolchain.wheel.entries import Member
from cxxrt_toolchain.wheel.metadata import CoreMetadata, MetadataError, WheelFile
from cxxrt_toolchain.wheel.record import (
    RecordIssue,
    RecordIssueKind,
    RecordRow,
    compare,
    digest_of,
    hashed_with,
    parse_record,
    unhashed_names,
)
from cxxrt_toolchain.wheel.source import ByteSource, FileSource
from cxxrt_toolchain.wheel.stream import BadMemberError, Extent, MemberStream
from cxxrt_toolchain.wheel.sweep import sweep
from cxxrt_toolchain.wording import listed, quoted

if TYPE_CHECKING:
    from typing_extensions import Self


__all__ = [
    "BadMemberError",
    "BadWheelError",
    "Member",
    "RecordIssue",
    "RecordIssueKind",
    "Wheel",
    "WheelLimits",
]

DEFAULT_LIMITS = WheelLimits()
_TEXTS = ("WHEEL", "METADATA", "RECORD")
_GAP = 32 << 10
"""Bytes between two texts that are read with them rather than left out."""


class Wheel:
    """An open wheel; a context manager. Members may be read in several threads.

    Of `path`, only the last part is looked at: it is the wheel's name.
    """

    def __init__(
        self,
        path: Path,
        source: ByteSource,
        limits: WheelLimits = DEFAULT_LIMITS,
        *,
        headers: bool = True,
    ) -> None:
        """With `headers`, compares every local header with the directory; else of what is read.

        Some readers follow the one and some the other, so no wheel may say two things; but where
        bytes are remote, each header may be a request.
        """
        self.path = path
        self._source = source
        self._limits = limits
        self.name = parse_wheel_name(path.name)
        """The parts of the file name."""
        self.members = read_directory(source, path, limits)
        """In the order of the archive's directory."""
        self._by_name = {member.name: member for member in self.members}
        self.dist_info = self._find_dist_info()
        """The name of the ``.dist-info`` directory, without a slash."""
        if headers:
            self._check_headers()

    @classmethod
    def open(cls, path: Path, limits: WheelLimits = DEFAULT_LIMITS) -> Wheel:
        """Open a wheel; `BadWheelError` lists every issue, `BadWheelNameError`: a bad file name."""
        try:
            source = FileSource(path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise BadWheelError(path, (f"it cannot be opened ({reason})",)) from error
        try:
            return cls(path, source, limits)
        except BaseException:
            source.close()
            raise

    @property
    def size(self) -> int:
        """Bytes of the archive."""
        return self._source.size

    def close(self) -> None:
        """Close the source; open member streams end."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def member(self, name: str) -> Member:
        """One member by name."""
        try:
            return self._by_name[name]
        except KeyError:
            raise BadWheelError(self.path, (f"it has no member {name!r}",)) from None

    def extent(self, name: str) -> Extent:
        """Where a member's compressed bytes lie; reads its local header."""
        return locate(self._source, self.path, self.member(name))

    def raw(self, offset: int, size: int) -> bytes:
        """Bytes of the archive itself."""
        data = self._source.read(offset, size)
        if len(data) != size:
            raise BadWheelError(self.path, ("it became shorter while it was read",))
        return data

    def stream(self, name: str, watch: Callable[[int, bytes], None] | None = None) -> MemberStream:
        """A seekable stream over one member.

        ``watch`` is called with the offset and the bytes of every piece as it is inflated, once
        more if it has to be inflated again; never for members that are stored.
        """
        return MemberStream(self._source, self.extent(name), watch)

    def read(self, name: str) -> bytes:
        """The whole content of a member; for texts and other small members."""
        with self.stream(name) as stream:
            return stream.read()

    @cached_property
    def wheel_file(self) -> WheelFile:
        """The parsed WHEEL."""
        return _parse_wheel_file(self._text("WHEEL"))

    @cached_property
    def metadata(self) -> CoreMetadata:
        """The parsed METADATA."""
        return CoreMetadata.parse(self._text("METADATA"))

    @cached_property
    def record(self) -> tuple[RecordRow, ...]:
        """The rows of RECORD."""
        return parse_record(self._text("RECORD"))

    @cached_property
    def recorded_hashes(self) -> dict[str, str]:
        """Member names to their hashes as RECORD spells them; without those that have none."""
        return {row.path: row.hash for row in self.record if row.hash}

    def record_issues(self, digests: Mapping[str, bytes] | None = None) -> tuple[RecordIssue, ...]:
        """Every difference between RECORD and the archive; known SHA-256 digests save reading."""
        path = f"{self.dist_info}/RECORD"
        try:
            rows = self.record
        except (MetadataError, BadWheelError) as error:
            kind = RecordIssueKind.UNREADABLE
            return (RecordIssue(kind=kind, member=path, detail=str(error)),)
        sizes = {member.name: member.size for member in self.members if not member.is_dir}
        unhashed = unhashed_names(self.dist_info)
        wanted = hashed_with(rows, sizes.keys() - unhashed)
        known = {
            name: digest for name, digest in (digests or {}).items() if wanted.get(name) == "sha256"
        }
        rest = [self._by_name[name] for name in sorted(wanted.keys() - known.keys())]

        def digest(member: Member) -> bytes:
            with self.stream(member.name) as stream:
                return digest_of(stream, wanted[member.name])

        names = (member.name for member in rest)
        known.update(zip(names, sweep(rest, digest), strict=True))
        return tuple(compare(rows, sizes, unhashed, known))

    def read_texts_ahead(self) -> None:
        """Read WHEEL, METADATA and RECORD at once, for a source that keeps what came."""
        spans: list[list[int]] = []
        texts = [self._by_name.get(f"{self.dist_info}/{name}") for name in _TEXTS]
        for entry in sorted(filter(None, texts), key=lambda each: each.header):
            if entry.compressed_size > self._most(entry.name.rpartition("/")[2]):
                continue  # it will be refused
            if spans and entry.header - spans[-1][1] <= _GAP:
                spans[-1][1] = entry.end
            else:
                spans.append([entry.header, entry.end])
        for start, end in spans:
            self._source.read(start, end - start)

    def _check_headers(self) -> None:
        issues: list[str] = []
        for member in self.members:
            try:
                locate(self._source, self.path, member)
            except BadWheelError as error:  # noqa: PERF203 - all are told at once
                issues += error.issues
        refuse(self.path, issues, self._limits)

    def _most(self, text: str) -> int:
        return {
            "WHEEL": self._limits.wheel_size,
            "METADATA": self._limits.metadata_size,
            "RECORD": self._limits.record_size + self._limits.record_row * len(self.members),
        }[text]

    def _text(self, name: str) -> bytes:
        entry = self.member(f"{self.dist_info}/{name}")
        most = self._most(name)
        if entry.size > most:
            raise BadWheelError(self.path, (f"{name} has {entry.size} bytes, more than {most}",))
        return self.read(entry.name)

    def _find_dist_info(self) -> str:
        inside = (name for name in self._by_name if ".dist-info/" in name)
        tops = {name.partition("/")[0] for name in inside}
        found = sorted(top for top in tops if top.endswith(".dist-info"))
        if len(found) != 1:
            what = f"it has {len(found)} .dist-info directories ({listed(map(quoted, found))})"
            raise BadWheelError(self.path, (what if found else "it has no .dist-info directory",))
        project = _normalized(self.name.distribution)
        if not _normalized(found[0]).startswith(project):  # as pip decides it
            raise BadWheelError(self.path, (f"{quoted(found[0])} is not of {project!r}",))
        missing = [name for name in ("WHEEL", "METADATA") if f"{found[0]}/{name}" not in self]
        if missing:
            raise BadWheelError(self.path, tuple(f"{found[0]} lacks {name}" for name in missing))
        return found[0]


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _parse_wheel_file(text: bytes) -> WheelFile:
    try:
        return WheelFile.parse(text.decode())
    except UnicodeDecodeError as error:
        raise MetadataError(f"WHEEL is not UTF-8: {error}.") from error
