"""RECORD: its rows, which are CSV, and every difference between them and the archive."""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.wheel.metadata import MetadataError
from cxxrt_toolchain.wording import quoted

if TYPE_CHECKING:
    from cxxrt_toolchain.wheel.stream import MemberStream

_ALGORITHMS = ("sha256", "sha384", "sha512")
"""The specification asks for SHA-256 or better, and forbids MD5 and SHA-1."""
_SHA256_SIZE = 32
_BLOCK = 1 << 20
_MOST_DIGITS = 20


class RecordRow(NamedTuple):
    """One row of RECORD; a named tuple, because a wheel has thousands."""

    path: str
    hash: str
    """``<algorithm>=<urlsafe base64 without padding>``; empty for RECORD itself."""
    size: int | None
    """Bytes."""


def sha256_field(digest: bytes) -> str:
    """A SHA-256 digest as RECORD spells it."""
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def sha256_hex(text: str) -> str | None:
    """A SHA-256 of RECORD's in hexadecimal; None for another hash, or none."""
    algorithm, _, value = text.partition("=")
    try:
        digest = base64.urlsafe_b64decode(f"{value}=")
    except ValueError:
        return None
    return digest.hex() if algorithm == "sha256" and len(digest) == _SHA256_SIZE else None


def parse_record(text: bytes) -> tuple[RecordRow, ...]:
    """Read RECORD; `MetadataError`: not UTF-8, not CSV, or a row lacks one of three fields."""
    rows = []
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text.decode(), newline="")), 1):
            if not row:
                continue
            if len(row) != 3 or not (row[2] == "" or _is_size(row[2])):  # noqa: PLR2004 - columns
                shown = quoted(repr(row))
                raise MetadataError(f"RECORD line {number} is not path, hash, size: {shown}.")
            rows.append(RecordRow(row[0], row[1], int(row[2]) if row[2] else None))
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise MetadataError(f"RECORD cannot be read: {error}.") from error
    return tuple(rows)


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def format_record(rows: Iterable[RecordRow]) -> bytes:
    """RECORD's text, rows as given."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        writer.writerow((row.path, row.hash, "" if row.size is None else row.size))
    return buffer.getvalue().encode()


class RecordIssueKind(Enum):
    """The ways in which RECORD differs from the archive."""

    UNREADABLE = "unreadable"
    DUPLICATE = "duplicate"
    UNLISTED = "unlisted"
    """A member that RECORD does not name."""
    ABSENT = "absent"
    """A row without a member."""
    NO_HASH = "no-hash"
    WEAK_HASH = "weak-hash"
    WRONG_HASH = "wrong-hash"
    WRONG_SIZE = "wrong-size"


@dataclass(frozen=True, slots=True)
class RecordIssue:
    """One difference between RECORD and the archive."""

    kind: RecordIssueKind
    member: str
    detail: str

    def __str__(self) -> str:
        return f"{self.member}: {self.detail}"


def unhashed_names(dist_info: str) -> frozenset[str]:
    """The members that RECORD names without a hash, or need not name: itself and signatures."""
    return frozenset(f"{dist_info}/{name}" for name in ("RECORD", "RECORD.jws", "RECORD.p7s"))


def hashed_with(rows: Iterable[RecordRow], names: Collection[str]) -> dict[str, str]:
    """Of some members, those that have a hash to compare with, and the algorithm of each."""
    found: dict[str, str] = {}
    for row in rows:
        found.setdefault(row.path, row.hash.partition("=")[0])
    return {
        path: algorithm
        for path, algorithm in found.items()
        if path in names and algorithm in _ALGORITHMS
    }


def digest_of(stream: MemberStream, algorithm: str) -> bytes:
    """The digest of a member from where the stream stands."""
    import hashlib

    state = hashlib.new(algorithm)
    while block := stream.read(_BLOCK):
        state.update(block)
    return state.digest()


class RunningDigest:
    """SHA-256 of a member, computed from the pieces that another reader inflates."""

    def __init__(self) -> None:
        from hashlib import sha256

        self._state = sha256()
        self._seen = 0

    def __call__(self, offset: int, piece: bytes) -> None:
        """Take the next piece; one that was seen before is passed over."""
        if offset == self._seen:
            self._seen += len(piece)
            self._state.update(piece)

    def finish(self, stream: MemberStream, size: int) -> bytes | None:
        """The digest, once the rest has been inflated; None where no piece came by (stored)."""
        stream.skip(self._seen, size)
        stream.seek(size - 1)
        stream.read(1)
        return self._state.digest() if self._seen == size else None


def compare(
    rows: Iterable[RecordRow],
    sizes: dict[str, int],
    unhashed: frozenset[str],
    digests: Mapping[str, bytes],
) -> Iterator[RecordIssue]:
    """All differences between RECORD's rows and the members, of which the sizes in bytes are given.

    The digests are of every member that `hashed_with` finds, with its algorithm.
    """
    by_path: dict[str, RecordRow] = {}
    counts = Counter[str]()
    for row in rows:
        counts[row.path] += 1
        by_path.setdefault(row.path, row)
    for path, count in counts.items():
        if count > 1:
            yield RecordIssue(RecordIssueKind.DUPLICATE, path, f"RECORD names it {count} times")
    for path in sorted(by_path.keys() - sizes.keys()):
        yield RecordIssue(RecordIssueKind.ABSENT, path, "RECORD names it, the archive lacks it")
    for path in sorted(sizes.keys() - by_path.keys() - unhashed):
        yield RecordIssue(RecordIssueKind.UNLISTED, path, "RECORD does not name it")
    for path in sorted(by_path.keys() & sizes.keys() - unhashed):
        yield from _compare_content(by_path[path], sizes[path], digests)


def _compare_content(
    row: RecordRow, size: int, digests: Mapping[str, bytes]
) -> Iterator[RecordIssue]:
    if row.size is not None and row.size != size:
        detail = f"RECORD says {row.size} bytes, it has {size}"
        yield RecordIssue(RecordIssueKind.WRONG_SIZE, row.path, detail)
    algorithm, _, text = row.hash.partition("=")
    if not row.hash:
        yield RecordIssue(RecordIssueKind.NO_HASH, row.path, "RECORD has no hash of it")
    elif algorithm not in _ALGORITHMS:
        detail = f"RECORD hashes it with {algorithm!r}, which the specification does not allow"
        yield RecordIssue(RecordIssueKind.WEAK_HASH, row.path, detail)
    elif _decoded(text) != digests[row.path]:
        yield RecordIssue(
            RecordIssueKind.WRONG_HASH, row.path, "its content is not what RECORD hashed"
        )


def _decoded(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, UnicodeEncodeError):
        return None
