"""Facts of an environment, from which the rules judge."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from cxxrt_toolchain.abi.tag import claims_runtime
from cxxrt_toolchain.facts.families import LIBSTDCXX, RuntimeFamily, family_of_name
from cxxrt_toolchain.facts.interactions import NO_INTERACTIONS, Interactions
from cxxrt_toolchain.facts.libraries import (
    RUNTIME_DISTRIBUTION,
    PrivateLibstdcxx,
    RuntimeCopy,
    State,
)
from cxxrt_toolchain.facts.loading import NO_LOADS, Loads, Twins, find_twins, is_plain_library

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.installed import Distribution, Environment, Found
    from cxxrt_toolchain.facts.members import Member, MissingSymbols, StringConflict
    from cxxrt_toolchain.facts.objects import ObjectFacts
    from cxxrt_toolchain.facts.wheel import UnreadableObject

_REQUIREMENT = re.compile(
    "[-_.]+".join(RUNTIME_DISTRIBUTION.split("-")) + "(?![-_.]*[a-z0-9])", re.IGNORECASE
)
"""Start of a requirement on the runtime; names are compared as PEP 503 says."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentFacts:
    """All facts of an environment; without slots because it caches properties."""

    environment: Environment
    members: tuple[Member, ...]
    """Distributions with objects, without the runtime wheel, sorted by name."""
    runtime: Member | None
    activated: bool
    """Whether its start-up hook is installed, which loads its libraries before all others."""
    outside: Mapping[str, ObjectFacts]
    """Libraries that the loader finds outside the packages, by path."""
    candidates: Mapping[str, tuple[Found, ...]]
    """SONAME to the places where an object without search paths finds it, in search order."""
    own: Mapping[tuple[str, str], str]
    """(Path of an object, SONAME) to the file that its own search path or package provides."""
    variables: tuple[tuple[str, str], ...]
    driver: int | None
    """The newest CUDA major that the driver runs; None if unknown or not needed."""
    strings: tuple[StringConflict, ...]
    builds: tuple[MissingSymbols, ...]
    """Symbols that packages use of their own build of a library and that another package's build
    with the same SONAME does not export."""
    unreadable: tuple[UnreadableObject, ...]
    """Files with the name of a shared object that start like one and cannot be read."""
    machine: str
    """The interpreter's, as in `SharedObject.machine`."""
    interactions: Interactions = NO_INTERACTIONS
    """What packages with different runtimes or string ABIs exchange."""
    loads: Loads = NO_LOADS
    """What the loader would do for each extension module."""

    verb: ClassVar[str] = "are installed"

    @cached_property
    def by_path(self) -> dict[str, ObjectFacts]:
        """Every object, in packages and outside."""
        members = self.members if self.runtime is None else (*self.members, self.runtime)
        inside = {each.path: each for member in members for each in member.objects}
        return {**self.loads.objects, **self.outside, **inside}

    @cached_property
    def owners(self) -> dict[str, Member]:
        """Path of an object to its distribution."""
        members = self.members if self.runtime is None else (*self.members, self.runtime)
        return {each.path: member for member in members for each in member.objects}

    @cached_property
    def needed(self) -> frozenset[str]:
        """All ``DT_NEEDED`` entries of the distributions' objects."""
        return frozenset(name for member in self.members for name in member.needed)

    @cached_property
    def package_names(self) -> frozenset[str]:
        """Names of the distributions that have objects."""
        return frozenset(member.name for member in self.members)

    @cached_property
    def string_conflicts(self) -> frozenset[frozenset[str]]:
        """The pairs of distributions that `strings` is about."""
        rows = ((self.package_of(e.consumer), self.package_of(e.provider)) for e in self.strings)
        return frozenset(frozenset(filter(None, row)) for row in rows)

    @property
    def python(self) -> str:
        """Version of the interpreter."""
        return self.environment.interpreter.python

    @property
    def glibc(self) -> str:
        """Version of its C library."""
        return self.environment.interpreter.glibc

    @property
    def packed(self) -> str:
        """The folder of a program that was packed with its interpreter; else empty."""
        return self.environment.interpreter.packed

    @property
    def libstdcxx(self) -> str:
        """Path of the libstdc++ that an object without search paths gets; empty for none."""
        found = self.default(LIBSTDCXX)
        return found.path if found else ""

    @property
    def early_libstdcxx(self) -> str:
        """Path of the libstdc++ that is there before Python can load one; empty for none."""
        return self.early(LIBSTDCXX)

    @property
    def runtime_library(self) -> str:
        """Path of the runtime wheel's libstdc++; empty without the wheel."""
        vendored = self.vendored(LIBSTDCXX)
        return vendored.path if vendored else ""

    @property
    def has_runtime(self) -> bool:
        """Whether the runtime wheel is installed."""
        return self.runtime is not None

    def version_of(self, name: str) -> str:
        """Version of a distribution; empty if it is not installed."""
        found = self.environment.named(name)
        return found.version if found else ""

    def label(self, path: str) -> str:
        """Name and version of an object's distribution, else its path."""
        owner = self.owners.get(path)
        return f"{owner.name} {owner.distribution.version}" if owner else path

    def package_of(self, path: str) -> str | None:
        """Name of an object's distribution, None for an object outside all of them."""
        owner = self.owners.get(path)
        return owner.name if owner else None

    def other_cxx_users(self, member: Member) -> list[Member]:
        """The other distributions with objects that need ``libstdc++.so.6``."""
        return [each for each in self.members if each is not member and LIBSTDCXX in each.needed]

    def copies(self, *families: RuntimeFamily) -> tuple[RuntimeCopy, ...]:
        """Copies of runtimes that one process can load together, one for each SONAME.

        An object with the SONAME of no runtime counts only if another object needs it: the rest
        are stubs and plug-ins. An object that is needed by its file name is loaded whatever other
        library has its SONAME.
        """
        found: dict[str, RuntimeCopy] = {}
        for member in self.members:
            for each in member.objects:
                family = _family(each, families, self.needed)
                if family is not None:
                    file = each.path.rpartition("/")[2]
                    name = file if file in self.needed else each.name
                    known = found.setdefault(name, RuntimeCopy(each.path, name, family))
                    owners = tuple(sorted({*known.owners, member.name}))
                    found[name] = known._replace(owners=owners)
        for name in sorted(self.candidates):
            family = family_of_name(name)
            system = self.default(name) if family in families and name not in found else None
            if family is not None and system is not None and self._reaches_default(name):
                found[name] = RuntimeCopy(system.path, name, family)
        return tuple(found.values())

    def _reaches_default(self, name: str) -> bool:
        users = (user for member in self.members for user in member.users(name))
        return any((user.path, name) not in self.own for user in users)

    def packaged(self) -> Iterator[ObjectFacts]:
        """The objects of packages that this Python may load."""
        return (each for member in self.members for each in member.objects)

    def modules_with(self, paths: Collection[str]) -> tuple[str, ...]:
        """The extension modules that map one of some files."""
        wanted = set(paths)
        opened = (each for each in self.loads.opened if each.module not in self.loads.by_name)
        return tuple(each.module for each in opened if not wanted.isdisjoint(each.edges))

    def twins(self) -> dict[str, list[Twins]]:
        """Libraries that a package has as several files, by the package."""
        found = {}
        for member in self.members:
            inodes: dict[tuple[int, int], ObjectFacts] = {}
            for each in member.objects:
                if each.path in self.loads.inodes:
                    inodes.setdefault(self.loads.inodes[each.path], each)
            libraries = ((e.path, e.facts) for e in inodes.values() if is_plain_library(e))
            if twins := find_twins(libraries):
                found[member.name] = twins
        return found

    def private_libstdcxx(self) -> Iterator[PrivateLibstdcxx]:
        """Copies of libstdc++ under another SONAME, or linked into an object and exported."""
        first = self.vendored(LIBSTDCXX) if self.activated else None
        for member in self.members:
            users = [each.name for each in self.other_cxx_users(member)]
            users += [member.name] if LIBSTDCXX in member.needed else []
            state = State.ALONE if not users else State.LIVE
            renamed = [
                each
                for each in member.copies(RuntimeFamily.LIBSTDCXX)
                if each.name != LIBSTDCXX and each.locale_ids
            ]
            static = [each for each in member.objects if RuntimeFamily.LIBSTDCXX in each.static]
            for linked_in, objects in ((False, renamed), (True, static)):
                if objects:
                    yield PrivateLibstdcxx(
                        label=self.label(objects[0].path),
                        package=member.name,
                        linked_in=linked_in,
                        state=State.INERT if self.activated else state,
                        paths=tuple(each.path for each in objects[:5]),
                        other=first.path if first else "",
                        users=tuple(sorted(users)),
                        evidence=tuple(
                            f"{each.path} exports {each.locale_ids[0]}" for each in objects[:3]
                        ),
                    )

    def default(self, name: str) -> ObjectFacts | None:
        """The library of that name that an object without search paths gets."""
        found = self.candidates.get(name)
        return self.outside.get(found[0].path) if found else None

    def early(self, name: str) -> str:
        """Path of the library of that name that every process starts with; empty for none."""
        return next((path for path in self.loads.started if self.by_path[path].name == name), "")

    def vendored(self, name: str) -> ObjectFacts | None:
        """The runtime wheel's library of that name."""
        objects = self.runtime.objects if self.runtime else ()
        return next((each for each in objects if each.name == name), None)

    def served(self, member: Member, name: str) -> tuple[ObjectFacts, ...]:
        """The libraries that may serve a distribution: the runtime wheel's and the default.

        One that is there before Python starts serves everything.
        """
        early = self.early(name)
        return (self.by_path[early],) if early else self.served_later(member, name)

    def served_later(self, member: Member, name: str) -> tuple[ObjectFacts, ...]:
        """Those that would serve it if none were there before Python starts."""
        default, vendored = self.default(name), self.vendored(name)
        ours = vendored if self.activated or requires_runtime(member.distribution) else None
        return tuple(each for each in (ours, default) if each is not None)


def _family(
    found: ObjectFacts, families: Collection[RuntimeFamily], needed: frozenset[str]
) -> RuntimeFamily | None:
    if found.copy_of in families and (family_of_name(found.name) or found.name in needed):
        return found.copy_of
    return next((each for each in found.static if each in families), None)


def requires_runtime(distribution: Distribution) -> bool:
    """Whether a distribution needs the shared runtime by its tag or its requirements."""
    return claims_tag(distribution) or any(map(_REQUIREMENT.match, distribution.requires))


def claims_tag(distribution: Distribution) -> bool:
    """Whether the distribution's wheel had a runtime ABI tag."""
    return any(claims_runtime(part) for tag in distribution.tags for part in tag.split("-"))
