"""The dynamic symbol table, with the version of each symbol.

The table's length stands nowhere in the dynamic section: ``DT_HASH`` has it, ``DT_GNU_HASH``
implies it, and where GNU ld left the hash table empty (no exported symbol) the relocations name
every undefined symbol that is used.

Source: gABI chapter 4, "Symbol Table"; the GNU hash table: glibc's elf/dl-lookup.c and binutils'
bfd/elflink.c (an empty table is written with one empty bucket and ``symndx`` 1).
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from cxxrt_toolchain.elf import dynamic as dt
from cxxrt_toolchain.elf.facts import Binding, DynamicSymbol, SymbolGroup, SymbolType
from cxxrt_toolchain.elf.versions import VERSYM_HIDDEN, Versions

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.dynamic import Dynamic
    from cxxrt_toolchain.elf.image import ElfImage

_LOCAL = 0
_BINDINGS = {_LOCAL: Binding.LOCAL, 1: Binding.GLOBAL, 2: Binding.WEAK, 10: Binding.UNIQUE}
_TYPES = {
    0: SymbolType.NOTYPE,
    1: SymbolType.OBJECT,
    2: SymbolType.FUNC,
    6: SymbolType.TLS,
    10: SymbolType.IFUNC,
}
_INFO = tuple(
    (_BINDINGS.get(info >> 4, Binding.OTHER), _TYPES.get(info & 15, SymbolType.OTHER))
    for info in range(256)
)
"""Binding and type, by ``st_info``."""
_VISIBLE = (True, False, False, True)
"""``STV_DEFAULT``, ``STV_INTERNAL``, ``STV_HIDDEN``, ``STV_PROTECTED``."""
_CHAIN_BLOCK = 4096
_WORD = 4
"""Bytes of an entry of a bucket or a chain."""
_ET_EXEC = 2


def read_symbols(
    image: ElfImage, dynamic: Dynamic, versions: Versions
) -> tuple[DynamicSymbol, ...]:
    """All dynamic symbols, without the reserved first one."""
    count = _count(image, dynamic) if dynamic.get(dt.DT_SYMTAB) is not None else 0
    return _read(image, dynamic, versions, count)


def read_undefined(
    image: ElfImage, dynamic: Dynamic, versions: Versions
) -> tuple[DynamicSymbol, ...]:
    """The symbols that others have to define.

    A GNU hash table covers the end of the symbol table, and linkers of shared objects put undefined
    symbols before it. Without one, and in programs, whose undefined functions may have an address
    to be found by, the whole symbol table is read.
    """
    found = _read(image, dynamic, versions, _count_undefined(image, dynamic))
    return tuple(symbol for symbol in found if not symbol.defined)


def read_versioned_names(image: ElfImage, dynamic: Dynamic, versions: Versions) -> tuple[str, ...]:
    """The names of those symbols that others have to define under a version."""
    entry = image.layout("I2xH16x", "I10xH")
    table, indices = _table(image, dynamic, entry.size, _count_undefined(image, dynamic))
    known = versions.by_index
    offsets = [
        name
        for (name, section), index in zip(entry.iter_unpack(table), indices, strict=True)
        if not section and index & ~VERSYM_HIDDEN in known
    ]
    return dynamic.strings.many(offsets, "a symbol's name")


def _count_undefined(image: ElfImage, dynamic: Dynamic) -> int:
    """How many symbols, the reserved first one included, hold all undefined ones."""
    if dynamic.get(dt.DT_SYMTAB) is None:
        return 0
    gnu = None if is_program(image, dynamic) else dynamic.get(dt.DT_GNU_HASH)
    count = _gnu_first(image, gnu) if gnu is not None else 0
    return count or _count(image, dynamic)


def is_program(image: ElfImage, dynamic: Dynamic) -> bool:
    """Whether it is linked to be executed: at a fixed address, or position-independent."""
    return image.header.type == _ET_EXEC or bool((dynamic.get(dt.DT_FLAGS_1) or 0) & dt.DF_1_PIE)


def _gnu_first(image: ElfImage, address: int) -> int:
    """The first hashed symbol; 0 where the table is empty, which GNU ld writes as 1."""
    head = image.layout("IIII")
    what = "the GNU hash table"
    _, first, _, _ = head.unpack(image.read_at(address, head.size, what))
    return int(first) if first > 1 else 0


def _read(
    image: ElfImage, dynamic: Dynamic, versions: Versions, count: int
) -> tuple[DynamicSymbol, ...]:
    entry = image.layout("IBBHQQ", "IIIBBH")
    table, indices = _table(image, dynamic, entry.size, count)
    if not indices:
        return ()
    rows = entry.iter_unpack(table)
    if not image.wide:
        rows = (
            (name, info, other, section, value, size)
            for name, value, size, info, other, section in rows
        )
    text, lookup, nothing = dynamic.strings.at, versions.by_index.get, (None, None)
    symbols = []
    for (name, info, other, section, value, size), index in zip(rows, indices, strict=True):
        version, soname = lookup(index & ~VERSYM_HIDDEN, nothing)
        binding, kind = _INFO[info]
        defined = section != 0
        symbols.append(
            DynamicSymbol(  # by position, in a loop that makes up to a million of them
                text(name, "a symbol's name"),
                version,
                None if defined else soname,
                defined,
                defined and version is not None and not index & VERSYM_HIDDEN,
                binding,
                kind,
                _VISIBLE[other & 3],
                size,
                value,
            )
        )
    return tuple(symbols)


def read_groups(image: ElfImage, dynamic: Dynamic, versions: Versions) -> Iterator[SymbolGroup]:
    """The dynamic symbols that take part in binding between objects, by what they are.

    A group comes in several parts where it has many names: a million of them are 250 MB.
    """
    entry = image.layout("IBBH16x", "I8xBBH")
    count = _count(image, dynamic) if dynamic.get(dt.DT_SYMTAB) is not None else 0
    table, indices = _table(image, dynamic, entry.size, count)
    found: dict[tuple[int, int, bool, int], array[int]] = defaultdict(partial(array, "I"))
    for (name, info, other, section), index in zip(entry.iter_unpack(table), indices, strict=True):
        found[info >> 4, other & 3, section != 0, index & ~VERSYM_HIDDEN].append(name)
    del table, indices
    binding = {
        key: offsets
        for key, offsets in found.items()
        if key[0] != _LOCAL and (_VISIBLE[key[1]] or not key[2])
    }
    if not binding:
        return
    for (bound, _, defined, index), names in dynamic.strings.batches(binding, "a symbol's name"):
        version, soname = versions.by_index.get(index, (None, None))
        kind = _BINDINGS.get(bound, Binding.OTHER)
        yield SymbolGroup(defined, kind, version, None if defined else soname, names)


def _table(
    image: ElfImage, dynamic: Dynamic, entry: int, count: int
) -> tuple[memoryview, tuple[int, ...]]:
    """The bytes of all symbols and their version indices, without the reserved first one."""
    if count <= 1:
        return memoryview(b""), ()
    if count > image.limits.symbols:
        raise image.error(f"{count} dynamic symbols, more than {image.limits.symbols}")
    address = dynamic.require(dt.DT_SYMTAB, "DT_SYMTAB")
    table = memoryview(image.read_at(address, count * entry, "the dynamic symbol table"))
    versions = dynamic.get(dt.DT_VERSYM)
    if versions is None:
        return table[entry:], (1,) * (count - 1)
    indices = image.read_at(versions, count * 2, "the symbol versions")
    return table[entry:], image.layout(f"{count}H").unpack(indices)[1:]


def _count(image: ElfImage, dynamic: Dynamic) -> int:
    plain = dynamic.get(dt.DT_HASH)
    if plain is not None:
        # s390x and alpha have 64-bit entries here; both also have a GNU hash table today.
        head = image.layout("II")
        _, chains = head.unpack(image.read_at(plain, head.size, "the hash table"))
        return int(chains)
    gnu = dynamic.get(dt.DT_GNU_HASH)
    if gnu is None:
        return _relocated(image, dynamic)
    hashed = count_gnu_hashed(image, gnu)
    return hashed or _relocated(image, dynamic)


def count_gnu_hashed(image: ElfImage, address: int) -> int:
    """One more than the last hashed symbol; 0 where all buckets are empty."""
    what = "the GNU hash table"
    head = image.layout("IIII")
    buckets, first, words, _ = head.unpack(image.read_at(address, head.size, what))
    if buckets > image.limits.symbols or words > image.limits.symbols:
        raise image.error(f"{what} claims {buckets} buckets and {words} filter words")
    start = address + head.size + words * (image.header.bits // 8)
    last = max(
        image.layout(f"{buckets}I").unpack(image.read_at(start, buckets * _WORD, what)), default=0
    )
    if last == 0:
        return 0
    if last >= image.limits.symbols:
        raise image.error(f"{last + 1} dynamic symbols, more than {image.limits.symbols}")
    if last < first:
        raise image.error(f"{what} has a bucket for symbol {last}, but starts at {first}")
    start += (buckets + last - first) * _WORD
    while last <= image.limits.symbols:
        block = image.available(start, _CHAIN_BLOCK, what)
        words = len(block) // _WORD
        for value in image.layout(f"{words}I").unpack_from(block):
            last += 1
            if value & 1:
                return last
        if len(block) < _CHAIN_BLOCK:
            break
        start += len(block)
    raise image.error(f"the last chain of {what} never ends")


def _relocated(image: ElfImage, dynamic: Dynamic) -> int:
    """One more than the highest symbol that a relocation names."""
    tables = [(dt.DT_RELA, dt.DT_RELASZ, True), (dt.DT_REL, dt.DT_RELSZ, False)]
    tables.append((dt.DT_JMPREL, dt.DT_PLTRELSZ, dynamic.get(dt.DT_PLTREL) == dt.DT_RELA))
    shift = 32 if image.wide else 8
    highest = 0
    for start, size, addend in tables:
        address, length = dynamic.get(start), dynamic.get(size)
        if address is None or not length:
            continue
        entry = image.layout("QQq" if addend else "QQ", "IIi" if addend else "II")
        data = image.read_at(address, length - length % entry.size, "the relocations")
        rows = entry.iter_unpack(data)
        highest = max(highest, max((row[1] >> shift for row in rows), default=0))
    return highest + 1
