"""What packages with different runtimes or string ABIs exchange: C++ symbols, capsule pointers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.facts.families import RuntimeFamily

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.traits import Traits


_STDCXX, _CUDART = RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCUDART


class InteractingObject(NamedTuple):
    """An object of an environment or a process that is not a copy of a runtime."""

    path: str
    """As findings name it."""
    place: str
    """The path under which this process can read it."""
    name: str
    """Its SONAME, else its file name."""
    owner: str
    """The distribution that it belongs to, else its folder."""
    needed: tuple[str, ...]
    traits: Traits

    @property
    def uses_cxx(self) -> bool:
        """Whether it uses a libstdc++, shared or its own."""
        return _STDCXX in self.traits.hidden or any("libstdc++" in name for name in self.needed)

    @property
    def uses_cudart(self) -> bool:
        """Whether it uses a libcudart, shared or its own."""
        return _CUDART in self.traits.hidden or any("libcudart" in name for name in self.needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """C++ symbols that one object imports from another owner's object."""

    user: InteractingObject
    provider: InteractingObject
    symbols: tuple[str, ...]
    """Mangled, sorted."""
    kernels: tuple[str, ...] = ()
    """The CUDA kernels of the provider among them; collected only if one of the two objects
    has a hidden libcudart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapsulePointer:
    """A pointer that one object puts into a ``PyCapsule`` and another object takes out."""

    maker: InteractingObject
    opener: InteractingObject
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactions:
    """All symbols and pointers that objects of different owners exchange."""

    objects: tuple[InteractingObject, ...] = ()
    """All objects that were compared, in the order in which they were given."""
    crossings: tuple[Crossing, ...] = ()
    capsules: tuple[CapsulePointer, ...] = ()


NO_INTERACTIONS = Interactions()


def differ_in_libstdcxx(one: InteractingObject, other: InteractingObject) -> bool:
    """Whether two objects use C++ with different copies of libstdc++."""
    hidden = _STDCXX in one.traits.hidden or _STDCXX in other.traits.hidden
    return hidden and one.uses_cxx and other.uses_cxx


def differ_in_strings(one: InteractingObject, other: InteractingObject) -> bool:
    """Whether one object was compiled with the old ``std::string``, the other with the new."""
    return {one.traits.strings, other.traits.strings} == {"old", "new"}


def differ_in_cudart(one: InteractingObject, other: InteractingObject) -> bool:
    """Whether two objects use CUDA with different copies of libcudart."""
    hidden = _CUDART in one.traits.hidden or _CUDART in other.traits.hidden
    return hidden and one.uses_cudart and other.uses_cudart


@dataclass(frozen=True, slots=True)
class CrossingGroup:
    """All crossings between two owners."""

    crossings: tuple[Crossing, ...]

    @property
    def objects(self) -> tuple[InteractingObject, ...]:
        """User and provider of every crossing."""
        return tuple(end for each in self.crossings for end in (each.user, each.provider))

    @property
    def owners(self) -> frozenset[str]:
        """The two owners."""
        return frozenset(each.owner for each in self.objects)


def by_owners(
    crossings: Iterable[Crossing], differ: Callable[[InteractingObject, InteractingObject], bool]
) -> tuple[CrossingGroup, ...]:
    """The crossings between objects that differ, grouped by their two owners."""
    found: dict[frozenset[str], list[Crossing]] = {}
    for each in crossings:
        if differ(each.user, each.provider):
            found.setdefault(frozenset((each.user.owner, each.provider.owner)), []).append(each)
    return tuple(CrossingGroup(tuple(found[owners])) for owners in sorted(found, key=sorted))
