"""What the loader would do for each extension module of an environment, without loading it.

`Loads` holds the libraries that every process starts with, those that each module maps, and what
each lacks: a file, a symbol version or a symbol. Also the reserve of static thread-local storage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import SharedObject
    from cxxrt_toolchain.facts.objects import ObjectFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What importing one extension module maps, in a process that has imported nothing else."""

    module: str
    """Its path."""
    edges: Mapping[str, Mapping[str, str]]
    """Each file that it maps to that file's ``DT_NEEDED`` and the files that serve them; itself
    first, breadth first, without the files that the process started with."""
    absent: tuple[tuple[str, str], ...] = ()
    """(Path of an object, needed name) of libraries that the loader does not find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A library that an object needs and that the loader does not find."""

    consumer: str
    name: str
    modules: tuple[str, ...]
    """The extension modules that cannot be imported because of it."""
    found: tuple[str, ...] = ()
    """Paths of installed files with that name, in packages that nothing leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """What an object needs and no library that it gets defines."""

    consumer: str
    modules: tuple[str, ...]
    """The extension modules that cannot be imported because of it."""
    versions: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    """Mangled; either these or versions."""
    provider: str = ""
    """Path of the library that was to define it; empty if that cannot be told."""
    variable: str = ""
    """What puts that library before another one, such as ``LD_LIBRARY_PATH``; empty if nothing
    does."""
    instead: str = ""
    """Path of the library that would be found without the variable and that defines it."""
    by_python: bool = False
    """Whether Python code opens the module, so that no other program has the symbols."""
    exporters: tuple[str, ...] = ()
    """Paths of installed objects that export the symbols and that nothing leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """What the loader would do in an environment."""

    started: tuple[str, ...] = ()
    """Files that are mapped before Python runs, in load order."""
    preloaded: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Path of a library among them that is there because of a preloaded one only, to the path of
    the preloaded one, which may be the same, and what names that: ``LD_PRELOAD``, or the file."""
    opened: tuple[Opened, ...] = ()
    by_name: frozenset[str] = frozenset()
    """Paths of those among them that are no modules: libraries that code opens."""
    spare: frozenset[str] = frozenset()
    """Those of them in packages of which code can open some; their symbols are not looked up."""
    absent: tuple[Absent, ...] = ()
    unserved: tuple[Unserved, ...] = ()
    objects: Mapping[str, ObjectFacts] = field(default_factory=dict)
    """The files outside the packages among them."""

    inodes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Device and inode of the packages' libraries that have a SONAME, by path."""

    def by_code(self, modules: Iterable[str]) -> bool:
        """Whether some modules are all libraries that code opens."""
        return self.by_name.issuperset(modules)


NO_LOADS = Loads()
GRAFTED = re.compile(r"-[0-9a-f]{8}(?=\.)")
"""What repair tools add to the name of a library that they put into a wheel."""

_RESERVE = 1664
_OPTIONAL = 512
_BLOCK = 64
"""TCB_ALIGNMENT."""
_TUNABLE = re.compile(r"glibc\.rtld\.(?P<name>\w+)=(?P<value>\w+)")


def tunables(variable: str) -> dict[str, int]:
    """The numbers of the loader's tunables in ``GLIBC_TUNABLES``, by name without the prefix."""
    found = {}
    for entry in variable.split(":"):
        match = _TUNABLE.fullmatch(entry)
        if match is not None:
            try:
                found[match["name"]] = int(match["value"], 0)
            except ValueError:  # glibc ignores it, too
                continue
    return found


def static_tls_room(started: Iterable[ObjectFacts], variable: str) -> int:
    """Bytes of static TLS that a process has for libraries that are opened after its start.

    `started` are the objects that it starts with, `variable` is ``GLIBC_TUNABLES``. glibc's
    elf/dl-tls.c (`_dl_tls_static_surplus_init`): 1664 with the default of 512 for
    ``glibc.rtld.optional_static_tls``, a tunable since 2.32, and 1664 in older releases; rounded up
    with what is used at the start (`_dl_determine_tlsoffset`).
    """
    reserve = _RESERVE - _OPTIONAL + tunables(variable).get("optional_static_tls", _OPTIONAL)
    used = 0
    for each in started:
        size, alignment = each.facts.thread_local
        used = -(-(used + size) // alignment) * alignment
    return -(-(used + reserve) // _BLOCK) * _BLOCK - used


def static_tls_left(room: int, objects: Iterable[ObjectFacts]) -> int:
    """The bytes that are left when objects are opened in this order, below 0 where they don't fit.

    glibc's elf/dl-reloc.c, `_dl_try_allocate_static_tls`.
    """
    for each in filter(takes_static_tls, objects):
        size, alignment = each.facts.thread_local
        room = (room - size) // alignment * alignment if room >= size else room - size
    return room


def takes_static_tls(found: ObjectFacts) -> bool:
    """Whether opening an object takes from the reserve: its relocations need its own variables."""
    return found.facts.static_tls and found.facts.thread_local[0] > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Several files of one library."""

    soname: str
    paths: tuple[str, ...]
    opened: tuple[str, ...] = ()
    """Of a process: those that are mapped and that no object needs by a name that leads there, so
    that something has opened them by their paths."""


def find_twins(libraries: Iterable[tuple[str, SharedObject]]) -> list[Twins]:
    """The libraries among some files that have one SONAME, or one build id."""
    groups: dict[str, list[str]] = {}
    builds: dict[str, str] = {}
    for path, facts in libraries:
        if facts.soname:
            build = facts.build_id or facts.soname
            groups.setdefault(builds.setdefault(build, facts.soname), []).append(path)
    several = {name: paths for name, paths in groups.items() if len(paths) > 1}
    return [Twins(soname=name, paths=tuple(paths)) for name, paths in several.items()]


def is_plain_library(found: ObjectFacts) -> bool:
    """Whether it is no extension module and no copy of a runtime, which other rules judge."""
    return found.copy_of is None and not found.is_module
