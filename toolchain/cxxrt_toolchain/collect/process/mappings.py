"""The files that a process has mapped.

What goes in: a process's folder in /proc. What comes out: `MappedFile`s. Since Linux 6.11 an ioctl
of ``/proc/PID/maps`` answers for the mapping at an address or the next one of a sort, so that code
is found at a fifth of the mappings and nothing has to be taken apart; older kernels, and other
implementations of /proc, have the text only. Opens no mapped file.

Source: <linux/fs.h>, ``PROCMAP_QUERY`` and ``struct procmap_query``; proc_pid_maps(5).
"""

from __future__ import annotations

import ctypes
import os
import sys
from array import array
from contextlib import contextmanager, suppress
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

if sys.platform.startswith("linux"):
    from fcntl import ioctl

if TYPE_CHECKING:
    from collections.abc import Iterator

DELETED = " (deleted)"
_NEWLINE = "\\012"
_PIECE = 1 << 16
_PATH_COLUMN = 73
"""Where a path begins in most lines of maps; fs/proc/task_mmu.c, ``seq_setwidth``."""
_FROM_PATH_COLUMN = itemgetter(slice(_PATH_COLUMN, None))

_QUESTION_WORDS = 13
"""Of 64 bits each: (0) size, (1) flags, (2) address; then the mapping's (3) start, (4) end, flags,
page size, (7) offset, inode and device; (10) the sizes of the buffers for its name, in the lower
half, and for its build id; (11) and (12) their addresses."""
_PROCMAP_QUERY = 3 << 30 | _QUESTION_WORDS * 8 << 16 | ord("f") << 8 | 17
"""``_IOWR('f', 17, struct procmap_query)``."""
_EXECUTABLE, _COVERING_OR_NEXT, _FILE_BACKED = 0x04, 0x10, 0x20
_PATH_MAX = 4096


class MappedFile(NamedTuple):
    """One file in the address space; a named tuple, because a process has hundreds of them."""

    path: str
    """As the process sees it, without the kernel's ``(deleted)``."""
    start: int
    """Of its first mapping, or of its code where the kernel was asked for that."""
    end: int
    """The end of its last mapping, or of its code."""
    base: int
    """Where its first byte is mapped, or would be; of most libraries, the load address."""
    is_code: bool = True
    """Whether a piece of it may be executed."""
    deleted: bool = False
    """Removed or replaced on disk since."""


def read_code(place: str) -> tuple[MappedFile, ...]:
    """The files that are mapped as code, in address order.

    Raises:
        OSError: As open(2): there is no such process, or it is another user's.
    """
    with _opened(f"{place}/maps") as descriptor:
        with suppress(OSError):  # an older kernel, or no Linux kernel
            return tuple(_unmarked(_queried(descriptor)))
        return tuple(row for row in parse_maps(_read_all(descriptor)) if row.is_code)


def read_files(place: str) -> tuple[MappedFile, ...]:
    """All files that are mapped, in address order, with all of their mappings.

    Raises:
        OSError: As open(2): there is no such process, or it is another user's.
    """
    return parse_maps(read(f"{place}/maps"))


def read(path: str) -> bytes:
    """A file of /proc, whose size says nothing."""
    with _opened(path) as descriptor:
        return _read_all(descriptor)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read_all(descriptor: int) -> bytes:
    pieces = []
    while piece := os.read(descriptor, _PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def _queried(descriptor: int) -> list[MappedFile]:
    """Every mapping of code, as the kernel answers for one after the other.

    Raises:
        OSError: It does not answer such questions.
    """
    name = ctypes.create_string_buffer(_PATH_MAX)
    ask = array("Q", bytes(_QUESTION_WORDS * 8))
    ask[0], ask[1] = _QUESTION_WORDS * 8, _EXECUTABLE | _FILE_BACKED | _COVERING_OR_NEXT
    ask[11] = ctypes.addressof(name)
    found: dict[bytes, tuple[int, int, int, bool, bool]] = {}
    with suppress(FileNotFoundError):  # no code is mapped behind the last one
        while True:
            ask[10] = _PATH_MAX
            ioctl(descriptor, _PROCMAP_QUERY, ask)
            start = ask[3]
            ask[2] = end = ask[4]  # where the next question begins
            path = name.value
            if path not in found:
                found[path] = start, end, start - ask[7], True, False
    names = os.fsdecode(b"\0".join(found)).split("\0")
    rows = zip(names, found.values(), strict=True)
    make = tuple.__new__  # in a third of the time that `MappedFile` itself takes
    return [make(MappedFile, (path, *rest)) for path, rest in rows if path[:1] == "/"]


def parse_maps(text: bytes) -> tuple[MappedFile, ...]:
    """``/proc/PID/maps`` to one row per file, in address order; what has no path is left out.

    A line is ``start-end perms offset device inode path``. The kernel pads it so that the path
    begins in one column, unless the numbers before it are longer than usual; it may hold spaces,
    and a newline in it is written in octal. Neighbours with one path are one row from the start.
    """
    whole = os.fsdecode(text)
    lines = whole.split("\n")
    found: list[MappedFile] = []
    path, first, last, code = "", "", "", False
    for name, line in zip(map(_FROM_PATH_COLUMN, lines), lines, strict=True):
        if name != path:
            if path[:1] == "/":
                found.append(_row(path, first, last, code))
            path, first, code = name, line, False
        last = line
        if not code and "x" in line[:_PATH_COLUMN]:  # only the permissions may have an x
            code = True
        if name[:1] != "/" and " /" in line:
            found += _unusual(line)
    if len({row.path for row in found}) < len(found):
        found = _joined(found)
    if _NEWLINE in whole:
        found = [row._replace(path=row.path.replace(_NEWLINE, "\n")) for row in found]
    return tuple(_unmarked(found))


def _row(path: str, first: str, last: str, code: bool) -> MappedFile:
    """From the start of one line's mapping to the end of another's."""
    start = int(first[: first.index("-")], 16)
    end = int(last[last.index("-") + 1 : last.index(" ")], 16)
    return MappedFile(path, start, end, start, is_code=code)


def _unusual(line: str) -> list[MappedFile]:
    """A line whose path begins elsewhere; names that the kernel makes up are in brackets."""
    before, _, name = line.partition(" /")
    if "[" in before:
        return []
    return [_row(f"/{name}", line, line, "x" in before)]


def _joined(rows: list[MappedFile]) -> list[MappedFile]:
    """One row per file, where something anonymous or another file lies between its pieces."""
    merged: dict[str, MappedFile] = {}
    for row in rows:
        known = merged.get(row.path)
        if known is not None:
            row = known._replace(end=row.end, is_code=known.is_code or row.is_code)  # noqa: PLW2901 - joined
        merged[row.path] = row
    return list(merged.values())


def _unmarked(rows: list[MappedFile]) -> list[MappedFile]:
    """Without the kernel's mark in the name; where its successor is mapped too, the mark stays."""
    if not any(row.path[-1] == ")" for row in rows):
        return rows
    taken = {row.path for row in rows}
    found = []
    for row in rows:
        name = row.path.removesuffix(DELETED)
        deleted = name != row.path
        path = row.path if deleted and name in taken else name
        found.append(row._replace(path=path, deleted=deleted))
    return found
