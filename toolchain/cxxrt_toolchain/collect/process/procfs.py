"""A running process as /proc shows it: frozen facts, read only.

Judges nothing and opens no mapped file.

Source: proc_pid_maps(5), proc_pid_status(5), proc_pid_statm(5), proc_pid_root(5).
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from cxxrt_toolchain.errors import InputError, MissingToolError

_PROC = "/proc"
_STATUS = ("Name:", "State:", "VmSize:")
_DELETED = " (deleted)"
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


@dataclass(frozen=True, kw_only=True)
class ProcessFacts:
    """One process at one moment; without slots, because it caches what is mapped as code."""

    pid: int
    executable: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    """Its environment variables when the program started; empty if they may not be read."""
    root: str
    """Prefix of a path in /proc under which this process can open the file; usually empty."""
    chroot: str
    """The folder that is its root, as the kernel names it: prefix, in the kernel's paths, of a name
    that the process itself uses. Usually empty."""
    mappings: tuple[Mapping, ...]
    """In address order, which is not the load order."""

    @cached_property
    def code(self) -> tuple[Mapping, ...]:
        """The files that are mapped as code: the first such mapping of each, in address order."""
        return tuple(
            {each.path: each for each in reversed(self.mappings) if each.is_code}.values()
        )[::-1]


def read_process(pid: int) -> ProcessFacts:
    """The facts of a process.

    Raises:
        InputError: There is no such process, or it has no address space of its own.
        MissingToolError: This is not Linux, or /proc denies access to the process.
    """
    if not sys.platform.startswith("linux") or not os.path.exists(f"{_PROC}/self"):  # noqa: PTH110 - a text
        raise MissingToolError(
            "A running process can only be looked at on Linux, with /proc mounted.",
            "Run the doctor where the process runs.",
        )
    place = f"{_PROC}/{pid}"
    with _explained(pid):
        _check_kind(pid, place)
        mappings = parse_maps(read(f"{place}/maps"))
        executable = os.readlink(f"{place}/exe").removesuffix(_DELETED)  # noqa: PTH115 - a text
        arguments = _strings(read(f"{place}/cmdline"))
        if not mappings and not executable:
            raise ProcessLookupError
        root, chroot = _roots(place)
        return ProcessFacts(
            pid=pid,
            executable=executable,
            arguments=arguments,
            environment=_environment(place),
            root=root,
            chroot=chroot,
            mappings=mappings,
        )


def read(path: str) -> bytes:
    """The bytes of a file of /proc."""
    return Path(path).read_bytes()


def mappings_now(pid: int) -> tuple[Mapping, ...]:
    """The mappings of files; none if the process has ended.

    Raises `MissingToolError` if /proc denies access to the process.
    """
    try:
        return parse_maps(read(f"{_PROC}/{pid}/maps"))
    except (FileNotFoundError, ProcessLookupError):
        return ()
    except PermissionError as error:
        raise _forbidden(pid) from error


def _check_kind(pid: int, place: str) -> None:
    """Refuse what has no address space: its size in pages comes first in statm."""
    if not read(f"{place}/statm").startswith(b"0 "):
        return
    status = _status(place)
    name = status.get("Name", "")
    if status.get("State", "").startswith(("Z", "X")):
        raise InputError(
            f"Process {pid} ({name}) has ended and waits for its parent: nothing is loaded in it.",
            "Run the imports again: cxxrt doctor --import MODULE,...",
        )
    if "VmSize" not in status:
        raise InputError(f"{pid} ({name}) is a thread of the kernel: nothing is loaded in it.")


def _status(place: str) -> dict[str, str]:
    lines = os.fsdecode(read(f"{place}/status")).split("\n")
    rows = (line.partition(":") for line in lines if line.startswith(_STATUS))
    return {key: value.strip() for key, _, value in rows}


@contextmanager
def _explained(pid: int) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, ProcessLookupError) as error:
        alive = os.path.exists(f"{_PROC}/{pid}")  # noqa: PTH110 - a text
        reason = "ended while it was looked at" if alive else "does not exist, or has ended"
        raise InputError(f"Process {pid} {reason}.", "Look with: ps -e") from error
    except PermissionError as error:
        raise _forbidden(pid) from error


def _forbidden(pid: int) -> MissingToolError:
    return MissingToolError(
        f"Process {pid} is not yours to look at: /proc/{pid} may not be read.",
        "Run the doctor as the user that the process runs as, or as root.",
    )


def _strings(text: bytes) -> tuple[str, ...]:
    pieces = text.rstrip(b"\0").split(b"\0") if text else []
    return tuple(os.fsdecode(piece) for piece in pieces)


def _environment(place: str) -> dict[str, str]:
    try:
        rows = _strings(read(f"{place}/environ"))
    except PermissionError:
        return {}
    return {key: value for key, _, value in (row.partition("=") for row in rows) if key}


def _roots(place: str) -> tuple[str, str]:
    """``/proc/PID/root`` where the process sees other mounts than we do; its root among ours."""
    try:
        if os.readlink(f"{place}/ns/mnt") != os.readlink(f"{_PROC}/self/ns/mnt"):  # noqa: PTH115 - a text
            return f"{place}/root", ""
        return "", os.readlink(f"{place}/root").rstrip("/")  # noqa: PTH115 - a text
    except PermissionError:
        return "", ""


def parse_maps(text: bytes) -> tuple[Mapping, ...]:
    """The mappings of files, in address order.

    A line is ``start-end perms offset device inode path``. A path may hold spaces; a newline in it
    is written in octal.
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
    name = row.path.removesuffix(_DELETED)
    if name == row.path:
        return row
    return row._replace(path=row.path if name in taken else name, deleted=True)
