"""The places where an object refers to symbols that it also defines.

In: an image and its dynamic section. Out: `OwnReferences`: for each exported definition that the
object itself refers to through its tables, one address whose contents say, in a running process,
which definition won; `read_imports` has those of symbols that it does not define. Relative
relocations (and so all of DT_RELR) name no symbol and are passed over.

Source: gABI chapter 4, "Relocation"; the x86-64 and AArch64 psABIs for the types. Addends are
left out: they never lead from one object into another.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.elf import dynamic as dt

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from cxxrt_toolchain.elf.dynamic import Dynamic
    from cxxrt_toolchain.elf.image import ElfImage

DT_RELACOUNT = 0x6FFFFFF9
_EM_X86_64, _EM_AARCH64 = 62, 183
# R_*_64/ABS64, GLOB_DAT, JUMP_SLOT: the word becomes the symbol's address.
_ADDRESSES = {_EM_X86_64: (1, 6, 7), _EM_AARCH64: (257, 1025, 1026)}
# R_*_DTPMOD64: the word becomes the TLS module id of the object that defines the symbol. AArch64
# compilers use TLS descriptors (1031) instead, which only the loader can read.
_MODULES = {_EM_X86_64: 16, _EM_AARCH64: 1028}
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
    """``st_value``."""
    size: int
    """``st_size``."""
    is_unique: bool
    """Whether it is ``STB_GNU_UNIQUE``, which is shared on purpose."""
    is_object: bool
    """Whether it is ``STT_OBJECT``: a variable, a vtable, a type's information."""


NO_REFERENCES = OwnReferences(places=array("Q"), symbols=array("I"), modules=(), own_module=None)


def read_references(image: ElfImage, dynamic: Dynamic) -> OwnReferences:
    """Find them; an object for another machine than x86_64 and aarch64 has none."""
    machine = image.header.machine
    start = dynamic.get(dt.DT_SYMTAB)
    if machine not in _ADDRESSES or not image.wide or start is None:
        return NO_REFERENCES
    places: dict[int, int] = {}
    modules: dict[int, int] = {}
    own_module = None
    wanted, module = _ADDRESSES[machine], _MODULES[machine]
    for place, info, _ in relocations(image, dynamic):
        kind, symbol = info & 0xFFFFFFFF, info >> 32
        if kind in wanted and symbol:
            places.setdefault(symbol, place)
        elif kind == module:
            if symbol:
                modules.setdefault(symbol, place)
            else:
                own_module = place
    return _kept(image, dynamic, places, modules, own_module)


def read_imports(
    image: ElfImage, dynamic: Dynamic, wanted: Callable[[str], bool]
) -> tuple[int, ...]:
    """The places of some symbols that the object needs and does not define, one for each, sorted.

    Args:
        image: The object; one for another machine than x86_64 and aarch64 has none.
        dynamic: Its dynamic section.
        wanted: Whether a symbol is, by its name.
    """
    machine = image.header.machine
    start = dynamic.get(dt.DT_SYMTAB)
    if machine not in _ADDRESSES or not image.wide or start is None:
        return ()
    kinds = _ADDRESSES[machine]
    places: dict[int, int] = {}
    for place, info, _ in relocations(image, dynamic):
        if info & 0xFFFFFFFF in kinds and info >> 32:
            places.setdefault(info >> 32, place)
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
    """Gives entries of the dynamic symbol table, of which at least these are asked for."""
    highest = max(numbers, default=0)
    if highest >= image.limits.symbols:
        raise image.error(f"a relocation names symbol {highest}")
    entry = image.layout("IBBHQQ")
    start = dynamic.require(dt.DT_SYMTAB, "DT_SYMTAB")
    table = image.read_at(start, (highest + 1) * entry.size, "the dynamic symbol table")
    return lambda symbol: entry.unpack_from(table, symbol * entry.size)


def relocations(image: ElfImage, dynamic: Dynamic) -> Iterator[tuple[int, int, int]]:
    """``DT_RELA`` without its relative head, then ``DT_JMPREL``.

    In this order, because a jump slot that is bound lazily still points into its own object.
    """
    entry = image.layout("QQq")
    relative = dynamic.get(DT_RELACOUNT) or 0
    for tag, size_tag, skipped in (
        (dt.DT_RELA, dt.DT_RELASZ, relative),
        (dt.DT_JMPREL, dt.DT_PLTRELSZ, 0),
    ):
        address, size = dynamic.get(tag), dynamic.get(size_tag)
        if address is None or not size:
            continue
        size -= min(skipped * entry.size, size)
        size -= size % entry.size
        what = "the relocations"
        if size:
            data = image.read_at(address + skipped * entry.size, size, what)
            yield from entry.iter_unpack(data)


def _kept(
    image: ElfImage,
    dynamic: Dynamic,
    places: dict[int, int],
    modules: dict[int, int],
    own_module: int | None,
) -> OwnReferences:
    """Leave out what the object does not define itself or does not export."""
    rows = _symbols(image, dynamic, (*places, *modules))
    own = sorted((place, symbol) for symbol, place in places.items() if _exported(rows(symbol)))
    return OwnReferences(
        places=array("Q", (place for place, _ in own)),
        symbols=array("I", (symbol for _, symbol in own)),
        modules=tuple(
            (place, dynamic.strings.at(rows(symbol)[0], _NAME))
            for symbol, place in modules.items()
            if _exported(rows(symbol))
        ),
        own_module=own_module,
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


def _exported(row: tuple[int, ...]) -> bool:
    _, info, other, section, _, _ = row
    # A protected symbol is always the object's own.
    return bool(section) and info >> 4 != _LOCAL and other & 3 == _STV_DEFAULT
