"""The places where an object refers to symbols that it also defines: its own, unless interposed.

For each exported definition that the object refers to through its tables, `OwnReferences` has one
address whose content says, in a running process, which definition won; `read_imports` has those of
symbols that it does not define. Relative relocations (and so all of DT_RELR) name no symbol.

Source: gABI chapter 4, "Relocation"; the x86-64 and AArch64 psABIs for the types. Addends are left
out: they never lead from one object into another.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.elf import dynamic as dt

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.dynamic import Dynamic
    from cxxrt_toolchain.elf.image import ElfImage

DT_RELACOUNT = 0x6FFFFFF9
_EM_X86_64, _EM_AARCH64 = 62, 183
# R_*_64/ABS64, GLOB_DAT, JUMP_SLOT: the word becomes the symbol's address.
_ADDRESSES = {_EM_X86_64: (1, 6, 7), _EM_AARCH64: (257, 1025, 1026)}
# R_*_DTPMOD64: the word becomes the TLS module id of the object that defines the symbol. AArch64
# compilers use TLS descriptors (1031) instead, which only the loader can read.
_MODULES = {_EM_X86_64: 16, _EM_AARCH64: 1028}
_RELOCATION = 24
"""Bytes of ``Elf64_Rela``: r_offset, type, symbol, addend."""
_SYMBOL = 24
"""Bytes of an entry of the dynamic symbol table of a 64-bit object."""
_STV_DEFAULT = 0
_LOCAL = 0
STB_GNU_UNIQUE = 10
_OBJECT = 1
_NAME = "a symbol's name"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReferences:
    """One place per own definition, by rising place; the arrays have one length."""

    places: array[int]
    """Addresses before the load address is added."""
    symbols: array[int]
    """Numbers of the own definitions in the dynamic symbol table; `read_definitions` reads them."""
    modules: tuple[tuple[int, str], ...]
    """Places that receive a TLS module id, with the name of the own thread-local variable."""
    own_module: int | None
    """A place that receives the object's own TLS module id for certain, if there is one."""


class OwnDefinition(NamedTuple):
    """An entry of the dynamic symbol table."""

    name: str
    address: int
    size: int
    is_unique: bool
    """Whether it is ``STB_GNU_UNIQUE``, which is shared on purpose."""
    is_object: bool
    """Whether it is ``STT_OBJECT``: a variable, a vtable, a type's information."""


NO_REFERENCES = OwnReferences(places=array("Q"), symbols=array("I"), modules=(), own_module=None)


def read_references(image: ElfImage, dynamic: Dynamic) -> OwnReferences:
    """The references of an object for x86_64 or aarch64 to its own definitions; none for others."""
    if not _is_known(image) or dynamic.get(dt.DT_SYMTAB) is None:
        return NO_REFERENCES
    machine = image.header.machine
    found = relocations(image, dynamic)
    places = _first_places(found, frozenset(_ADDRESSES[machine]))
    places.pop(0, None)
    modules = _first_places(found, frozenset({_MODULES[machine]}))
    own_module = modules.pop(0, None)
    exported = _exported(image, dynamic, (*places, *modules))
    own = {place: symbol for symbol, place in places.items() if symbol in exported}
    ordered = sorted(own)
    names = _symbols(image, dynamic, modules)
    return OwnReferences(
        places=array("Q", ordered),
        symbols=array("I", [own[place] for place in ordered]),
        modules=tuple(
            (place, dynamic.strings.at(names(symbol)[0], _NAME))
            for symbol, place in modules.items()
            if symbol in exported
        ),
        own_module=own_module,
    )


def _is_known(image: ElfImage) -> bool:
    header = image.header
    return header.machine in _ADDRESSES and image.wide and header.little_endian


def _first_places(found: Relocations, kinds: frozenset[int]) -> dict[int, int]:
    """Symbol to the place of its first relocation of some types."""
    rows = zip(reversed(found.symbols), reversed(found.places), strict=True)
    return dict(compress(rows, map(kinds.__contains__, reversed(found.kinds))))


