"""The distributions of an environment with their objects, and how these contradict each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.families import RuntimeFamily
    from cxxrt_toolchain.facts.installed import Distribution
    from cxxrt_toolchain.facts.objects import ObjectFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class StringConflict:
    """A function that two packages spell with different ``std::string`` ABIs."""

    consumer: str
    provider: str
    needed: str
    provided: str
    """Both mangled: the function that one object imports, and the same with the other
    ``std::string``, which the other exports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingSymbols:
    """Symbols that an object needs from a library and that the library does not export."""

    consumer: str
    provider: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Member:
    """One distribution with its objects; without slots because it caches properties."""

    distribution: Distribution
    objects: tuple[ObjectFacts, ...]
    """Shared objects for the interpreter's machine, sorted by path."""

    @property
    def name(self) -> str:
        """As METADATA spells it."""
        return self.distribution.name

    @cached_property
    def needed(self) -> frozenset[str]:
        """All ``DT_NEEDED`` entries."""
        return frozenset(name for each in self.objects for name in each.facts.needed)

    def users(self, name: str) -> tuple[ObjectFacts, ...]:
        """The objects that need a library."""
        return tuple(each for each in self.objects if name in each.facts.needed)

    def copies(self, family: RuntimeFamily) -> tuple[ObjectFacts, ...]:
        """The copies of a runtime that it brings."""
        return tuple(each for each in self.objects if each.copy_of is family)
