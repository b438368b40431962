"""Which definition won: the references of loaded C++ objects, read from the process's memory.

What goes in: loaded objects with their load addresses, the memory, and a way to open their files.
What comes out: `Bindings`: for each pair of objects the symbols that one defines itself and that
the loader bound to the other, and the locale numbers that each copy of libstdc++ uses. Only facts;
`process_rules` says what they mean.

A symbol that two objects define is bound once per object that refers to it, so one place per
symbol is read. Jump slots that are still unbound point into their own object and count as own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.doctor.memory import AddressMap
from cxxrt_toolchain.elf.dynamic import Dynamic
from cxxrt_toolchain.elf.image import PT_LOAD, ElfError, ElfImage
from cxxrt_toolchain.elf.lookup import Definition, find_definitions
from cxxrt_toolchain.elf.references import NO_REFERENCES, OwnReferences, read_references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import BinaryIO

    from cxxrt_toolchain.doctor.memory import Memory

_STREAM = "St19{0}streambuf_iteratorIcSt11char_traitsIcEEE2idE"
FACETS = {
    "num_get<char>": "_ZNSt7num_getIc" + _STREAM.format("i"),
    "num_put<char>": "_ZNSt7num_putIc" + _STREAM.format("o"),
    "collate<char>": "_ZNSt7__cxx117collateIcE2idE",
    "codecvt<char16_t>": "_ZNSt7codecvtIDsc11__mbstate_tE2idE",
    "codecvt<wchar_t>": "_ZNSt7codecvtIwc11__mbstate_tE2idE",
    "ctype<wchar_t>": "_ZNSt5ctypeIwE2idE",
}
"""Locale facets and the variable that holds each one's number (``std::locale::id``). The first
three are ``STB_GNU_UNIQUE`` and shared by all copies, the others plain data of each copy."""
_PLAIN = "ctype<wchar_t>"
_TYPE_OBJECT = 1
_PT_GNU_RELRO = 0x6474E552
_PF_W = 2


class ObjectInMemory(NamedTuple):
    """One loaded object."""

    path: str
    base: int
    """What is added to the addresses in its file."""
    start: int
    end: int
    """Of its mapped file; the memory behind it (.bss) is added from its program headers."""


class Bound(NamedTuple):
    """A symbol that an object defines and that is bound elsewhere."""

    name: str
    unique: bool
    """``STB_GNU_UNIQUE``: shared on purpose, whatever the dlopen mode."""
    sizes: tuple[int, int] | None
    """Of a variable or vtable: own size and that of the winner, where both are known."""
    layout: bool
    """Whether its size is that of a class or of changeable data, not of a constant table."""

    @property
    def mismatched(self) -> bool:
        """Whether the two definitions cannot be of one release."""
        return self.sizes is not None and self.sizes[0] != self.sizes[1]

    @property
    def incompatible(self) -> bool:
        """Whether the code of the two sides sees different layouts of one thing."""
        return self.layout and self.mismatched


@dataclass(frozen=True, slots=True, kw_only=True)
class LocaleTable:
    """The numbers that one copy of libstdc++ uses for its locale's facets."""

    path: str
    numbers: tuple[tuple[str, int], ...]
    """By facet, in `FACETS`' order; 0 is not numbered yet."""
    bound_to: str
    """The copy whose plain numbers it uses; its own path where it uses its own."""

    @property
    def collisions(self) -> tuple[str, ...]:
        """Facets that share a number with another one."""
        used = [number for _, number in self.numbers if number]
        return tuple(name for name, number in self.numbers if used.count(number) > 1)

    @property
    def initialized(self) -> bool:
        """Whether its locale was ever used."""
        return dict(self.numbers).get(_PLAIN, 0) != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """All of it for one process."""

    pairs: dict[tuple[str, str], tuple[Bound, ...]] = field(default_factory=dict)
    """(object that defines the symbols, object whose definitions won) -> the symbols."""
    locales: tuple[LocaleTable, ...] = ()


class _Source(NamedTuple):
    """An object with what its file says."""

    place: ObjectInMemory
    end: int
    references: OwnReferences
    names: tuple[str, ...]
    facets: dict[str, Definition]
    changeable: tuple[tuple[int, int], ...]
    """Address ranges in its file that are written to after relocation: .data and .bss."""


def read_bindings(
    objects: Iterable[ObjectInMemory],
    others: Iterable[tuple[int, int, str]],
    memory: Memory,
    open_file: Callable[[str], BinaryIO],
) -> Bindings:
    """Find out what the loader did.

    Args:
        objects: Those that may hold C++.
        others: Start, end and path of everything else that is mapped.
        memory: Of the process.
        open_file: Opens the file of an object, `OSError` where it is gone.
    """
    sources = [_source(each, open_file) for each in objects]
    owners = AddressMap(
        [*((each.place.start, each.end, each.place.path) for each in sources), *others]
    )
    modules = _modules(sources, memory)
    pairs: dict[tuple[str, str], list[Bound]] = {}
    for each in sources:
        for target, name, index in _foreign(each, memory, owners, modules):
            unique = index is not None and each.references.is_unique(index)
            pairs.setdefault((each.place.path, target), []).append(
                Bound(name, unique, None, layout=False)
            )
    by_path = {each.place.path: each for each in sources}
    return Bindings(
        pairs={
            pair: _with_sizes(by_path[pair[0]], pair[1], rows, open_file)
            for pair, rows in pairs.items()
        },
        locales=tuple(
            _locale(each, memory, owners) for each in sources if FACETS[_PLAIN] in each.facets
        ),
    )


