"""Deflating the members of a new wheel: on all processors, in order, the same bytes every time.

A piece is deflated by itself, with the end of the one before it as its dictionary, so that a
content is one deflate stream whatever thread made which piece of it; the pieces are as large on
every machine. A few pieces ahead are in work, never all.

Source: RFC 1951; the division into pieces is pigz's (zlib's ``Z_SYNC_FLUSH`` ends one at a byte).
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.processors import usable_processors

if TYPE_CHECKING:
    from typing_extensions import Self

_PIECE = 1 << 20
_DICTIONARY = 32 << 10
_MOST_THREADS = 4


class Piece(NamedTuple):
    """A piece of a content, plain and deflated."""

    plain: bytes
    deflated: bytes


class _Task(NamedTuple):
    """A piece that a thread deflates."""

    number: int
    """Index of its content."""
    plain: bytes
    future: Future[bytes]


class Deflater:
    """Deflates contents (bytes, or files) one after the other; a context manager."""

    def __init__(self, contents: Iterable[bytes | Path], level: int) -> None:
        self._level = level
        threads = min(usable_processors(), _MOST_THREADS)
        self._pool = ThreadPoolExecutor(threads)
        self._ahead: deque[_Task] = deque()
        self._most_ahead = 2 * threads
        self._tasks = self._submit(contents)
        self._number = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def following(self) -> Iterator[Piece]:
        """The pieces of the next content; none where it is empty."""
        self._number += 1
        while True:
            while len(self._ahead) < self._most_ahead:
                task = next(self._tasks, None)
                if task is None:
                    break
                self._ahead.append(task)
            if not self._ahead or self._ahead[0].number != self._number:
                return
            task = self._ahead.popleft()
            yield Piece(task.plain, task.future.result())

    def _submit(self, contents: Iterable[bytes | Path]) -> Iterator[_Task]:
        for number, content in enumerate(contents):
            before = b""
            pieces = _pieces(content)
            plain = next(pieces, b"")
            while plain:
                following = next(pieces, b"")
                dictionary = before[-_DICTIONARY:]
                future = self._pool.submit(
                    _deflated, plain, dictionary, self._level, last=not following
                )
                yield _Task(number, plain, future)
                before, plain = plain, following


def _pieces(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield from (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))
        return
    with content.open("rb") as source:
        while piece := source.read(_PIECE):
            yield piece


def _deflated(plain: bytes, dictionary: bytes, level: int, *, last: bool) -> bytes:
    engine = zlib.compressobj(level, wbits=-zlib.MAX_WBITS, zdict=dictionary)
    return engine.compress(plain) + engine.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)
