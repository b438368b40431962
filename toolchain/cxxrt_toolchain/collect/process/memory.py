"""The memory of another process, read only, and the loader's list of objects in it.

If the kernel denies access (another user's process, Yama's ptrace_scope), `open_memory` gives None.
Never stops, writes to or attaches to the process: what is read may be torn, so every length is
bounded.

Source: proc_pid_mem(5); glibc's <link.h> (struct r_debug, struct link_map); getauxval(3).
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from array import array

_AT_PHDR, _AT_PHENT, _AT_PHNUM, _AT_SYSINFO_EHDR = 3, 4, 5, 33
_PT_DYNAMIC, _PT_PHDR = 2, 6
_DT_DEBUG = 21
_PHDR = struct.Struct("=IIQQQQQQ")
_PAIR = struct.Struct("=QQ")
_LINK = struct.Struct("=QQQQ")
_WORD = 8
_LARGEST = 1 << 22
_OBJECTS = 1 << 14
_NEIGHBOURS = 2048
"""Bytes that are read for an entry of the loader's list: consecutive entries lie 1.2 KiB apart, or
far from each other."""


class LoadedEntry(NamedTuple):
    """One entry of the loader's list; its name is left out, because /proc has the real path."""

    base: int
    """``l_addr``: what is added to the addresses in the file."""
    dynamic: int
    """``l_ld``: the address of its dynamic section, which lies in a mapping of its file."""


class Memory:
    """An open ``/proc/PID/mem``."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, address: int, size: int) -> bytes:
        """At most ``size`` bytes at an address; empty if nothing is mapped there."""
        try:
            return os.pread(self._descriptor, size, address)
        except (OSError, OverflowError):
            return b""

    def word(self, address: int) -> int | None:
        """The 64-bit word at an address; None if nothing is mapped there."""
        data = self.read(address, _WORD)
        return int.from_bytes(data, "little") if len(data) == _WORD else None

    def gather(self, address: int, words: array[int]) -> list[int]:
        """The 64-bit words at rising numbers of words behind an address; 0 where none is mapped."""
        data = self.read(address, (words[-1] + 1) * _WORD)
        data += bytes((words[-1] + 1) * _WORD - len(data))
        return list(map(memoryview(data).cast("Q").__getitem__, words))


@contextmanager
def open_memory(pid: int) -> Iterator[Memory | None]:
    """A process's memory, open for reading; None if it may not be read."""
    try:
        descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield Memory(descriptor)
    finally:
        os.close(descriptor)


def load_order(pid: int, memory: Memory) -> tuple[LoadedEntry, ...]:
    """The loader's list: the program, then everything else as it was loaded, without the vDSO.

    Empty for a static program, a 32-bit one, and one that the loader has not started yet.
    """
    vector = _auxiliary(pid)
    head = _debug_head(vector, memory)
    vdso = vector.get(_AT_SYSINFO_EHDR)
    rows: dict[int, tuple[int, int]] = {}
    entry = memory.word(head + _WORD) if head else None
    start = end = 0
    piece = b""
    while entry and entry not in rows and len(rows) < _OBJECTS:
        if not start <= entry < end:
            start, piece = entry, memory.read(entry, _NEIGHBOURS)
            end = start + len(piece) - _LINK.size + 1
            if end <= start:
                break
        base, _, dynamic, following = _LINK.unpack_from(piece, entry - start)
        rows[entry] = base, dynamic
        entry = following
    return tuple([LoadedEntry(*row) for row in rows.values() if row[0] != vdso])


def _debug_head(vector: dict[int, int], memory: Memory) -> int | None:
    table, size, count = (vector.get(key, 0) for key in (_AT_PHDR, _AT_PHENT, _AT_PHNUM))
    if size != _PHDR.size or not table:
        return None
    data = memory.read(table, size * count)
    rows = list(_PHDR.iter_unpack(data[: len(data) - len(data) % size]))
    base = next((table - row[3] for row in rows if row[0] == _PT_PHDR), 0)
    for kind, _, _, address, _, _, length, _ in rows:
        if kind == _PT_DYNAMIC:
            section = memory.read(base + address, min(length, _LARGEST))
            pairs = _PAIR.iter_unpack(section[: len(section) - len(section) % _PAIR.size])
            return next((value for tag, value in pairs if tag == _DT_DEBUG), None)
    return None


def _auxiliary(pid: int) -> dict[int, int]:
    try:
        data = Path(f"/proc/{pid}/auxv").read_bytes()
    except OSError:
        return {}
    return dict(_PAIR.iter_unpack(data[: len(data) - len(data) % _PAIR.size]))


class AddressMap:
    """Which of some ranges an address lies in."""

    def __init__(self, ranges: Iterable[tuple[int, int, str]]) -> None:
        """Take ``(start, end, path)`` rows that do not overlap."""
        self._rows = sorted(ranges)
        self._starts = [row[0] for row in self._rows]

    def owner(self, address: int) -> str:
        """The path of the range that holds an address; empty if none does."""
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return ""
        _, end, path = self._rows[index]
        return path if address < end else ""
