"""What RECORD says against what the archive holds.

What goes in: rows, member names and a way to read a member. What comes out: every difference.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from cxxrt_toolchain.wheel.metadata import RecordRow

_ALGORITHMS = ("sha256", "sha384", "sha512")
"""The specification asks for SHA-256 or better, and forbids MD5 and SHA-1."""
_BLOCK = 1 << 20


class RecordIssueKind(Enum):
    """What can be wrong with RECORD."""

    UNREADABLE = "unreadable"
    DUPLICATE = "duplicate"
    UNLISTED = "unlisted"
    """A member that RECORD does not name."""
    ABSENT = "absent"
    """A row that no member answers."""
    NO_HASH = "no-hash"
    WEAK_HASH = "weak-hash"
    WRONG_HASH = "wrong-hash"
    WRONG_SIZE = "wrong-size"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordIssue:
    """One difference."""

    kind: RecordIssueKind
    member: str
    detail: str

    def __str__(self) -> str:
        return f"{self.member}: {self.detail}"


def unhashed_names(dist_info: str) -> frozenset[str]:
    """The members that RECORD names without a hash, or need not name: itself and signatures."""
    return frozenset(f"{dist_info}/{name}" for name in ("RECORD", "RECORD.jws", "RECORD.p7s"))


def compare(
    rows: Iterable[RecordRow],
    sizes: dict[str, int],
    unhashed: frozenset[str],
    stream: Callable[[str], BinaryIO],
) -> Iterator[RecordIssue]:
    """All differences between RECORD's rows and the members.

    Args:
        rows: RECORD.
        sizes: The files of the archive and their sizes in bytes.
        unhashed: Names that need no hash.
        stream: Opens a member; its own errors pass through.
    """
    by_path: dict[str, RecordRow] = {}
    counts = Counter[str]()
    for row in rows:
        counts[row.path] += 1
        by_path.setdefault(row.path, row)
    for path, count in counts.items():
        if count > 1:
            yield _issue(RecordIssueKind.DUPLICATE, path, f"RECORD names it {count} times")
    for path in sorted(by_path.keys() - sizes.keys()):
        yield _issue(RecordIssueKind.ABSENT, path, "RECORD names it, the archive lacks it")
    for path in sorted(sizes.keys() - by_path.keys() - unhashed):
        yield _issue(RecordIssueKind.UNLISTED, path, "RECORD does not name it")
    for path in sorted(by_path.keys() & sizes.keys() - unhashed):
        yield from _compare_content(by_path[path], sizes[path], stream)


def _compare_content(
    row: RecordRow, size: int, stream: Callable[[str], BinaryIO]
) -> Iterator[RecordIssue]:
    if row.size is not None and row.size != size:
        detail = f"RECORD says {row.size} bytes, it has {size}"
        yield _issue(RecordIssueKind.WRONG_SIZE, row.path, detail)
    algorithm, _, text = row.hash.partition("=")
    if not row.hash:
        yield _issue(RecordIssueKind.NO_HASH, row.path, "RECORD has no hash of it")
    elif algorithm not in _ALGORITHMS:
        detail = f"RECORD hashes it with {algorithm!r}, which the specification does not allow"
        yield _issue(RecordIssueKind.WEAK_HASH, row.path, detail)
    elif _decoded(text) != _digest(algorithm, row.path, stream):
        yield _issue(RecordIssueKind.WRONG_HASH, row.path, "its content is not what RECORD hashed")


def _digest(algorithm: str, path: str, stream: Callable[[str], BinaryIO]) -> bytes:
    state = hashlib.new(algorithm)
    with stream(path) as file:
        while block := file.read(_BLOCK):
            state.update(block)
    return state.digest()


def _decoded(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, UnicodeEncodeError):
        return None


def _issue(kind: RecordIssueKind, member: str, detail: str) -> RecordIssue:
    return RecordIssue(kind=kind, member=member, detail=detail)
