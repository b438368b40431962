"""What the doctor asks of an ELF file: its SONAME, its needs, and whether it exports libstdc++.

What goes in: a path. What comes out: ``ElfFacts``, or None for what is no little-endian 64-bit ELF
file with a dynamic section; ``Slots`` for the few files of which it is asked who serves them.
System V gABI chapters 4 and 5; the x86-64 and AArch64 psABIs for relocations. Needs no section
headers.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    _T = TypeVar("_T")

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_DYN = struct.Struct("<qQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_ELF64_LE = b"\x7fELF\x02\x01"
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_SONAME = 1, 4, 5, 6, 14
_DT_GNU_HASH = 0x6FFFFEF5
_RELA = struct.Struct("<QQq")
_RELOCATIONS = ((7, 8, 0x6FFFFFF9), (23, 2, 0))
"""DT_RELA, DT_RELASZ and DT_RELACOUNT of those that name no symbol; DT_JMPREL and DT_PLTRELSZ, of
which all do (DT_NULL is 0)."""
_ADDRESSES = {62: (1, 6, 7), 183: (257, 1025, 1026)}
"""By machine: R_*_64/ABS64, GLOB_DAT and JUMP_SLOT, whose word becomes the symbol's address."""
_STV_DEFAULT = 0
_STB_LOCAL = 0

_CORE = frozenset({b"_ZNSt6locale7classicEv", b"_ZNSt6locale5_ImplD1Ev", b"_ZNSt6localeC1Ev"})
"""Functions that only libstdc++ itself defines; who exports one has a copy of it inside."""


@dataclass(frozen=True)
class ElfFacts:
    """The facts of one file."""

    soname: str
    needed: tuple[str, ...]
    exports_libstdcxx: bool
    """Defines core functions of libstdc++ with default visibility."""


@dataclass(frozen=True)
class Slots:
    """Addresses in one file, before its load address is added."""

    start: int
    end: int
    """Of its memory."""
    words: tuple[int, ...]
    """Which receive the addresses of the functions that were asked for."""


class _Image:
    """The bytes of one file, addressed as they are mapped."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self.data = data
        header = _HEADER.unpack_from(data)
        self.machine = int(header[2])
        segments = [
            _SEGMENT.unpack_from(data, header[5] + i * header[9]) for i in range(header[10])
        ]
        self.loads = [(s[3], s[2], s[5]) for s in segments if s[0] == _PT_LOAD]
        self.end = max((s[3] + s[6] for s in segments if s[0] == _PT_LOAD), default=0)
        dynamic = next(((s[2], s[5]) for s in segments if s[0] == _PT_DYNAMIC), None)
        self.dynamic: list[tuple[int, int]] = []
        if dynamic is not None:
            self.dynamic = [
                (int(tag), int(value))
                for tag, value in _DYN.iter_unpack(data[dynamic[0] : sum(dynamic)])
            ]

    def offset(self, address: int) -> int:
        start, offset, _ = next(row for row in self.loads if row[0] <= address < row[0] + row[2])
        return int(offset) + address - int(start)

    def value(self, tag: int) -> int:
        return next((value for name, value in self.dynamic if name == tag), 0)

    def string(self, at: int) -> bytes:
        start = self.offset(self.value(_DT_STRTAB)) + at
        return bytes(self.data[start : self.data.find(b"\0", start)])

    def symbol_count(self) -> int:
        if self.value(_DT_HASH):
            at = self.offset(self.value(_DT_HASH)) + 4
            return int.from_bytes(self.data[at : at + 4], "little")
        if not self.value(_DT_GNU_HASH):
            return 0
        at = self.offset(self.value(_DT_GNU_HASH))
        buckets, first, bloom, _ = struct.unpack_from("<IIII", self.data, at)
        at += 16 + 8 * bloom
        last = max(struct.unpack_from(f"<{buckets}I", self.data, at), default=0)
        if last < first:
            return int(first)
        chain = at + 4 * buckets
        while not struct.unpack_from("<I", self.data, chain + 4 * (last - first))[0] & 1:
            last += 1
        return int(last) + 1

    def exported(self) -> Iterator[bytes]:
        table = self.offset(self.value(_DT_SYMTAB))
        for index in range(1, self.symbol_count()):
            name, info, other, section, _, _ = _SYMBOL.unpack_from(self.data, table + 24 * index)
            if section and info >> 4 != _STB_LOCAL and other & 3 == _STV_DEFAULT:
                yield self.string(name)

    def needed_from(self, prefixes: tuple[bytes, ...]) -> Iterator[int]:
        """Words that receive the address of an undefined symbol of such a name."""
        kinds = _ADDRESSES.get(self.machine, ())
        table = self.offset(self.value(_DT_SYMTAB))
        for tag, size, skipped in _RELOCATIONS:
            if not self.value(tag):
                continue
            start = self.offset(self.value(tag))
            rows = self.data[start + 24 * self.value(skipped) : start + self.value(size)]
            for place, info, _ in _RELA.iter_unpack(rows):
                if info & 0xFFFFFFFF in kinds:
                    name, _, _, section, _, _ = _SYMBOL.unpack_from(
                        self.data, table + 24 * (info >> 32)
                    )
                    if not section and self.string(name).startswith(prefixes):
                        yield place


def read_slots(path: str, *prefixes: bytes) -> Slots | None:
    """Where a file expects functions of such names; None as for ``read_elf``."""
    return _read(
        path,
        lambda image: Slots(
            start=min((row[0] for row in image.loads), default=0),
            end=image.end,
            words=tuple(image.needed_from(prefixes)),
        ),
    )


def read_elf(path: str) -> ElfFacts | None:
    """Read a file's dynamic section and symbols; None for one that is gone or is no such ELF."""
    return _read(path, _facts)


def _facts(image: _Image) -> ElfFacts:
    soname = image.value(_DT_SONAME)
    needed = (image.string(value) for tag, value in image.dynamic if tag == _DT_NEEDED)
    return ElfFacts(
        soname=image.string(soname).decode() if soname else "",
        needed=tuple(name.decode() for name in needed),
        exports_libstdcxx=any(name in _CORE for name in image.exported()),
    )


def _read(path: str, take: Callable[[_Image], _T]) -> _T | None:
    try:
        with open(path, "rb") as file:
            if file.read(6) != _ELF64_LE:
                return None
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    with data:
        try:
            image = _Image(data)
            return take(image) if image.dynamic else None
        except (struct.error, StopIteration, UnicodeDecodeError):
            return None
