"""Where the bytes of an archive come from: a file, memory, or ranges of a file on a server.

Whatever reads an archive asks for bytes by offset and knows nothing else about where they lie.
`wheel.ranges` has the source for a server.
"""

import io
import os
from pathlib import Path
from typing import Protocol

from cxxrt_toolchain.plain_files import open_plain


class ByteSource(Protocol):
    """Bytes by offset; may be read in several threads."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from an offset, fewer only where the bytes end."""
        ...

    def close(self) -> None:
        """Release what the source holds; it is not read after that."""
        ...


class FileSource:
    """An open file; `OSError` where the path is no regular file, or cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._file = open_plain(path, 0)
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the file; without moving a position that other threads share."""
        return os.pread(self._file.fileno(), size, offset)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class SourceFile(io.BufferedIOBase):
    """A source as a file, for `zipfile`; a read of more than ``most`` bytes is an `OSError`."""

    def __init__(self, source: ByteSource, most: int) -> None:
        super().__init__()
        self._source = source
        self._most = most
        self._position = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move; `OSError` before the first byte, as for a file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}
        position = base[whence] + offset
        if position < 0:
            raise OSError(f"there is no byte {position}")
        self._position = position
        return position

    def read(self, size: int | None = -1, /) -> bytes:
        """Bytes from the position; all that are left without a size."""
        left = max(0, self._source.size - self._position)
        size = left if size is None or size < 0 else min(size, left)
        if size > self._most:
            raise OSError(f"{size} bytes of directory are more than {self._most}")
        data = self._source.read(self._position, size) if size else b""
        self._position += len(data)
        return data