def read_imports(
    image: ElfImage, dynamic: Dynamic, wanted: Callable[[str], bool]
) -> tuple[int, ...]:
    """One place of each wanted symbol that an x86_64 or aarch64 object lacks, sorted."""
    if not _is_known(image) or dynamic.get(dt.DT_SYMTAB) is None:
        return ()
    kinds = frozenset(_ADDRESSES[image.header.machine])
    places = _first_places(relocations(image, dynamic), kinds)
    places.pop(0, None)
    rows = _symbols(image, dynamic, places)
    return tuple(
        sorted(
            place
            for symbol, place in places.items()
            if not rows(symbol)[3] and wanted(dynamic.strings.at(rows(symbol)[0], _NAME))
        )
    )


def _symbols(
    image: ElfImage, dynamic: Dynamic, numbers: Collection[int]
) -> Callable[[int], tuple[int, ...]]:
    """A function that gives entries of the dynamic symbol table, at least those of some numbers."""
    entry = image.layout("IBBHQQ")
    table = _symbol_table(image, dynamic, numbers)
    return lambda symbol: entry.unpack_from(table, symbol * entry.size)


def _symbol_table(image: ElfImage, dynamic: Dynamic, numbers: Collection[int]) -> bytes:
    """The dynamic symbol table up to the highest of some numbers."""
    highest = max(numbers, default=0)
    if highest >= image.limits.symbols:
        raise image.error(f"a relocation names symbol {highest}")
    start = dynamic.require(dt.DT_SYMTAB, "DT_SYMTAB")
    return image.read_at(start, (highest + 1) * _SYMBOL, "the dynamic symbol table")


class Relocations(NamedTuple):
    """The columns of relocations with addends, of one length."""

    places: array[int]
    """``r_offset``."""
    kinds: array[int]
    symbols: array[int]
    """Numbers in the dynamic symbol table; 0 for none."""


def relocations(image: ElfImage, dynamic: Dynamic) -> Relocations:
    """``DT_RELA`` without its relative head, then ``DT_JMPREL``; of a 64-bit little-endian object.

    In this order, because a jump slot that is bound lazily still points into its own object. In
    columns, because a library has a million of them and a loop in Python takes a second.
    """
    data = b""
    relative = dynamic.get(DT_RELACOUNT) or 0
    for tag, size_tag, skipped in (
        (dt.DT_RELA, dt.DT_RELASZ, relative * _RELOCATION),
        (dt.DT_JMPREL, dt.DT_PLTRELSZ, 0),
    ):
        address, size = dynamic.get(tag), dynamic.get(size_tag) or 0
        size -= min(skipped, size)
        size -= size % _RELOCATION
        if address is not None and size:
            data += image.read_at(address + skipped, size, "the relocations")
    wide, narrow = array("Q", data), array("I", data)
    if sys.byteorder == "big":
        wide.byteswap()
        narrow.byteswap()
    return Relocations(wide[0::3], narrow[2::6], narrow[3::6])


def _exported(image: ElfImage, dynamic: Dynamic, symbols: Collection[int]) -> frozenset[int]:
    """Those symbols that the object defines and that others can take the place of."""
    table = _symbol_table(image, dynamic, symbols)
    # Columns are slices of the bytes: a library has a hundred thousand symbols.
    kinds, visibilities = table[4::_SYMBOL], table[5::_SYMBOL]
    low, high = table[6::_SYMBOL], table[7::_SYMBOL]  # of the section's number
    return frozenset(
        [
            symbol
            for symbol in symbols
            # A protected symbol is always the object's own.
            if kinds[symbol] >> 4 != _LOCAL
            and visibilities[symbol] & 3 == _STV_DEFAULT
            and (low[symbol] or high[symbol])
        ]
    )


def read_definitions(
    image: ElfImage, dynamic: Dynamic, symbols: Iterable[int]
) -> tuple[OwnDefinition, ...]:
    """Some entries of the dynamic symbol table, by their numbers."""
    entry = image.layout("IBBHQQ")
    start = dynamic.require(dt.DT_SYMTAB, "DT_SYMTAB")
    found = []
    for symbol in symbols:
        data = image.read_at(start + symbol * entry.size, entry.size, "a dynamic symbol")
        text, info, _, _, value, size = entry.unpack(data)
        name = dynamic.strings.at(text, _NAME)
        unique, variable = info >> 4 == STB_GNU_UNIQUE, info & 15 == _OBJECT
        found.append(OwnDefinition(name, value, size, unique, variable))
    return tuple(found)
