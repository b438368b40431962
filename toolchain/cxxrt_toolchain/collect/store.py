"""Values on disk that count only as they were written: with a checksum, put in place by a rename.

In: a path, the first line that the right version has, a value of plain types. Out: the value.
``marshal``, because it is read many times as fast as JSON, and runs no code; the checksum keeps
damage away from it.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import tempfile
import zlib
from pathlib import Path
from typing import Any

WRONG = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError)
"""What `read_sealed`, and taking its value apart, may raise where another hand wrote it."""


def read_sealed(file: Path, magic: str, most: int) -> Any:  # noqa: ANN401 - what was written
    """The value that `write_sealed` wrote there under the same magic.

    Args:
        file: Where it is.
        magic: Says what it is, and in which version.
        most: Bytes that are read at most; a larger file is a wrong one.

    Raises:
        OSError: It cannot be read.
        ValueError: It is another thing, or damaged.
    """
    with open(file, "rb", buffering=0) as stream:  # noqa: PTH123 - a path costs more than the read
        size = os.fstat(stream.fileno()).st_size
        head, _, body = (stream.read() if size <= most else b"").partition(b"\n")
    if head != _head(magic, body):
        raise ValueError(head)
    return marshal.loads(body)  # noqa: S302 - ours by its checksum; runs no code


def write_sealed(file: Path, magic: str, value: Any) -> bool:  # noqa: ANN401 - what marshal takes
    """Write a value whole, or leave what was there; whether it was written."""
    body = marshal.dumps(value)
    temporary = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".sealed-")
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor
            stream.write(_head(magic, body) + b"\n" + body)
        Path(temporary).replace(file)
    except OSError:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        return False
    return True


def _head(magic: str, body: bytes) -> bytes:
    return f"{magic} {marshal.version} {zlib.crc32(body):08x}".encode()
