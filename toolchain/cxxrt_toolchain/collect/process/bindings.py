"""The definitions that the loader bound C++ references to, read from a process's memory.

A symbol that two objects define is bound once per object that refers to it, so one place per symbol
is read. Jump slots that are still unbound point into their own object and count as own.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from cxxrt_toolchain.elf.dynamic import Dynamic
from cxxrt_toolchain.elf.image import ElfError, ElfImage
from cxxrt_toolchain.elf.lookup import Definition, find_definitions
from cxxrt_toolchain.elf.references import OwnDefinition, read_definitions
from cxxrt_toolchain.facts.bindings import FACETS, PLAIN_FACET, Bindings, Bound, LocaleTable

if TYPE_CHECKING:
    from cxxrt_toolchain.collect.process.memory import AddressMap, Memory
    from cxxrt_toolchain.collect.process.references import ObjectReferences

_UNKNOWN = Definition(0, 0)
_MANY = 64
"""Number of names from which reading a whole string table is faster than its pieces."""


class ObjectInMemory(NamedTuple):
    """One loaded object."""

    path: str
    base: int
    """What is added to the addresses in its file."""
    start: int
    end: int
    """The end of its memory, .bss included."""
    facts: ObjectReferences


Symbols = tuple["int | str", ...]
"""Numbers of an object's own definitions, or the names of thread-local variables of its own."""


def read_bindings(
    objects: Sequence[ObjectInMemory],
    owners: AddressMap,
    memory: Memory,
    describe: Callable[[ObjectInMemory, str, Symbols], tuple[Bound, ...]],
    group: Callable[[str], str],
) -> Bindings:
    """The bindings between objects of different groups, and the locale numbers of copies.

    `objects` may hold C++, `owners` is the memory of every loaded object, `describe` is
    `describe_bound`, and `group` names the package or folder of a path.
    """
    modules = _modules(objects, memory) if any(each.facts.modules for each in objects) else {}
    rows: dict[tuple[str, str], list[int | str]] = {}
    for each in objects:
        for target, symbol in _foreign(each, memory, owners, modules):
            rows.setdefault((each.path, target), []).append(symbol)
    by_path = {each.path: each for each in objects}
    described = {
        (path, target): describe(by_path[path], target, tuple(symbols))
        for (path, target), symbols in rows.items()
        if group(target) != group(path)
    }
    return Bindings(
        pairs={pair: bound for pair, bound in described.items() if bound},
        locales=tuple(
            _locale(each, memory, owners) for each in objects if PLAIN_FACET in each.facts.facets
        ),
    )


def _foreign(
    each: ObjectInMemory, memory: Memory, owners: AddressMap, modules: dict[int, str]
) -> Iterator[tuple[str, int | str]]:
    """The symbols of an object that the loader bound to another one: that object, the symbol."""
    facts = each.facts
    symbols = array("I", facts.symbols)
    low, high = each.start, each.end
    position = 0
    for first, words in facts.runs:
        places = array("I", words)
        values = memory.gather(each.base + first, places)
        if min(values) < low or max(values) >= high:
            for index, value in enumerate(values):
                target = owners.owner(value) if value < low or value >= high else ""
                if target and target != each.path:
                    yield target, symbols[position + index]
        position += len(places)
    own = _module_id(each, memory) if facts.modules else None
    for place, name in facts.modules:
        number = memory.word(each.base + place)
        if own and number and number != own and number in modules:
            yield modules[number], name


def _module_id(each: ObjectInMemory, memory: Memory) -> int | None:
    place = each.facts.own_module
    return None if place is None else memory.word(each.base + place)


def _modules(objects: Iterable[ObjectInMemory], memory: Memory) -> dict[int, str]:
    """TLS module id -> path.

    An object that refers to a hidden variable of its own has its id for certain. Another one has
    the ids that its exported variables were bound to: its own, or that of an object that the
    loader searched first, which comes earlier and has that id already.
    """
    known: dict[int, str] = {}
    for each in objects:
        number = _module_id(each, memory)
        if number:
            known[number] = each.path
    for each in objects:
        if each.facts.own_module is None:
            for place, _ in each.facts.modules:
                number = memory.word(each.base + place)
                if number:
                    known.setdefault(number, each.path)
    return known


def describe_bound(
    source: ObjectInMemory, target: str, symbols: Symbols, open_file: Callable[[str], BinaryIO]
) -> tuple[Bound, ...]:
    """The names of symbols that were bound to `target`, with the sizes of variables and vtables.

    Sizes differ only if the two objects were built from different declarations. In a program that
    is linked to a fixed address, a function whose address is compared has the address of a jump in
    the program (the psABI's "Function Addresses"); that is not a definition and is left out.

    Raises:
        OSError: A file cannot be read today.
    """
    numbers = [each for each in symbols if isinstance(each, int)]
    try:
        with open_file(source.path) as stream:
            image = ElfImage(stream, source.path)
            dynamic = Dynamic(image, sparse=len(numbers) < _MANY)
            own = read_definitions(image, dynamic, numbers)
    except ElfError:
        own = ()
    theirs = _definitions(target, [each.name for each in own], open_file)
    found = []
    for each in own:
        if theirs is not None and each.name not in theirs:
            continue
        winner = theirs[each.name] if theirs else _UNKNOWN
        known = each.is_object and each.size and winner.size
        sizes = (each.size, winner.size) if known else None
        layout = bool(sizes) and _is_layout(each, source.facts)
        unique = each.is_unique or winner.is_unique
        found.append(Bound(each.name, unique, sizes, layout, data=each.is_object))
    variables = (each for each in symbols if isinstance(each, str))
    threads = (Bound(e, unique=False, sizes=None, layout=False, data=True) for e in variables)
    return (*found, *threads)


def _definitions(
    path: str, names: list[str], open_file: Callable[[str], BinaryIO]
) -> dict[str, Definition] | None:
    """The definitions of some names in an object; None if it cannot be read."""
    try:
        with open_file(path) as stream:
            image = ElfImage(stream, path)
            return find_definitions(image, Dynamic(image, sparse=len(names) < _MANY), names)
    except ElfError:
        return None


def _is_layout(definition: OwnDefinition, facts: ObjectReferences) -> bool:
    """Whether the size is that of a class: of a vtable, or of data that can change."""
    if definition.name.startswith(("_ZTV", "_ZTT", "_ZTC")):
        return True
    return any(start <= definition.address < end for start, end in facts.changeable)


def _locale(each: ObjectInMemory, memory: Memory, owners: AddressMap) -> LocaleTable:
    """The locale numbers of a copy, by its own references to the variables that it uses."""
    facts = each.facts
    numbers, bound_to = [], each.path
    for facet in FACETS:
        address = None
        if facet in facts.facet_places:
            address = memory.word(each.base + facts.facet_places[facet])
        if address is None and facet in facts.facets:
            address = each.base + facts.facets[facet]
        numbers.append((facet, (memory.word(address) or 0) if address else 0))
        if facet == PLAIN_FACET and address:
            bound_to = owners.owner(address) or bound_to
    return LocaleTable(path=each.path, numbers=tuple(numbers), bound_to=bound_to)
