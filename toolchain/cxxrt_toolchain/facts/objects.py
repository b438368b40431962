"""The facts of one installed or loaded file, and their encoding as one line of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.elf.facts import NeededVersion, SharedObject, Soname
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.symbols import CAPTURES, LOCALE_IDS
from cxxrt_toolchain.facts.traits import NO_TRAITS, Traits
from cxxrt_toolchain.facts.wheel import UnreadableObject

if TYPE_CHECKING:
    from collections.abc import Iterable

OPENMP_MARKS = frozenset({"GOMP_parallel", "__kmpc_fork_call"})
CUDART_MARK = "cudaRuntimeGetVersion"
WATCHED = tuple(sorted({*CAPTURES, *LOCALE_IDS, *OPENMP_MARKS, CUDART_MARK}))
"""Exported names that tell which runtime is in an object, or what it captures of another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """What the doctor knows of one ELF file."""

    path: str
    size: int
    facts: SharedObject
    """Without symbols."""
    copy_of: RuntimeFamily | None
    """The runtime library that it is a copy of, under whatever name."""
    exports: frozenset[str]
    """Those of `WATCHED`."""
    cudart_needed: tuple[str, ...] = ()
    """Functions of the CUDA runtime API that it needs from a shared libcudart, sorted."""
    traits: Traits = NO_TRAITS
    """What it was compiled and linked with; none for a copy of a runtime."""
    span: tuple[int, int] = (0, 0)
    """Its memory: the address of the first loadable segment and the end of the last one, before the
    load address is added."""

    @property
    def name(self) -> str:
        """What other objects need it by: its SONAME, else its file name."""
        return self.facts.soname or self.path.rpartition("/")[2]

    @property
    def captures(self) -> tuple[str, ...]:
        """Exported names that libstdc++ itself looks up, sorted; none for a whole libstdc++."""
        if self.copy_of is not None or self.locale_ids:
            return ()
        return tuple(sorted(self.exports & CAPTURES))

    @property
    def locale_ids(self) -> tuple[str, ...]:
        """Exported plain facet ids, sorted: with them comes a whole libstdc++."""
        return tuple(sorted(self.exports & LOCALE_IDS))

    @property
    def static(self) -> tuple[RuntimeFamily, ...]:
        """Runtimes that are linked into it and exported; `Traits` has the hidden ones."""
        if self.copy_of is not None:
            return ()
        return static_families(self.exports, symbolic=self.facts.symbolic)


def static_families(
    exports: frozenset[str], *, symbolic: bool = False
) -> tuple[RuntimeFamily, ...]:
    """The runtimes that an object exports, by those of `WATCHED` that it exports.

    `symbolic`: it is linked with ``-Bsymbolic``; a libstdc++ in it uses its own facet ids, as a
    hidden one does. Not for a copy of a runtime.
    """
    found = []
    if exports & LOCALE_IDS and not symbolic:
        found.append(RuntimeFamily.LIBSTDCXX)
    if "GOMP_parallel" in exports:
        found.append(RuntimeFamily.LIBGOMP)
    elif exports & OPENMP_MARKS:
        found.append(RuntimeFamily.LIBOMP)
    if CUDART_MARK in exports:
        found.append(RuntimeFamily.LIBCUDART)
    return tuple(found)


Facts = ObjectFacts | UnreadableObject | None
"""What is known of a file; None if it is not ELF."""

Needs = dict[tuple[str, str, bool], NeededVersion]
"""Version needs by their parts."""

_PLAIN = ("bits", "little_endian", "machine", "kind", "soname", "rpath", "runpath")
_FLAGS = ("executable_stack", "symbolic", "static_tls", "build_id")
_LISTS = ("needed", "version_definitions", "gnu_properties")
_FAMILIES = {family.value: family for family in RuntimeFamily}


def encode(facts: Facts) -> str:
    """The facts as one line; ``null`` if the file is not ELF."""
    if facts is None:
        return "null"
    if isinstance(facts, UnreadableObject):
        return json.dumps(facts.reason)
    elf = facts.facts
    row: dict[str, Any] = {name: getattr(elf, name) for name in (*_PLAIN, *_FLAGS)}
    row |= {name: list(getattr(elf, name)) for name in _LISTS}
    row["version_needs"] = [[each.soname, each.version, each.weak] for each in elf.version_needs]
    row["copy_of"] = facts.copy_of.value if facts.copy_of else None
    row["exports"] = sorted(facts.exports)
    row["cudart_needed"] = list(facts.cudart_needed)
    row["traits"] = _encode_traits(facts.traits)
    row["span"] = facts.span
    return json.dumps(row, separators=(",", ":"))


def decode(text: str, path: str, size: int, needs: Needs) -> Facts:
    """The facts again.

    `needs` holds version needs that were made before, to share them: thousands of objects have the
    same few.

    Raises:
        ValueError: `encode` did not make this text.
    """
    try:
        row = json.loads(text)
        if row is None:
            return None
        if isinstance(row, str):
            return UnreadableObject(member=path, reason=row)
        return _object(row, path, size, needs)
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not the facts of an object: {error!r}") from error


def _object(row: dict[str, Any], path: str, size: int, needs: Needs) -> ObjectFacts:
    fields: dict[str, Any] = {name: row[name] for name in (*_PLAIN, *_FLAGS)}
    fields |= {name: tuple(row[name]) for name in _LISTS}
    return ObjectFacts(
        path=path,
        size=size,
        facts=SharedObject(**fields, version_needs=tuple(_needs(row["version_needs"], needs))),
        copy_of=_FAMILIES[row["copy_of"]] if row["copy_of"] else None,
        exports=frozenset(row["exports"]),
        cudart_needed=tuple(row["cudart_needed"]),
        traits=_decode_traits(row["traits"]),
        span=(row["span"][0], row["span"][1]),
    )


def _encode_traits(traits: Traits) -> list[Any]:
    """A list of JSON types; empty for `NO_TRAITS`, which most objects have."""
    if traits == NO_TRAITS:
        return []
    hidden = [family.value for family in traits.hidden]
    names = [[*each] for each in (traits.unprovided, traits.made, traits.opened)]
    return [hidden, traits.old_string, traits.new_strings, *names]


def _decode_traits(row: list[Any]) -> Traits:
    if not row:
        return NO_TRAITS
    hidden, old, new, *names = row
    unprovided, made, opened = map(tuple, names)
    families = tuple(_FAMILIES[name] for name in hidden)
    return Traits(families, old, new, unprovided, made, opened)


def _needs(rows: Iterable[list[Any]], made: Needs) -> Iterable[NeededVersion]:
    for soname, version, weak in rows:
        key = (soname, version, weak)
        if key not in made:
            made[key] = NeededVersion(soname=Soname(soname), version=version, weak=weak)
        yield made[key]
