"""What the rules may know of an environment: frozen values, no file access and no judgement.

`environment` collects these; `environment_rules` and `runtime_rules` read them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.facts.interactions import NO_INTERACTIONS, Interactions
from cxxrt_toolchain.facts.libraries import RUNTIME_DISTRIBUTION
from cxxrt_toolchain.rules.remedies import ACTIVATE, libstdcxx_first

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cxxrt_toolchain.facts.families import RuntimeFamily
    from cxxrt_toolchain.facts.installed import Distribution, Environment, Found
    from cxxrt_toolchain.facts.objects import ObjectFacts

LIBSTDCXX = "libstdc++.so.6"
_REQUIREMENT = re.compile(
    "[-_.]+".join(RUNTIME_DISTRIBUTION.split("-")) + "(?![-_.]*[a-z0-9])", re.IGNORECASE
)
"""How a requirement on the runtime begins; names compare as the specification of names says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StringConflict:
    """A symbol that one package needs in one spelling and another one has in the other."""

    consumer: str
    """Path of the object that needs it."""
    provider: str
    """Path of the object that it needs it from."""
    needed: str
    """Mangled."""
    provided: str
    """Mangled; the same function with the other ``std::string``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingSymbols:
    """Symbols that a library lacks, of those that an object needs from it."""

    consumer: str
    provider: str
    symbols: tuple[str, ...]
    """Sorted."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One distribution with its objects; without slots, because it keeps what is asked often."""

    distribution: Distribution
    objects: tuple[ObjectFacts, ...]
    """Those that the interpreter's loader can load, sorted by path; programs are left out."""

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
        """Its own copies of a runtime."""
        return tuple(each for each in self.objects if each.copy_of is family)


@dataclass(frozen=True, kw_only=True)
class EnvironmentFacts:
    """All of it; without slots, because it caches what several rules ask for."""

    environment: Environment
    members: tuple[Member, ...]
    """Distributions that have objects, the runtime's own left out; sorted by name."""
    runtime: Member | None
    """The installed runtime wheel."""
    activated: bool
    """Its start-up hook is in place, so that its libraries are loaded before any other."""
    outside: Mapping[str, ObjectFacts]
    """Libraries that the loader finds outside the packages, by path."""
    candidates: Mapping[str, tuple[Found, ...]]
    """Library to where an object without search paths of its own finds it, best first."""
    own: Mapping[tuple[str, str], str]
    """(Object, library) to the file that the object's own search path leads to."""
    variables: tuple[tuple[str, str], ...]
    driver: int | None
    """The newest CUDA major that the driver runs; None: none, unknown, or nobody asks."""
    cudart: tuple[MissingSymbols, ...]
    """What packages need of libcudart and do not get."""
    strings: tuple[StringConflict, ...]
    builds: tuple[MissingSymbols, ...]
    """What packages need of their own build of a library and another package's build of the same
    SONAME lacks."""
    unreadable: tuple[tuple[str, str], ...]
    """(Path, reason) of shared objects that cannot be read."""
    interactions: Interactions = NO_INTERACTIONS
    """Where packages with a runtime or a string of their own meet others."""

    @cached_property
    def by_path(self) -> dict[str, ObjectFacts]:
        """Every object, in packages and outside."""
        members = self.members if self.runtime is None else (*self.members, self.runtime)
        inside = {each.path: each for member in members for each in member.objects}
        return {**self.outside, **inside}

    @cached_property
    def owners(self) -> dict[str, Member]:
        """Path of an object to its distribution."""
        members = self.members if self.runtime is None else (*self.members, self.runtime)
        return {each.path: member for member in members for each in member.objects}

    @property
    def libstdcxx(self) -> ObjectFacts | None:
        """The libstdc++ that an object without search paths of its own gets."""
        return self.default(LIBSTDCXX)

    def remedies(self, other: str) -> tuple[str, ...]:
        """One libstdc++ first in every process, where it is not yet, and another remedy."""
        if self.activated:
            return (other,)
        if self.runtime is not None:
            return (ACTIVATE, other)
        found = self.libstdcxx
        first = libstdcxx_first(self.environment.interpreter.python, found.path if found else "")
        return (first, other)

    def other_cxx_users(self, member: Member) -> list[Member]:
        """The other distributions that use the one libstdc++.so.6 of the process."""
        return [each for each in self.members if each is not member and LIBSTDCXX in each.needed]

    def default(self, name: str) -> ObjectFacts | None:
        """The library of that name that an object without search paths of its own gets."""
        found = self.candidates.get(name)
        return self.outside.get(found[0].path) if found else None

    def vendored(self, name: str) -> ObjectFacts | None:
        """The runtime wheel's library of that name."""
        objects = self.runtime.objects if self.runtime else ()
        return next((each for each in objects if each.name == name), None)

    def served(self, member: Member, name: str) -> tuple[ObjectFacts, ...]:
        """Libraries of which the runtime's loader takes the newest, or else the default."""
        default, vendored = self.default(name), self.vendored(name)
        ours = vendored if self.activated or requires_runtime(member.distribution) else None
        return tuple(each for each in (ours, default) if each is not None)


def requires_runtime(distribution: Distribution) -> bool:
    """Whether it says, by tag or by requirement, that it needs the shared runtime."""
    return claims_tag(distribution) or any(map(_REQUIREMENT.match, distribution.requires))


def claims_tag(distribution: Distribution) -> bool:
    """Whether its wheel had a runtime ABI tag."""
    return any("_cxxrt" in tag for tag in distribution.tags)


def newest(objects: Iterable[ObjectFacts], prefix: str) -> str:
    """The newest version node of that prefix that any of the objects defines; empty for none."""
    nodes = (node for each in objects for node in each.facts.version_definitions)
    return max(
        (node for node in nodes if numbers(node, prefix)),
        key=lambda n: numbers(n, prefix),
        default="",
    )


def numbers(node: str, prefix: str) -> tuple[int, ...]:
    """``GLIBCXX_3.4.30`` with ``GLIBCXX_`` -> (3, 4, 30); empty for other nodes."""
    return version_tuple(node[len(prefix) :]) if node.startswith(prefix) else ()