def _source(place: ObjectInMemory, open_file: Callable[[str], BinaryIO]) -> _Source:
    try:
        with open_file(place.path) as stream:
            image = ElfImage(stream, place.path)
            dynamic = Dynamic(image)
            references = read_references(image, dynamic)
            loads = [load for load in image.segments if load.type == PT_LOAD]
            end = max((load.address + load.memory_size for load in loads), default=0)
            return _Source(
                place,
                max(place.end, place.base + end),
                references,
                tuple(dynamic.strings.at(name, "a symbol") for name in references.names),
                find_definitions(image, dynamic, FACETS.values()),
                _changeable(image),
            )
    except (OSError, ElfError):
        return _Source(place, place.end, NO_REFERENCES, (), {}, ())


def _changeable(image: ElfImage) -> tuple[tuple[int, int], ...]:
    relro = image.first(_PT_GNU_RELRO)
    start = relro.address + relro.memory_size if relro else 0
    found = []
    for load in image.segments:
        if load.type == PT_LOAD and load.flags & _PF_W:
            end = load.address + load.memory_size
            first = start if load.address < start < end else load.address
            if not relro or not (relro.address <= load.address and end <= start):
                found.append((first, end))
    return tuple(found)


def _is_layout(name: str, address: int, source: _Source) -> bool:
    """Vtables have one slot per virtual function; changeable data is an object of some class."""
    if name.startswith(("_ZTV", "_ZTT", "_ZTC")):
        return True
    return any(start <= address < end for start, end in source.changeable)


def _foreign(
    each: _Source, memory: Memory, owners: AddressMap, modules: dict[int, str]
) -> Iterable[tuple[str, str, int | None]]:
    """Where the loader bound an own symbol to another object: that object, the symbol."""
    place, references = each.place, each.references
    values = memory.words(place.base + offset for offset in references.places)
    start, end = place.start, each.end
    for index, offset in enumerate(references.places):
        value = values.get(place.base + offset, 0)
        if not start <= value < end:
            target = owners.owner(value) if value else ""
            if target and target != place.path:
                yield target, each.names[index], index
    own = _module_id(each, memory)
    for offset, name in references.modules:
        number = memory.word(place.base + offset)
        if own and number and number != own and number in modules:
            yield modules[number], name, None


def _module_id(each: _Source, memory: Memory) -> int | None:
    place = each.references.own_module
    return None if place is None else memory.word(each.place.base + place)


def _modules(sources: list[_Source], memory: Memory) -> dict[int, str]:
    """TLS module id -> path.

    An object that refers to a hidden variable of its own says its id for certain. Another one
    names the ids that its exported variables were bound to: its own, or that of an object that
    was searched before it, which is earlier in the load order and claims the same id.
    """
    known: dict[int, str] = {}
    for each in sources:
        number = _module_id(each, memory)
        if number:
            known[number] = each.place.path
    for each in sources:
        if each.references.own_module is None:
            for offset, _ in each.references.modules:
                number = memory.word(each.place.base + offset)
                if number:
                    known.setdefault(number, each.place.path)
    return known


def _with_sizes(
    source: _Source, target: str, rows: list[Bound], open_file: Callable[[str], BinaryIO]
) -> tuple[Bound, ...]:
    """Add the sizes of variables and vtables, which must agree where the code does."""
    references = source.references
    own = {
        name: (references.sizes[index], _is_layout(name, references.addresses[index], source))
        for index, name in enumerate(source.names)
        if references.infos[index] & 15 == _TYPE_OBJECT and references.sizes[index]
    }
    wanted = [row.name for row in rows if row.name in own]
    if not wanted:
        return tuple(rows)
    try:
        with open_file(target) as stream:
            image = ElfImage(stream, target)
            theirs = find_definitions(image, Dynamic(image, sparse=True), wanted)
    except (OSError, ElfError):
        theirs = {}
    return tuple(
        row._replace(sizes=(own[row.name][0], theirs[row.name].size), layout=own[row.name][1])
        if row.name in own and row.name in theirs and theirs[row.name].size
        else row
        for row in rows
    )


def _locale(each: _Source, memory: Memory, owners: AddressMap) -> LocaleTable:
    """Follow the copy's own references to the variables that it really uses."""
    offsets = dict(zip(each.names, each.references.places, strict=True))
    numbers, bound_to = [], each.place.path
    for facet, name in FACETS.items():
        address = None
        if name in offsets:
            address = memory.word(each.place.base + offsets[name])
        if address is None and name in each.facets:
            address = each.place.base + each.facets[name].address
        numbers.append((facet, (memory.word(address) or 0) if address else 0))
        if facet == _PLAIN and address:
            bound_to = owners.owner(address) or bound_to
    return LocaleTable(path=each.place.path, numbers=tuple(numbers), bound_to=bound_to)
