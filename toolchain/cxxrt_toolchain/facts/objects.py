"""The facts of one installed or loaded file, and their encoding in plain types."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cxxrt_toolchain.elf.facts import NeededVersion, SharedObject, Soname
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.symbols import CAPTURES, CATEGORIES, LOCALE_IDS
from cxxrt_toolchain.facts.traits import NO_TRAITS, Traits
from cxxrt_toolchain.facts.wheel import UnreadableObject

OPENMP_MARKS = frozenset({"GOMP_parallel", "__kmpc_fork_call"})
CUDART_MARK = "cudaRuntimeGetVersion"
WATCHED = tuple(sorted({*CAPTURES, *CATEGORIES, *LOCALE_IDS, *OPENMP_MARKS, CUDART_MARK}))
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
    traits: Traits = NO_TRAITS
    """What it was compiled and linked with; none for a copy of a runtime."""
    span: tuple[int, int] = (0, 0)
    """Its memory: the address of the first loadable segment and the end of the last one, before the
    load address is added."""
    is_module: bool = False
    """Whether it exports the init function of the module that its file name names."""
    protos: tuple[str, ...] = ()
    """The ``.proto`` files that it registers in the libprotobuf that it needs, sorted."""

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
    def categories(self) -> tuple[str, ...]:
        """Exported functions that return libstdc++'s error categories, as `captures`."""
        if self.copy_of is not None or self.locale_ids:
            return ()
        return tuple(sorted(self.exports & CATEGORIES))

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

_PLAIN = (
    *("bits", "little_endian", "machine", "kind", "soname", "needed", "rpath", "runpath"),
    *("version_definitions", "executable_stack", "static_tls", "gnu_properties", "symbolic"),
    *("build_id", "thread_local"),
)
"""The fields of `SharedObject` with values of plain types."""
_BROKEN = 3
"""Length of the row of a file that cannot be read."""
_FAMILIES = {family.value: family for family in RuntimeFamily}


def encode(facts: Facts) -> tuple[Any, ...]:
    """The facts as plain types: a tuple that is empty if the file is not ELF."""
    if facts is None:
        return ()
    if isinstance(facts, UnreadableObject):
        return facts.reason, facts.machine, facts.executable
    elf, traits = facts.facts, facts.traits
    return (
        tuple(getattr(elf, name) for name in _PLAIN),
        tuple((each.soname, each.version, each.weak) for each in elf.version_needs),
        facts.copy_of.value if facts.copy_of else "",
        tuple(sorted(facts.exports)),
        () if traits == NO_TRAITS else _encode_traits(traits),  # as most objects have
        facts.span,
        facts.is_module,
        facts.protos,
    )


def decode(row: Any, path: str, size: int, needs: Needs) -> Facts:  # noqa: ANN401 - from a file
    """The facts again.

    `needs` holds version needs that were made before, to share them: thousands of objects have the
    same few.

    Raises:
        ValueError: `encode` did not make this row.
    """
    try:
        if row == ():
            return None
        if len(row) == _BROKEN:
            reason, machine, executable = row
            return UnreadableObject(
                member=path, reason=reason, machine=machine, executable=executable
            )
        plain, versions, copy_of, exports, traits, (start, end), is_module, protos = row
        fields = dict(zip(_PLAIN, plain, strict=True))
        return ObjectFacts(
            path=path,
            size=size,
            facts=SharedObject(**fields, version_needs=tuple(_needs(versions, needs))),
            copy_of=_FAMILIES[copy_of] if copy_of else None,
            exports=frozenset(exports),
            traits=_decode_traits(*traits) if traits else NO_TRAITS,
            span=(start, end),
            is_module=bool(is_module),
            protos=protos,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not the facts of an object: {error!r}") from error


def _encode_traits(traits: Traits) -> tuple[Any, ...]:
    names = (traits.unprovided, traits.made, traits.opened)
    hidden = tuple(each.value for each in traits.hidden)
    return (hidden, traits.old_string, traits.new_strings, *names)


def _decode_traits(hidden: Iterable[str], *others: Any) -> Traits:  # noqa: ANN401 - as encoded
    return Traits(tuple(_FAMILIES[name] for name in hidden), *others)


def _needs(rows: Iterable[tuple[str, str, bool]], made: Needs) -> Iterable[NeededVersion]:
    for soname, version, weak in rows:
        key = (soname, version, weak)
        if key not in made:
            made[key] = NeededVersion(soname=Soname(soname), version=version, weak=weak)
        yield made[key]
