"""The references of a C++ object to its own definitions, from its file or from the store.

A file that cannot be read has no references.
"""

import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from cxxrt_toolchain.collect.shares import work_on
from cxxrt_toolchain.collect.store import Identity, Store, identity
from cxxrt_toolchain.elf.dynamic import Dynamic
from cxxrt_toolchain.elf.image import PT_LOAD, ElfError, ElfImage
from cxxrt_toolchain.elf.lookup import find_definitions
from cxxrt_toolchain.elf.references import OwnReferences, read_definitions, read_references
from cxxrt_toolchain.facts.bindings import FACETS

_KIND = "references"
_PT_GNU_RELRO = 0x6474E552
_PF_W = 2
_WORD = 8
_GAP = 1 << 14
"""Places nearer than this are read in one piece."""
_LARGEST = 1 << 22
"""Bytes of the largest piece."""


class ObjectReferences(NamedTuple):
    """The references of one object; plain types, so that `Store` takes them."""

    runs: tuple[tuple[int, bytes], ...]
    """Places that name an own definition: a first address, and the places as numbers of words
    behind it (an ``array("I")``)."""
    symbols: bytes
    """Of all runs' places: the numbers of the own definitions (an ``array("I")``)."""
    modules: tuple[tuple[int, str], ...]
    """Places that receive a TLS module id, with the name of the object's own variable."""
    own_module: int | None
    """A place that receives the object's own TLS module id for certain."""
    facets: dict[str, int]
    """Addresses of those variables of `FACETS` that it defines, by facet."""
    facet_places: dict[str, int]
    """Where it looks up the variable that it really uses, by facet."""
    changeable: tuple[tuple[int, int], ...]
    """Address ranges that are written to after relocation: .data and .bss."""


NOTHING = ObjectReferences((), b"", (), None, {}, {}, ())


def read_all(
    places: dict[str, str], open_file: Callable[[str], BinaryIO], store: Store, *, workers: int = 1
) -> dict[str, ObjectReferences]:
    """The references of some objects, from the store or from their files.

    `places` holds the path of each file in the process, and the path under which it lies here;
    `open_file` opens a file of the process, or raises OSError if it is gone.
    """
    found = dict.fromkeys(places, NOTHING)
    missing: dict[str, Identity] = {}
    for path, place in places.items():
        with suppress(OSError):
            key = identity(os.stat(place))  # noqa: PTH116 - called for each object
            match store.get(_KIND, place, key):
                case (*fields,) if len(fields) == len(NOTHING):
                    found[path] = ObjectReferences._make(fields)
                case _:
                    missing[path] = key
    sizes = {path: key[2] for path, key in missing.items()}
    rows = work_on(sizes, lambda path: tuple(read_object(path, open_file)), workers)
    for path, row in zip(missing, rows, strict=True):
        if row != NOTHING:  # another run may be allowed to read it
            found[path] = ObjectReferences._make(row)
            store.put(_KIND, places[path], missing[path], row)
    store.save()
    return found


def read_object(path: str, open_file: Callable[[str], BinaryIO]) -> ObjectReferences:
    """The references of an object; `NOTHING` if its file cannot be read."""
    try:
        with open_file(path) as stream:
            image = ElfImage(stream, path)
            return _described(image, Dynamic(image, sparse=True))
    except (OSError, ElfError):
        return NOTHING


def _described(image: ElfImage, dynamic: Dynamic) -> ObjectReferences:
    references = read_references(image, dynamic)
    definitions = find_definitions(image, dynamic, FACETS.values())
    facets = {
        facet: definitions[name].address for facet, name in FACETS.items() if name in definitions
    }
    return ObjectReferences(
        runs=tuple(_runs(references.places)),
        symbols=references.symbols.tobytes(),
        modules=references.modules,
        own_module=references.own_module,
        facets=facets,
        facet_places=_facet_places(image, dynamic, references) if facets else {},
        changeable=_changeable(image),
    )


def _runs(places: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """The places, which rise, in groups of neighbours, each of which one read of memory covers."""
    ends = [
        index
        for index, (one, next_one) in enumerate(pairwise(places), 1)
        if next_one - one > _GAP
        or next_one // _LARGEST != one // _LARGEST
        or (next_one - one) % _WORD
    ]
    for start, end in pairwise((0, *ends, len(places)) if places else ()):
        first = places[start]
        words = array("I", [(place - first) // _WORD for place in places[start:end]])
        yield first, words.tobytes()


def _facet_places(image: ElfImage, dynamic: Dynamic, own: OwnReferences) -> dict[str, int]:
    names = (each.name for each in read_definitions(image, dynamic, own.symbols))
    places = dict(zip(names, own.places, strict=True))
    return {facet: places[name] for facet, name in FACETS.items() if name in places}


def _changeable(image: ElfImage) -> tuple[tuple[int, int], ...]:
    relro = image.last(_PT_GNU_RELRO)
    start = relro.address + relro.memory_size if relro else 0
    found = []
    for load in image.segments:
        if load.type == PT_LOAD and load.flags & _PF_W:
            end = load.address + load.memory_size
            first = start if load.address < start < end else load.address
            if not relro or not (relro.address <= load.address and end <= start):
                found.append((first, end))
    return tuple(found)
