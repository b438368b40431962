"""One member of an archive as a seekable stream that inflates as little as it can.

Bytes are inflated once, front to back; the latest pieces stay in memory and the beginning, too,
the most of it in a file without a name; the middle is dropped, and so is what the reader says it
will `skip`. That fits how an ELF file is read: its tables lie at the beginning (as linkers write
them) or at the end (as patchelf does), and between them is code. A seek back into a dropped piece
inflates again from the start.

The size and the CRC-32 of the archive's directory are checked: more bytes than promised, fewer, or
others raise `BadMemberError` when the last byte comes out. The streams of one wheel can be read in
several threads, because its `ByteSource` can.
"""

from __future__ import annotations

import io
import os
import zlib
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from tempfile import TemporaryFile
from types import ModuleType
from typing import IO, TYPE_CHECKING

from cxxrt_toolchain.errors import MemberError

if TYPE_CHECKING:
    from cxxrt_toolchain.wheel.source import ByteSource


def _inflater() -> ModuleType:
    """Intel's inflate where ``isal`` is installed; it is twice as fast as zlib."""
    try:
        return import_module("isal.isal_zlib")
    except ImportError:
        return zlib


_zlib = _inflater()
STORED, DEFLATED = 0, 8
_INPUT = 64 << 10
_OUTPUT = 256 << 10
"""Bytes of the other steps; small enough for the processor's cache."""
_FIRST = 4 << 10
"""Bytes of the first step, in and out: many callers read only a magic number."""
_HEAD_KEPT = 128 << 20
"""Bytes kept from the beginning: the tables of torch's largest library end before 40 MB, those of
TensorFlow's before 110."""
_HEAD_IN_MEMORY = 16 << 20
"""Bytes of those that are not in a file."""
_LATEST_KEPT = 8 << 20
MOST_KEPT = _HEAD_IN_MEMORY + _LATEST_KEPT
"""Bytes that one stream keeps in memory, its reader's own aside."""


class BadMemberError(MemberError):
    """The bytes of a member contradict the directory of the archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Where a member lies in its archive and what comes out of it."""

    member: str
    offset: int
    """Offset of the first compressed byte."""
    compressed_size: int
    size: int
    crc: int
    method: int
    """`STORED` or `DEFLATED`."""


