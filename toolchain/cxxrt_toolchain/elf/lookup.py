"""Single dynamic symbols by name, without reading the whole table.

Definitions are found as the loader finds them: through the GNU hash table, or through the System V
one where there is no other. Source: glibc's elf/dl-lookup.c (do_lookup_x); gABI chapter 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.elf import dynamic as dt
from cxxrt_toolchain.elf.references import STB_GNU_UNIQUE

if TYPE_CHECKING:
    from struct import Struct

    from cxxrt_toolchain.elf.dynamic import Dynamic
    from cxxrt_toolchain.elf.image import ElfImage

_WORD = 4
_AT_ONCE = 1 << 16


class Definition(NamedTuple):
    """Where an object defines a symbol."""

    address: int
    """``st_value``, before the load address is added."""
    size: int
    is_unique: bool = False
    """Whether it is ``STB_GNU_UNIQUE``: the loader makes one of all that it finds."""


def find_definitions(
    image: ElfImage, dynamic: Dynamic, names: Iterable[str]
) -> dict[str, Definition]:
    """The definitions of those of the names that the object exports."""
    if dynamic.get(dt.DT_SYMTAB) is None:
        return {}
    table = _GnuTable(image, dynamic) if dynamic.get(dt.DT_GNU_HASH) else _OldTable(image, dynamic)
    found = {}
    for name in table.possible(names):
        for index in table.candidates(name):
            definition = _definition(image, dynamic, index, name)
            if definition is not None:
                found[name] = definition
                break
    return found


def _definition(image: ElfImage, dynamic: Dynamic, index: int, name: str) -> Definition | None:
    entry = image.layout("IBBHQQ", "IIIBBH")
    start = dynamic.require(dt.DT_SYMTAB, "DT_SYMTAB")
    row = entry.unpack(image.read_at(start + index * entry.size, entry.size, "a dynamic symbol"))
    if image.wide:
        text, info, _, section, value, size = row
    else:
        text, value, size, info, _, section = row
    if not section or dynamic.strings.at(text, "a symbol's name") != name:
        return None
    return Definition(value, size, info >> 4 == STB_GNU_UNIQUE)


class _GnuTable:
    """``DT_GNU_HASH``: a filter that knows most absent names, then buckets, then chains."""

    def __init__(self, image: ElfImage, dynamic: Dynamic) -> None:
        self._image = image
        self._what = "the GNU hash table"
        start = dynamic.require(dt.DT_GNU_HASH, "DT_GNU_HASH")
        head = image.layout("IIII")
        self._count, self._first, self._filters, self._shift = head.unpack(
            image.read_at(start, head.size, self._what)
        )
        if self._count > image.limits.symbols or self._filters > image.limits.symbols:
            raise image.error(
                f"{self._what} claims {self._count} buckets, {self._filters} filter words"
            )
        self._start = start + head.size
        self._bits = image.header.bits
        self._buckets = self._filters * (self._bits // 8)
        size = self._buckets + self._count * _WORD
        self._chains = self._start + size
        self._filter_word, self._word = image.layout("Q", "I"), image.layout("I")
        # Small in all but a few objects; else it is read word by word.
        self._data = image.read_at(self._start, size, self._what) if size <= _AT_ONCE else None

    def possible(self, names: Iterable[str]) -> Iterable[str]:
        bits, filters, shift = self._bits, self._filters, self._shift
        if not self._count or not filters:
            return names if self._count else ()
        size, read, layout = self._filter_word.size, self._read, self._filter_word
        found = []
        for name in names:
            wanted = gnu_hash(name)
            word = read(layout, wanted // bits % filters * size)
            if word >> wanted % bits & word >> (wanted >> shift) % bits & 1:
                found.append(name)
        return found

    def candidates(self, name: str) -> Iterable[int]:
        wanted = gnu_hash(name)
        index = self._read(self._word, self._buckets + wanted % self._count * _WORD)
        if index < self._first:
            return
        for position in range(index, self._image.limits.symbols):
            address = self._chains + (position - self._first) * _WORD
            (value,) = self._word.unpack(self._image.read_at(address, _WORD, self._what))
            if (value ^ wanted) >> 1 == 0:
                yield position
            if value & 1:
                return
        raise self._image.error(f"a chain of {self._what} never ends")

    def _read(self, layout: Struct, offset: int) -> int:
        if self._data is not None:
            return int(layout.unpack_from(self._data, offset)[0])
        data = self._image.read_at(self._start + offset, layout.size, self._what)
        return int(layout.unpack(data)[0])


@cache
def gnu_hash(name: str) -> int:
    """dl_new_hash of glibc; the same few names are looked up in every object."""
    value = 5381
    for byte in name.encode("utf-8", "surrogatepass"):
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


class _OldTable:
    """``DT_HASH``: buckets and chains, without a filter."""

    def __init__(self, image: ElfImage, dynamic: Dynamic) -> None:
        self._image = image
        self._what = "the hash table"
        start = dynamic.get(dt.DT_HASH)
        self._buckets: tuple[int, ...] = ()
        self._chains: tuple[int, ...] = ()
        if start is None:
            return
        head = image.layout("II")
        buckets, chains = head.unpack(image.read_at(start, head.size, self._what))
        if buckets > image.limits.symbols or chains > image.limits.symbols:
            raise image.error(f"{self._what} claims {buckets} buckets and {chains} chains")
        size = (buckets + chains) * _WORD
        data = image.read_at(start + head.size, size, self._what)
        words = image.layout(f"{buckets + chains}I").unpack(data)
        self._buckets, self._chains = words[:buckets], words[buckets:]

    def possible(self, names: Iterable[str]) -> Iterable[str]:
        return names if self._buckets else ()

    def candidates(self, name: str) -> Iterable[int]:
        value = 0
        for byte in name.encode("utf-8", "surrogatepass"):
            value = (value << 4) + byte
            value = (value ^ ((value & 0xF0000000) >> 24)) & 0x0FFFFFFF
        index = self._buckets[value % len(self._buckets)]
        for _ in self._chains:
            if not index:
                return
            yield index
            if index >= len(self._chains):
                raise self._image.error(f"{self._what} points outside itself")
            index = self._chains[index]
