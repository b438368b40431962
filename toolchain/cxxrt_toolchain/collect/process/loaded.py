"""The loaded objects of a process: the loader's list, joined with what is mapped and with facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.collect import files
from cxxrt_toolchain.collect.process.memory import AddressMap, LoadedEntry
from cxxrt_toolchain.facts.families import RuntimeFamily, family_of_name
from cxxrt_toolchain.facts.libraries import Library, Places

if TYPE_CHECKING:
    from cxxrt_toolchain.collect.process.procfs import Mapping, ProcessFacts
    from cxxrt_toolchain.collect.store import Store
    from cxxrt_toolchain.facts.installed import Environment
    from cxxrt_toolchain.facts.objects import ObjectFacts

_CXX = frozenset({RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCXX})
_GLIBC = re.compile(r"GLIBC_(2\.\d+)(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedObject:
    """One loaded object."""

    library: Library
    base: int
    """The load address: what is added to the addresses in its file."""
    span: tuple[int, int]
    """Its memory, from its first address to its end, .bss included if its file can be read."""
    facts: ObjectFacts | None
    """None for a file that is gone, cannot be read, or is not ELF."""

    @property
    def path(self) -> str:
        """Its path in the process."""
        return self.library.path

    @property
    def group(self) -> str:
        """Its package, else its folder."""
        return self.library.package or self.path.rpartition("/")[0]

    @property
    def is_cxx(self) -> bool:
        """Whether it may hold C++: it is, needs or has linked in a C++ library."""
        if self.facts is None:
            return False
        families = {self.facts.copy_of, *map(family_of_name, self.facts.facts.needed)}
        return bool(families & _CXX or self.facts.locale_ids)

    @property
    def glibc(self) -> str:
        """For a C library: its version, for example ``2.36``; else empty."""
        if self.facts is None or not self.path.rpartition("/")[2].startswith(("libc.so", "libc-2")):
            return ""
        matches = map(_GLIBC.fullmatch, self.facts.facts.version_definitions)
        versions = (match[1] for match in matches if match)
        return max(versions, key=version_tuple, default="")


def placed(facts: ProcessFacts, entries: Iterable[LoadedEntry]) -> list[tuple[Mapping, int]]:
    """The files of the loader's list, with their load addresses.

    A file is found by the object's dynamic section, which lies in its own mapping for certain: its
    code may have been moved to huge pages.
    """
    mapped = {each.path: each for each in reversed(facts.mappings)}
    owners = AddressMap((each.start, each.end, each.path) for each in facts.mappings)
    found: dict[str, tuple[Mapping, int]] = {}
    for base, dynamic in entries:
        path = owners.owner(dynamic)
        if path:
            found.setdefault(path, (mapped[path], base))
    return list(found.values())


def describe(
    facts: ProcessFacts,
    placed: Sequence[tuple[Mapping, int]],
    environment: Environment,
    store: Store,
    *,
    ordered: bool,
    workers: int,
) -> tuple[LoadedObject, ...]:
    """The loaded objects, in the order of `placed`: files with their load addresses.

    `ordered` says whether that is the load order; `workers` is as for `files.read`.
    """
    root = facts.root
    places = [root + each.path for each, _ in placed if not each.deleted]
    found = files.read(places, store, workers=workers).found
    ends = {each.path: each.end for each in facts.mappings}
    here = Places(environment=environment)
    objects = []
    for number, (mapping, base) in enumerate(placed):
        place, path, deleted = root + mapping.path, mapping.path, mapping.deleted
        report = found.get(place) if not deleted else None
        library = here.library(
            place, report, order=number if ordered else None, deleted=deleted
        )._replace(path=path)
        span = (mapping.start, ends[path])
        if report is not None:
            span = (base + report.span[0], base + report.span[1])
        objects.append(LoadedObject(library=library, base=base, span=span, facts=report))
    return tuple(objects)
