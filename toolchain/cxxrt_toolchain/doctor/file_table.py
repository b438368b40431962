"""What the process part keeps of each mapped file, so that a second look is short.

In: paths of files. Out: `FileFacts`, a row per file with its owner, from one text file per program
in the cache folder, a line per row. A row counts only for the very same file (device, inode, size,
mtime); a table that is damaged or of another version is empty, and one that cannot be written is
not. Nothing here ever fails a diagnosis.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.doctor.encoding import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAGIC = f"cxxrt-process-{VERSION}-1"
_MOST_ROWS = 20_000
_MOST_BYTES = 16 << 20


class FileFacts(NamedTuple):
    """One file; texts only, because a row is a line of them. Empty where there is nothing."""

    soname: str
    origin: str
    package: str
    package_version: str
    location: str
    family: str
    static: str
    """Families, separated by commas."""
    version: str
    needed: str
    """SONAMEs, separated by commas."""
    cxx: str
    """``yes`` where it may hold C++."""
    glibc: str
    """For a C library: its version."""


class FileTable:
    """Rows by path, of the files that one program had mapped."""

    def __init__(self, folder: Path | None, program: str) -> None:
        self._file = None
        if folder is not None:
            self._file = folder / f"process-{zlib.crc32(os.fsencode(program)):08x}.shelf"
        self._program = program
        self._changed = False
        self._rows = _read(self._file, program) if self._file else {}

    def find(self, places: Mapping[str, str]) -> dict[str, FileFacts]:
        """The rows of files that are as they were.

        Args:
            places: What a file is called in the process, to where it lies here.
        """
        found = {}
        for path, place in places.items():
            row = self._rows.get(path)
            if row is not None and row[0] == _identity(place):
                found[path] = FileFacts._make(row[1:])
        return found

    def add(self, path: str, place: str, facts: FileFacts) -> None:
        """Keep a row; a name with a tab or a line end in it is not kept."""
        row = [_identity(place), *facts]
        if row[0] and all(text.isprintable() for text in (path, *row)):
            self._rows[path] = row
            self._changed = True

    def save(self) -> None:
        """Write what is new, if it can be written."""
        if self._file is None or not self._changed:
            return
        rows = list(self._rows.items())[-_MOST_ROWS:]
        lines = [self._program, *("\t".join((path, *row)) for path, row in rows)]
        body = "\n".join(lines).encode("utf-8", "surrogateescape")
        temporary = self._file.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(f"{_MAGIC} {zlib.crc32(body):08x}\n".encode() + body)
            temporary.replace(self._file)
            self._changed = False


def _read(file: Path, program: str) -> dict[str, list[str]]:
    try:
        with file.open("rb") as stream:
            head, _, body = stream.read(_MOST_BYTES).partition(b"\n")
    except OSError:
        return {}
    if head != f"{_MAGIC} {zlib.crc32(body):08x}".encode():
        return {}
    owner, *lines = body.decode("utf-8", "surrogateescape").split("\n")
    if owner != program:
        return {}
    rows = {}
    for line in lines:
        path, *row = line.split("\t")
        rows[path] = row
    return rows


def _identity(place: str) -> str:
    try:
        found = os.stat(place)  # noqa: PTH116 - hundreds of them
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"
