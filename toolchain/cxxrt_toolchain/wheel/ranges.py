"""A wheel on a server as a `ByteSource`: ranges with both ends known, or the whole of it once.

The first range is the end of the file, where a wheel's directory and its texts lie. What came is
kept; all of it is for one open wheel. A file that changes between two ranges is an error, never a
mixture.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote

from cxxrt_toolchain.web.address import parts_of
from cxxrt_toolchain.web.client import Client, Reply, WebError
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from cxxrt_toolchain.wheel.source import ByteSource

TAIL = 64 << 10
"""Bytes of the first range: with it, a wheel takes 1.4 requests (measured over 966 wheels)."""
_AHEAD = 8 << 10
"""The least bytes of a later one."""
_MOST_WHOLE = 64 << 20
"""Bytes of a file that is taken whole where its server knows no ranges."""
_IN_MEMORY = 8 << 20
_MOST_SIZE = 8 << 30
"""Bytes of a wheel whose size nobody tells."""
_PARTIAL = 206
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@contextmanager
def remote_wheel(
    client: Client,
    url: str,
    *,
    whole: bool,
    size: int | None = None,
    sha256: str = "",
    spent: Spent | None = None,
) -> Iterator[Wheel]:
    """A wheel at an address: its directory and texts by ranges, or all of it with one request.

    Raises:
        WebError: Also while the wheel is read.
        InputError: It is no wheel.
    """
    spent = spent or Spent()
    name = Path(unquote(parts_of(url).path).rpartition("/")[2])
    source: ByteSource
    if whole:
        source = fetch_whole(client, url, spent, most=_MOST_SIZE, size=size, sha256=sha256)
    else:
        source = RangeSource(client, url, size, spent)
    try:
        yield Wheel(name, source, headers=whole)
    finally:
        source.close()


@dataclass(slots=True)
class Spent:
    """What reading cost."""

    requests: int = 0
    bytes: int = 0
    retries: int = 0

    def count(self, again: bool) -> None:
        """One request, or one more of the same."""
        self.requests += 1
        self.retries += again


class WholeSource:
    """A file that was fetched whole: in memory while it is small, else on disk, without a name."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._lock = Lock()
        self.size = size

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the file."""
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

    def close(self) -> None:
        """Forget it."""
        self._file.close()


def fetch_whole(
    client: Client, url: str, spent: Spent, *, most: int, size: int | None = None, sha256: str = ""
) -> WholeSource:
    """A file of at most so many bytes, with one request.

    Raises:
        WebError: Also where it has another size or SHA-256 than the index says.
    """

    def read(reply: Reply) -> WholeSource:
        return _whole(reply, spent, most if size is None else size, sha256)

    source = client.get(url, read, count=spent.count)
    if size is not None and source.size != size:
        source.close()
        raise WebError("changed", f"{source.size} bytes, {size} in the index")
    return source


def _whole(reply: Reply, spent: Spent, most: int, sha256: str = "") -> WholeSource:
    said = reply.headers.get("Content-Length", "")
    if said.isdigit() and int(said) > most:
        raise WebError("changed", f"{said} bytes, at most {most} were expected")
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - its source closes it
    digest, got = hashlib.sha256(), 0
    try:
        for piece in reply.pieces(most):
            file.write(piece)
            digest.update(piece)
            got += len(piece)
            spent.bytes += len(piece)
        if said.isdigit() and got < int(said):
            raise WebError("cut", f"{got} of {said} bytes")  # noqa: TRY301 - one way out
        if sha256 and digest.hexdigest() != sha256:
            raise WebError("bad-hash", "not the SHA-256 of the index")  # noqa: TRY301
    except BaseException:
        file.close()
        raise
    return WholeSource(file, got)


class RangeSource:
    """Ranges of a file, each fetched once."""

    def __init__(
        self, client: Client, url: str, size: int | None = None, spent: Spent | None = None
    ) -> None:
        """Without the size, which an index tells, the first bytes are asked for to learn it."""
        self._client = client
        self._url = url
        self._tag = ""
        self._pieces: dict[int, bytes] = {}
        self._whole: WholeSource | None = None
        self._lock = Lock()
        self.spent = spent or Spent()
        self.size = size or 0
        if size is None:
            self._fetch(0, 1)

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the file; those that did not come before are fetched."""
        with self._lock:
            if self._whole is not None:
                return self._whole.read(offset, size)
            end = min(offset + size, self.size)
            parts: list[bytes] = []
            while offset < end:
                part = self._known(offset)[: end - offset] or self._missing(offset, end)
                parts.append(part[: end - offset])
                offset += len(parts[-1])
            return b"".join(parts)

    def close(self) -> None:
        """Forget what came."""
        self._pieces.clear()
        if self._whole is not None:
            self._whole.close()

    def _known(self, offset: int) -> bytes:
        """The bytes from there to the end of a piece; none where none came."""
        starts = sorted(self._pieces)
        index = bisect_right(starts, offset) - 1
        return self._pieces[starts[index]][offset - starts[index] :] if index >= 0 else b""

    def _missing(self, offset: int, end: int) -> bytes:
        """Fetch what is missing before the next piece, and a little more."""
        start, end = offset, max(end, offset + _AHEAD)
        if offset >= self.size - TAIL and self.size - TAIL not in self._pieces:
            start, end = max(0, self.size - TAIL), self.size
        after = [each for each in self._pieces if each > offset]
        end = min([end, self.size, *after])
        self._fetch(start, end)
        if self._whole is not None:
            return self._whole.read(offset, end - offset)
        return self._pieces[start][offset - start :]

    def _fetch(self, start: int, end: int) -> None:
        headers = {"Range": f"bytes={start}-{end - 1}"}
        if self._tag:
            headers["If-Match"] = self._tag

        def read(reply: Reply) -> None:
            self._url = reply.url
            self._check_tag(reply.headers.get("ETag", ""))
            if reply.status != _PARTIAL:
                self._take_whole(reply)
                return
            self._check_range(reply.headers.get("Content-Range", ""), start, end)
            data = reply.body(end - start)
            self.spent.bytes += len(data)
            if len(data) < end - start:
                raise WebError("cut", f"{len(data)} of {end - start} bytes")
            self._pieces[start] = data

        self._client.get(self._url, read, headers, self.spent.count)

    def _take_whole(self, reply: Reply) -> None:
        """The server ignores ranges: the file comes whole, and once."""
        most = self.size or _MOST_WHOLE
        if most > _MOST_WHOLE:
            raise WebError("no-ranges", f"and {most} bytes are too many to take whole")
        self._whole = _whole(reply, self.spent, most)
        if self.size and self._whole.size != self.size:
            raise WebError("changed", f"{self._whole.size} bytes, {self.size} in the index")
        self.size = self._whole.size

    def _check_tag(self, tag: str) -> None:
        """A strong tag names the bytes (RFC 9110, 8.8.3)."""
        if tag.startswith('"'):
            if self._tag and tag != self._tag:
                raise WebError("changed", "another ETag than before")
            self._tag = tag

    def _check_range(self, text: str, start: int, end: int) -> None:
        found = _CONTENT_RANGE.fullmatch(text.strip())
        if found is None:
            raise WebError("changed", f"Content-Range {text[:60]!r}")
        first, last, size = map(int, found.groups())
        if (first, last) != (start, end - 1) or size != (self.size or size):
            raise WebError("changed", f"Content-Range {text[:60]!r}")
        self.size = size
