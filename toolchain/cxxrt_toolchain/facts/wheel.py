"""What a wheel contains, as far as any rule asks: no opinions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import parse_requirement
from cxxrt_toolchain.facts.families import RuntimeFamily, served_soname
from cxxrt_toolchain.facts.installed import normalized

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from cxxrt_toolchain.abi.filename import WheelTags
    from cxxrt_toolchain.elf.facts import SharedObject, Soname
    from cxxrt_toolchain.wheel.metadata import WheelFile
    from cxxrt_toolchain.wheel.reader import RecordIssue

_SHARED = re.compile(r".+\.so(?:\.[0-9][\w-]*)*")
_SCRIPT = re.compile(r"[^/]+\.data/scripts/[^/]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolSample:
    """How many symbols of a kind there are, and the first few of them."""

    count: int = 0
    examples: tuple[str, ...] = ()
    """At most three mangled names, sorted."""

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        if not self.count:
            return "none"
        more = ", …" if self.count > len(self.examples) else ""
        return f"{self.count} ({', '.join(self.examples)}{more})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolDigest:
    """What an object's dynamic symbols say, without the symbols themselves."""

    captures: SymbolSample = SymbolSample()
    """Exported symbols that libstdc++ itself refers to by name, so that the first module to load
    it can redirect it (``std::__once_call``, ``__cxa_throw``); those of `std::call_once` first."""
    libstdcxx_strong: SymbolSample = SymbolSample()
    """Exported ``STB_GLOBAL`` definitions in the namespaces that belong to libstdc++."""
    libstdcxx_weak: SymbolSample = SymbolSample()
    """Exported weak ones: instantiations of standard templates, vague linkage."""
    unique: SymbolSample = SymbolSample()
    """Exported ``STB_GNU_UNIQUE`` symbols: one definition per process, dlopen mode or not."""
    locale_ids: SymbolSample = SymbolSample()
    """Exported plain locale facet ids: with them comes a whole second libstdc++."""
    cudart_defined: SymbolSample = SymbolSample()
    """Exported functions of the CUDA runtime API."""
    cudart_needed: tuple[str, ...] = ()
    """Undefined functions of the CUDA runtime API, sorted."""
    other_runtimes: SymbolSample = SymbolSample()
    """Exported functions of libgomp or of the unwinder."""
    old_strings_exported: SymbolSample = SymbolSample()
    """Exported names that spell the old, copy-on-write ``std::string``."""
    old_strings_needed: SymbolSample = SymbolSample()
    old_strings_of_libstdcxx: SymbolSample = SymbolSample()
    """Needed names of libstdc++ itself that spell the old string: what the object was compiled
    with, also where no name of its own shows it."""
    new_strings_exported: SymbolSample = SymbolSample()
    """Exported names in or tagged ``__cxx11``."""
    new_strings_needed: SymbolSample = SymbolSample()
    private_needs: tuple[tuple[str, str], ...] = ()
    """Sorted (SONAME, name) pairs of the undefined symbols that some policy forbids, weak ones left
    out; the SONAME is empty for a symbol without a version."""
    forbidden_definitions: tuple[str, ...] = ()
    """The exported symbols that some policy forbids, sorted."""
    undefined: frozenset[str] = frozenset()
    """Of the few undefined C functions that a rule asks about, those that are there."""
    provided_needs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Sorted (SONAME, undefined symbols) of the provider libraries that give their symbols
    versions, weak symbols left out."""
    unversioned: tuple[str, ...] = ()
    """Strong undefined symbols without a version that the interpreter does not define: what defines
    them has no symbol versions, or was not part of the link."""
    unique_names: tuple[str, ...] = field(default=(), repr=False)
    """All exported ``STB_GNU_UNIQUE`` symbols; kept to find the other wheels that have them."""
    exported: Collection[str] = field(default=(), repr=False)
    """All exported names; kept to find out who defines other objects' `unversioned` symbols."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReport:
    """One ELF member of the wheel."""

    member: str
    size: int
    facts: SharedObject
    """Without symbols: their digest is kept instead."""
    copy_of: RuntimeFamily | None
    """The runtime library that this object is a copy of."""
    symbols: SymbolDigest
    static: tuple[RuntimeFamily, ...]
    """Runtimes linked into this object, sorted by name; exported or not is in `symbols`."""
    protos: tuple[str, ...] = ()
    """The ``.proto`` files that it registers in the libprotobuf that it needs, sorted."""

    @property
    def name(self) -> str:
        """What other objects need it by: its SONAME, else its file name."""
        return self.facts.soname or self.file_name

    @property
    def file_name(self) -> str:
        """The last part of its name in the wheel."""
        return self.member.rsplit("/", 1)[-1]

    def needs_private(self, library: str, private: frozenset[str]) -> tuple[str, ...]:
        """Those of a library's private symbols that the object needs, if it needs the library."""
        if library not in self.facts.needed:
            return ()
        needs = self.symbols.private_needs
        return tuple(name for owner, name in needs if name in private and owner in ("", library))

    @property
    def is_module(self) -> bool:
        """Whether Python can import it, by its exports."""
        return any(name.startswith(("PyInit", "PyModExport")) for name in self.symbols.exported)

    @property
    def served_as(self) -> Soname | None:
        """For a copy of a library that the shared runtime has: the runtime's name for it."""
        return served_soname(self.name, self.copy_of) if self.copy_of else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableObject:
    """A file that starts like an ELF file and cannot be read."""

    member: str
    """Its name in the wheel, or the path where it is installed."""
    reason: str
    machine: str = ""
    """As in `SharedObject.machine`; empty if not even that can be read."""
    executable: bool = False
    """Whether its permissions let it be executed."""

    def is_loaded(self, needed: Collection[str], machines: Collection[str]) -> bool:
        """Whether somebody asks a loader of one of these machines for it, which then refuses it.

        By a module's or library's name, because another object needs it (`needed` has all
        ``DT_NEEDED`` entries), as an installed script or as a program. Everything else is data
        that only begins like an ELF file. Without `machines` it may be any that Linux runs on.
        """
        if self.machine and not runs_on(self.machine, machines):
            return False
        name = self.member.rsplit("/", 1)[-1]
        asked = _SHARED.fullmatch(name) or name in needed or _SCRIPT.fullmatch(self.member)
        return bool(asked) or (self.executable and bool(self.machine))


