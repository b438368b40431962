"""Reading a path where anything may lie: a regular file, up to a size, and nothing else.

A FIFO waits for a writer for ever, a device has side effects or no end, a sparse file has any size.
"""

import errno
import os
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

MOST_TEXT = 32 << 20
"""Bytes of a text; the RECORD of the largest distribution that we know has 4 MB."""


def may_name_a_file(path: str) -> bool:
    """Whether the system could have such a file: no NUL is in its path, and bytes can encode it."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def open_plain(path: Path | str, buffering: int = -1) -> BinaryIO:
    """A regular file, opened to read.

    Raises:
        OSError: It cannot be opened, or is no regular file.
    """

    def opener(name: str, flags: int) -> int:
        if not S_ISREG(os.stat(name).st_mode):  # noqa: PTH116 - before: opening a device acts on it
            raise OSError(errno.EINVAL, "not a regular file", name)
        # O_NONBLOCK, because since then a FIFO may have taken its place.
        descriptor = os.open(name, flags | os.O_CLOEXEC | os.O_NONBLOCK)
        if S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", name)

    return open(path, "rb", buffering, opener=opener)


def read_plain(path: Path | str, most: int = MOST_TEXT) -> bytes:
    """The content of a regular file.

    Raises:
        OSError: It cannot be read, is no regular file, or has more bytes.
    """
    with open_plain(path, 0) as stream:
        if os.fstat(stream.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"more than {most} bytes", os.fspath(path))
        return stream.read(most)