class MemberStream(io.BufferedIOBase):
    """A read-only stream over one member."""

    def __init__(
        self, source: ByteSource, extent: Extent, watch: Callable[[int, bytes], None] | None = None
    ) -> None:
        super().__init__()
        self._source = source
        self._extent = extent
        self._watch = watch
        self._position = 0
        self._pieces: dict[int, bytes | int] = {}
        """By offset; of one that is in the file, its size."""
        self._file: IO[bytes] | None = None
        self._starts: list[int] = []
        self._skipped: list[tuple[int, int]] = []
        self._restart()

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always; seeking back into the dropped middle inflates again."""
        return True

    def tell(self) -> int:
        """The position in the inflated bytes."""
        return self._position

    def close(self) -> None:
        """Forget what is kept."""
        self._pieces.clear()
        if self._file is not None:
            self._file.close()
        super().close()

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move; costs nothing until the next read."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._extent.size}
        self._position = max(0, base[whence] + offset)
        return self._position

    def skip(self, start: int, end: int) -> None:
        """Say that these bytes will not be read: they need no memory. Reading them still works."""
        self._skipped.append((start, end))

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to ``size`` bytes, fewer only at the end; all that is left without a size."""
        start = min(self._position, self._extent.size)
        end = self._extent.size if size is None or size < 0 else start + size
        end = min(end, self._extent.size)
        data = self._stored(start, end) if self._extent.method == STORED else self._at(start, end)
        self._position = start + len(data)
        return data

    def _error(self, reason: str) -> BadMemberError:
        return BadMemberError(self._extent.member, reason)

    def _stored(self, start: int, end: int) -> bytes:
        data = self._source.read(self._extent.offset + start, end - start)
        if len(data) != end - start:
            raise self._error("the archive ends inside it")
        whole = start == 0 and end == self._extent.size
        if whole and _zlib.crc32(data) != self._extent.crc:
            raise self._error("its CRC is wrong")
        return data

    def _at(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        parts: list[bytes] = []
        position = start
        while position < end:
            piece = self._piece(position)
            if piece is None:
                if position < self._produced:
                    self._restart()  # a read may begin in the kept part and go on in the dropped
                self._inflate()
                continue
            at, data = piece
            part = data[position - at : end - at]
            parts.append(part)
            position += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _piece(self, position: int) -> tuple[int, bytes] | None:
        index = bisect_right(self._starts, position) - 1
        start = self._starts[index] if index >= 0 else -1
        kept = self._pieces.get(start, 0)
        if position >= start + (kept if isinstance(kept, int) else len(kept)):
            return None
        if isinstance(kept, int):
            kept = self._from_file(start, kept)
        return (start, kept) if position < start + len(kept) else None

    def _restart(self) -> None:
        self._pieces.clear()
        self._starts.clear()
        self._settled = 0
        """How many of the first pieces are not asked again whether they may stay."""
        self._engine = _zlib.decompressobj(-zlib.MAX_WBITS)
        self._consumed = 0
        self._pending = b""
        self._produced = 0
        self._crc = 0

    def _inflate(self) -> None:
        """Inflate one more piece, check it and drop one that is not needed again."""
        data = self._next()
        start = self._produced
        self._produced += len(data)
        self._crc = _zlib.crc32(data, self._crc)
        if self._produced > self._extent.size:
            raise self._error(f"it inflates to more than the promised {self._extent.size} bytes")
        if self._produced == self._extent.size:
            self._check_end()
        if self._watch is not None:
            self._watch(start, data)
        self._pieces[start] = data
        self._starts.append(start)
        self._forget()

    def _forget(self) -> None:
        """Drop the last piece but one where it is skipped, and old ones behind the beginning."""
        if len(self._starts) > 1:
            start, end = self._starts[-2:]
            if any(first <= start and end <= last for first, last in self._skipped):
                del self._pieces[self._starts.pop(-2)]
        old = self._produced - _LATEST_KEPT
        while self._settled < len(self._starts) and self._starts[self._settled] < old:
            start = self._starts[self._settled]
            if start <= _HEAD_IN_MEMORY or (start <= _HEAD_KEPT and self._put_into_file(start)):
                self._settled += 1
            else:
                del self._pieces[self._starts.pop(self._settled)]

    def _from_file(self, start: int, size: int) -> bytes:
        return b"" if self._file is None else os.pread(self._file.fileno(), size, start)

    def _put_into_file(self, start: int) -> bool:
        """Whether a piece that was in memory is in the file now."""
        data = self._pieces[start]
        try:
            self._file = self._file or TemporaryFile(buffering=0)  # noqa: SIM115 - `close` does
            if isinstance(data, int) or os.pwrite(self._file.fileno(), data, start) != len(data):
                return False
        except OSError:  # no room; what is not kept is inflated again
            return False
        self._pieces[start] = len(data)
        return True

    def _next(self) -> bytes:
        try:
            while True:
                # First without new input: isal holds back output that its own buffer covers.
                data: bytes = self._engine.decompress(
                    self._pending, _OUTPUT if self._produced else _FIRST
                )
                self._pending = self._engine.unconsumed_tail
                if data:
                    return data
                if self._engine.eof:
                    raise self._error(f"it ends after {self._produced} bytes")
                self._pending = self._pending or self._input()
        except _zlib.error as error:
            raise self._error(f"its compressed data is damaged ({error})") from error

    def _input(self) -> bytes:
        left = self._extent.compressed_size - self._consumed
        offset = self._extent.offset + self._consumed
        data = self._source.read(offset, min(left, _INPUT if self._consumed else _FIRST))
        if not data:
            raise self._error("its compressed data ends too early")
        self._consumed += len(data)
        return data

    def _check_end(self) -> None:
        if self._crc != self._extent.crc:
            raise self._error("its CRC is wrong")
        try:
            while not self._engine.eof:
                if self._engine.decompress(self._pending, 1):
                    size = self._extent.size
                    raise self._error(f"it inflates to more than the promised {size} bytes")
                self._pending = self._engine.unconsumed_tail
                if not self._engine.eof and not self._pending:
                    self._pending = self._input()
        except _zlib.error as error:
            raise self._error(f"its compressed data is damaged ({error})") from error
