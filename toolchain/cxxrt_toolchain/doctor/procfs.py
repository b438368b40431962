"""A running process as /proc shows it: frozen facts, read only.

What goes in: a process id. What comes out: `ProcessFacts`: who it is, its environment, and the
files that it has mapped. Where that cannot be had, an error says why (no such process, not ours
to look at, a zombie, a kernel thread, not Linux). Judges nothing and opens no mapped file.

Source: proc_pid_maps(5), proc_pid_status(5), proc_pid_root(5).
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.errors import InputError, MissingToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC = Path("/proc")
_DELETED = " (deleted)"
_STATUS = ("Name:", "State:", "VmSize:")


class MappedFile(NamedTuple):
    """One file in the address space; a named tuple, because a process has hundreds of them."""

    path: str
    """As the process sees it, without the kernel's ``(deleted)``."""
    start: int
    end: int
    """The end of its last mapping."""
    is_code: bool
    """Whether a piece of it may be executed."""
    deleted: bool
    """Removed or replaced on disk since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """One process, as it was when it was looked at."""

    pid: int
    executable: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    """As it was when the program started; empty where it may not be read."""
    root: str
    """What to put before a path of the process to open the file here; empty in most cases."""
    files: tuple[MappedFile, ...]
    """In address order, which is not the load order."""


def read_process(pid: int) -> ProcessFacts:
    """Look at a process.

    Raises:
        InputError: There is no such process, or it has no address space of its own.
        MissingToolError: This is not Linux, or the process is not ours to look at.
    """
    if not sys.platform.startswith("linux") or not (_PROC / "self").exists():
        raise MissingToolError(
            "A running process can only be looked at on Linux, with /proc mounted.",
            "Run the doctor where the process runs.",
        )
    place = _PROC / str(pid)
    with _explained(pid):
        status = _status(place)
        _check_kind(pid, status)
        files = parse_maps((place / "maps").read_bytes())
        executable = str((place / "exe").readlink()).removesuffix(_DELETED)
        arguments = _strings((place / "cmdline").read_bytes())
        if not files and not executable:
            raise ProcessLookupError
        return ProcessFacts(
            pid=pid,
            executable=executable,
            arguments=arguments,
            environment=_environment(place),
            root=_root(place),
            files=files,
        )


def read_files(pid: int) -> tuple[MappedFile, ...]:
    """Only what is mapped now; empty for a process that has ended.

    Raises:
        MissingToolError: The process is not ours to look at.
    """
    try:
        return parse_maps((_PROC / str(pid) / "maps").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return ()
    except PermissionError as error:
        raise _forbidden(pid) from error


def parse_maps(text: bytes) -> tuple[MappedFile, ...]:
    """``/proc/PID/maps`` to one row per run of mappings of a file; what has no path is left out.

    A line is ``start-end perms offset device inode path``; the path may hold spaces, and a
    newline in it is written in octal.
    """
    found: list[MappedFile] = []
    path, first, last, code = b"", b"", b"", False
    for line in text.splitlines():
        slash = line.find(b"/")
        if slash < 0:
            continue
        name = line[slash:]
        if name != path:
            if path:
                found.append(_row(path, first, last, code))
            path, first, code = name, line, False
        last = line
        if not code and line.find(b"x", 0, slash) > 0:  # only the permissions may have an x
            code = True
    if path:
        found.append(_row(path, first, last, code))
    return _joined(found)


def _row(path: bytes, first: bytes, last: bytes, code: bool) -> MappedFile:
    name = os.fsdecode(path)
    if "\\012" in name:
        name = name.replace("\\012", "\n")
    deleted = name.endswith(_DELETED)
    return MappedFile(
        name[: -len(_DELETED)] if deleted else name,
        int(first[: first.index(b"-")], 16),
        int(last[last.index(b"-") + 1 : last.index(b" ")], 16),
        code,
        deleted,
    )


def _joined(rows: list[MappedFile]) -> tuple[MappedFile, ...]:
    """One row per file, where something anonymous or another file lies between its pieces."""
    merged: dict[str, MappedFile] = {}
    for row in rows:
        key = f"{row.path}{_DELETED}" if row.deleted else row.path
        known = merged.get(key)
        if known is not None:
            row = known._replace(end=row.end, is_code=known.is_code or row.is_code)  # noqa: PLW2901 - joined
        merged[key] = row
    for key, row in merged.items():
        if row.deleted and row.path in merged:  # and its successor is mapped, too
            merged[key] = row._replace(path=key)
    return tuple(merged.values())


def _status(place: Path) -> dict[str, str]:
    lines = (place / "status").read_text(encoding="utf-8", errors="replace").split("\n")
    rows = (line.partition(":") for line in lines if line.startswith(_STATUS))
    return {key: value.strip() for key, _, value in rows}


def _check_kind(pid: int, status: dict[str, str]) -> None:
    name = status.get("Name", "")
    if status.get("State", "").startswith(("Z", "X")):
        raise InputError(
            f"Process {pid} ({name}) has ended and waits for its parent: nothing is loaded in it.",
            "Run the imports again: cxxrt doctor --import MODULE,...",
        )
    if "VmSize" not in status:
        raise InputError(f"{pid} ({name}) is a thread of the kernel: nothing is loaded in it.")


@contextmanager
def _explained(pid: int) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, ProcessLookupError) as error:
        alive = (_PROC / str(pid)).exists()
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


def _environment(place: Path) -> dict[str, str]:
    try:
        rows = _strings((place / "environ").read_bytes())
    except PermissionError:
        return {}
    return {key: value for key, _, value in (row.partition("=") for row in rows) if key}


def _root(place: Path) -> str:
    """``/proc/PID/root`` where the process sees another file system than we do."""
    try:
        same = (place / "ns/mnt").readlink() == (_PROC / "self/ns/mnt").readlink()
        return "" if same and str((place / "root").readlink()) == "/" else str(place / "root")
    except PermissionError:
        return ""
