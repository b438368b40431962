"""The hash values of the names that an object exports, without reading a name.

What goes in: an image and its dynamic section. What comes out: `NameHashes`, as the linker wrote
them into the GNU hash table, so that the names of two objects can be compared by the ten thousand.
Two names may have one value; one name has one value in all objects.

Source: glibc's elf/dl-lookup.c and sysdeps/generic/dl-hash.h; binutils' bfd/elflink.c.
"""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.elf import dynamic as dt
from cxxrt_toolchain.elf.lookup import gnu_hash
from cxxrt_toolchain.elf.symbols import count_gnu_hashed

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.dynamic import Dynamic
    from cxxrt_toolchain.elf.image import ElfImage

_LAST = 1
"""The bit of a value in the table that says that it ends a chain; it is lost to the hash."""
_WORD = 4
_ESCAPE = re.compile(r"\\x([89a-f][0-9a-f])")


class NameHashes(NamedTuple):
    """Of the symbols from one number on, one value each."""

    first: int
    """The number, in the dynamic symbol table, of the first symbol that has a value."""
    values: array[int]
    """As `hash_of` gives them; 0 for a symbol that nothing can be bound to."""

    def of(self, symbol: int) -> int | None:
        """The value of a symbol, by its number; None where the table does not cover it."""
        index = symbol - self.first
        return self.values[index] if 0 <= index < len(self.values) else None


def hash_of(name: str) -> int:
    """The value of a name, in which bytes that are no UTF-8 are escaped, as strings come out."""
    if "\\x" in name:
        name = _ESCAPE.sub(lambda match: chr(0xDC00 + int(match[1], 16)), name)
    return gnu_hash(name) | _LAST


def read_name_hashes(image: ElfImage, dynamic: Dynamic) -> NameHashes:
    """Of everything that the loader finds in the object; from names where it has an old table.

    Raises:
        ElfError: The tables cannot be read.
    """
    if dynamic.get(dt.DT_SYMTAB) is None:
        return NameHashes(0, array("I"))
    start = dynamic.get(dt.DT_GNU_HASH)
    if start is not None:
        return _from_table(image, start)
    return _from_names(image, dynamic)


def _from_table(image: ElfImage, start: int) -> NameHashes:
    head = image.layout("IIII")
    what = "the GNU hash table"
    buckets, first, words, _ = head.unpack(image.read_at(start, head.size, what))
    count = max(count_gnu_hashed(image, start) - first, 0)
    if not count:
        return NameHashes(first, array("I"))
    chains = start + head.size + words * (image.header.bits // 8) + buckets * _WORD
    values = image.layout(f"{count}I").unpack(image.read_at(chains, count * _WORD, what))
    return NameHashes(first, array("I", map(_LAST.__or__, values)))


def _from_names(image: ElfImage, dynamic: Dynamic) -> NameHashes:
    old = dynamic.get(dt.DT_HASH)
    if old is None:
        return NameHashes(0, array("I"))
    head = image.layout("II")
    _, count = head.unpack(image.read_at(old, head.size, "the hash table"))
    if count > image.limits.symbols:
        raise image.error(f"{count} dynamic symbols, more than {image.limits.symbols}")
    entry = image.layout("I2xH16x", "I10xH")
    start = dynamic.require(dt.DT_SYMTAB, "DT_SYMTAB")
    table = image.read_at(start, count * entry.size, "the dynamic symbol table")
    rows = list(entry.iter_unpack(table))
    names = iter(dynamic.strings.many([name for name, section in rows if section], "a name"))
    return NameHashes(0, array("I", (hash_of(next(names)) if row[1] else 0 for row in rows)))
