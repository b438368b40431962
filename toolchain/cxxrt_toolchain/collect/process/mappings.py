"""The files that a process has mapped, from the text of ``/proc/PID/maps``. Pure.

Source: proc_pid_maps(5).
"""

from __future__ import annotations

import os
from typing import NamedTuple

DELETED = " (deleted)"
_FIELDS = 6
_NEWLINE = "\\012"


class Mapping(NamedTuple):
    """One mapping of a file; a named tuple, because a process has thousands."""

    path: str
    """As the process sees it, without the kernel's ``(deleted)``."""
    start: int
    end: int
    is_code: bool
    """Whether it may be executed."""
    deleted: bool = False
    """The file was removed or replaced since."""


def parse_maps(text: bytes) -> tuple[Mapping, ...]:
    """The mappings of files, in address order.

    Args:
        text: Lines of ``start-end perms offset device inode path``. A path may hold spaces; a
            newline in it is written in octal.
    """
    rows = []
    for line in os.fsdecode(text).split("\n"):
        fields = line.split(None, _FIELDS - 1)
        if len(fields) == _FIELDS and fields[-1][0] == "/":
            start, _, end = fields[0].partition("-")
            path = fields[-1].replace(_NEWLINE, "\n")
            rows.append(Mapping(path, int(start, 16), int(end, 16), "x" in fields[1]))
    taken = {row.path for row in rows}
    return tuple([_without_mark(row, taken) if row.path[-1] == ")" else row for row in rows])


def _without_mark(row: Mapping, taken: set[str]) -> Mapping:
    """Without the kernel's mark in the path, unless the file's successor is mapped, too."""
    name = row.path.removesuffix(DELETED)
    if name == row.path:
        return row
    return row._replace(path=row.path if name in taken else name, deleted=True)
