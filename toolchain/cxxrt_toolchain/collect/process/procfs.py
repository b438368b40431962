"""A running process as /proc shows it: frozen facts, read only.

What goes in: a process id. What comes out: `ProcessFacts`: who it is, its environment, and the
files that it has mapped. Where that cannot be had, an error says why (no such process, not ours
to look at, a zombie, a kernel thread, not Linux). Judges nothing and opens no mapped file.

Source: proc_pid_status(5), proc_pid_statm(5), proc_pid_root(5).
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.process.mappings import DELETED, read, read_code, read_files
from cxxrt_toolchain.errors import InputError, MissingToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.collect.process.mappings import MappedFile

_PROC = "/proc"
_STATUS = ("Name:", "State:", "VmSize:")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """One process, as it was when it was looked at."""

    pid: int
    executable: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    """As it was when the program started; empty where it may not be read."""
    root: str
    """What to put before a path of the kernel's to open the file here; empty in most cases."""
    chroot: str
    """The folder that is its root, as the kernel names it: what stands in the kernel's paths before
    a name that the process uses itself. Empty in most cases."""
    files: tuple[MappedFile, ...]
    """Those with code, in address order, which is not the load order."""


def read_process(pid: int) -> ProcessFacts:
    """Look at a process.

    Raises:
        InputError: There is no such process, or it has no address space of its own.
        MissingToolError: This is not Linux, or the process is not ours to look at.
    """
    if not sys.platform.startswith("linux") or not os.path.exists(f"{_PROC}/self"):  # noqa: PTH110 - a text
        raise MissingToolError(
            "A running process can only be looked at on Linux, with /proc mounted.",
            "Run the doctor where the process runs.",
        )
    place = f"{_PROC}/{pid}"
    with _explained(pid):
        _check_kind(pid, place)
        files = read_code(place)
        executable = os.readlink(f"{place}/exe").removesuffix(DELETED)  # noqa: PTH115 - a text
        arguments = _strings(read(f"{place}/cmdline"))
        if not files and not executable:
            raise ProcessLookupError
        root, chroot = _roots(place)
        return ProcessFacts(
            pid=pid,
            executable=executable,
            arguments=arguments,
            environment=_environment(place),
            root=root,
            chroot=chroot,
            files=files,
        )


def files_now(pid: int) -> tuple[MappedFile, ...]:
    """All files that are mapped now, with all of their mappings; none where a process has ended.

    Raises:
        MissingToolError: The process is not ours to look at.
    """
    try:
        return read_files(f"{_PROC}/{pid}")
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