def runs_on(machine: str, machines: Collection[str]) -> bool:
    """Whether an object's machine is one of some; without any, whether Linux runs on it."""
    return machine in machines if machines else not machine.startswith("em_")


@dataclass(frozen=True, kw_only=True)
class WheelReport:
    """The facts of a wheel; without slots, because it caches its index by name."""

    filename: str
    tags: WheelTags
    wheel_file: WheelFile | None
    """``WHEEL``; None where it is missing or unreadable, which `metadata_issues` explains."""
    requires_dist: tuple[str, ...]
    """As METADATA spells them."""
    metadata_issues: tuple[str, ...]
    record_issues: tuple[RecordIssue, ...] | None
    """None where nobody asked for the comparison."""
    dist_info: str
    members: tuple[str, ...]
    """All names, in archive order, directories left out."""
    objects: tuple[ObjectReport, ...]
    """Those for the machines that the wheel is for; without one, those for any Linux machine."""
    unreadable: tuple[UnreadableObject, ...]
    replaceable: Mapping[str, Soname] = field(default_factory=dict)
    """Copies of libraries that other distributions bring, each with the SONAME that its users can
    have instead (`facts.provided.replaceable`)."""
    foreign: tuple[ObjectReport, ...] = ()
    """Objects for other machines, which no loader of the wheel's machines opens: data."""

    @property
    def every_object(self) -> tuple[ObjectReport, ...]:
        """With the foreign ones, by member."""
        return tuple(sorted((*self.objects, *self.foreign), key=lambda found: found.member))

    def for_machines(self, machines: Collection[str]) -> WheelReport:
        """The same report of a wheel for some machines; without any, for all of Linux."""
        every = self.every_object
        own = [runs_on(each.facts.machine, machines) for each in every]
        if machines and not any(own):  # they are for another machine, all of them
            return self.for_machines(())
        foreign = tuple(each for each, mine in zip(every, own, strict=True) if not mine)
        return replace(self, objects=tuple(compress(every, own)), foreign=foreign)

    def provides(self, name: str) -> ObjectReport | None:
        """The object in the wheel that a ``DT_NEEDED`` entry would find, if there is one."""
        return self._by_name.get(name)

    def all_modules_need(self, members: Collection[str]) -> bool:
        """Whether every extension module needs some member; true, too, without any module."""
        return all(
            not self._reached(each).isdisjoint(members) for each in self.objects if each.is_module
        )

    def _reached(self, found: ObjectReport) -> set[str]:
        """The members that loading an object loads."""
        waiting, seen = [found], {found.member}
        for each in waiting:  # grows while it is walked
            for other in filter(None, map(self.provides, each.facts.needed)):
                if other.member not in seen:
                    seen.add(other.member)
                    waiting.append(other)
        return seen

    def requirements_on(self, distribution: str) -> tuple[Requirement, ...]:
        """The requirements on a distribution (its normalized name), with whatever marker."""
        from packaging.requirements import InvalidRequirement

        found = []
        for line in self.requires_dist:
            with suppress(InvalidRequirement):
                requirement = parse_requirement(line)
                if normalized(requirement.name) == distribution:
                    found.append(requirement)
        return tuple(found)

    def unresolved(self, found: ObjectReport) -> tuple[str, ...]:
        """The `unversioned` symbols of an object that no object of the wheel defines."""
        return tuple(name for name in found.symbols.unversioned if name not in self._defined)

    @cached_property
    def _defined(self) -> frozenset[str]:
        """Of the symbols that some object needs without a version, those that another exports."""
        wanted = frozenset(name for found in self.objects for name in found.symbols.unversioned)
        exporting = self.objects if wanted else ()
        return frozenset(
            name for found in exporting for name in found.symbols.exported if name in wanted
        )

    @cached_property
    def _by_name(self) -> dict[str, ObjectReport]:
        """The loader looks for a file's name; what is loaded also answers to its SONAME."""
        sonames = {found.name: found for found in reversed(self.objects)}
        return sonames | {found.file_name: found for found in reversed(self.objects)}

    @cached_property
    def dropped(self) -> Mapping[str, Soname]:
        """The copies that a repair drops: member to the SONAME that its users get instead."""
        served = {found.member: found.served_as for found in self.objects}
        ours = {member: soname for member, soname in served.items() if soname is not None}
        return {**self.replaceable, **ours}

    def served_as(self, needed: Soname) -> Soname | None:
        """The runtime's name for a needed library, also where a bundled copy serves it today.

        So for the library of another distribution whose copy a repair drops. The copy may be called
        anything: torchvision 0.29.1 needs ``libcudart.faf08d9a.so.13``, a file whose SONAME is
        ``libcudart.so.13``.
        """
        copy = self.provides(needed)
        return self.dropped.get(copy.member) if copy is not None else served_soname(needed, None)
