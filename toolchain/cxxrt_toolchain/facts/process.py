"""Facts of one process at one moment, from which the rules judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from cxxrt_toolchain.facts.families import LIBSTDCXX, RuntimeFamily
from cxxrt_toolchain.facts.interactions import NO_INTERACTIONS, Interactions
from cxxrt_toolchain.facts.libraries import Library, Package, PrivateLibstdcxx, RuntimeCopy, State
from cxxrt_toolchain.facts.loading import Twins, find_twins, is_plain_library

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import SharedObject
    from cxxrt_toolchain.facts.bindings import Bindings
    from cxxrt_toolchain.facts.environment import EnvironmentFacts
    from cxxrt_toolchain.facts.objects import ObjectFacts


@dataclass(frozen=True, kw_only=True)
class ProcessView:
    """One process at one moment; without slots because it caches properties."""

    libraries: tuple[Library, ...]
    """In load order if it is known, else in address order."""
    needed: Mapping[str, tuple[str, ...]]
    packages: tuple[Package, ...]
    ordered: bool
    bindings: Bindings | None
    """None if the memory was not read; `why_no_memory` gives the reason."""
    why_no_memory: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    glibc: str = ""
    python: str = ""
    """Version of the interpreter; empty for another program."""
    host: str = ""
    """Path of a program that is no Python interpreter of its own, as one that embeds Python."""
    frozen: str = ""
    """The own folder of a program that was packed with its interpreter, by PyInstaller say."""
    runtime_version: str = ""
    """The newest ``GLIBCXX`` of the runtime wheel that is installed there."""
    runtime_library: str = ""
    """Path of its libstdc++."""
    activated: bool = False
    """Whether the runtime's start-up hook is installed there."""
    static_tls: tuple[str, ...] = ()
    """Paths of the objects that hold a piece of the static TLS reserve."""
    compilers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """``.comment`` by path, of objects that the rules compare."""
    interactions: Interactions = NO_INTERACTIONS
    """What objects with different runtimes or string ABIs exchange."""
    objects: Mapping[str, ObjectFacts] = field(default_factory=dict)
    """What the mapped files say, by the path in the process; of those that can be read."""

    # Properties of `EnvironmentFacts` that a process does not show.
    string_conflicts: ClassVar[frozenset[frozenset[str]]] = frozenset()
    verb: ClassVar[str] = "are loaded"

    @cached_property
    def by_path(self) -> dict[str, Library]:
        """Every library by its path."""
        return {each.path: each for each in self.libraries}

    @cached_property
    def versions(self) -> dict[str, str]:
        """``name version`` of every distribution by its name."""
        return {each.name: f"{each.name} {each.version}".strip() for each in self.packages}

    @cached_property
    def runtimes(self) -> tuple[Library, ...]:
        """Copies of runtimes, under any name."""
        return tuple(each for each in self.libraries if each.family is not None)

    def of_family(self, *families: RuntimeFamily) -> tuple[Library, ...]:
        """Copies of some runtimes, under any name."""
        return tuple(each for each in self.runtimes if each.family in families)

    def copies(self, *families: RuntimeFamily) -> tuple[RuntimeCopy, ...]:
        """Copies of runtimes that are loaded, also those linked into an object and exported."""
        found = []
        for each in self.libraries:
            family = each.family or next((f for f in each.static if f in families), None)
            if family in families:
                owners = (each.package,) if each.package else ()
                in_use = None if self.bindings is None else each.path not in self.bindings.idle
                found.append(RuntimeCopy(each.path, each.soname, family, owners, in_use))
        return tuple(found)

    def packaged(self) -> Iterator[ObjectFacts]:
        """What is known of the objects of packages, under their paths in the process."""
        return (
            replace(self.objects[each.path], path=each.path)
            for each in self.libraries
            if each.package and each.path in self.objects
        )

    def modules_with(self, paths: Iterable[str]) -> tuple[str, ...]:
        """The objects with some paths: all that is here is loaded."""
        return tuple(paths)

    def twins(self) -> dict[str, list[Twins]]:
        """Libraries that are mapped from several files of a package, by the package."""
        owned: dict[str, list[tuple[str, SharedObject]]] = {}
        for each in filter(is_plain_library, self.packaged()):
            owned.setdefault(self.package_of(each.path) or "", []).append((each.path, each.facts))
        needed = frozenset(name for names in self.needed.values() for name in names)
        return {
            name: [replace(twins, opened=_opened(twins, needed)) for twins in find_twins(own)]
            for name, own in owned.items()
            if find_twins(own)
        }

    @cached_property
    def package_names(self) -> frozenset[str]:
        """Names of the distributions that have objects."""
        return frozenset(each.name for each in self.packages)

    @property
    def has_runtime(self) -> bool:
        """Whether the runtime wheel is installed."""
        return bool(self.runtime_version)

    def version_of(self, name: str) -> str:
        """Version of a distribution; empty if it is unknown."""
        return next((each.version for each in self.packages if each.name == name), "")

    def private_libstdcxx(self) -> Iterator[PrivateLibstdcxx]:
        """Copies of libstdc++ under another SONAME, or linked into an object and exported.

        Without those that took part in damage that is already visible (`LocaleTable.collisions`).
        """
        copies = [e for e in self.libraries if RuntimeFamily.LIBSTDCXX in (e.family, *e.static)]
        tables = {each.path: each for each in self.bindings.locales} if self.bindings else {}
        damaged = {path for path, table in tables.items() if table.collisions}
        for library in copies:
            table = tables.get(library.path)
            if library.soname == LIBSTDCXX or library.path in damaged:
                continue
            others = [each.path for each in copies if each is not library]
            if self.bindings is None:
                state = State.UNKNOWN if others else State.ALONE
            elif table is None:  # it is bound to no other copy (-Bsymbolic)
                continue
            elif table.bound_to != library.path:
                state, others = State.INERT, [table.bound_to]
            elif damaged:
                continue
            else:
                others = [path for path in others if path in tables and tables[path].is_own]
                state = State.LIVE if others else State.ALONE
            yield PrivateLibstdcxx(
                label=self.label(library.path),
                package=library.package,
                linked_in=library.family is None,
                state=state,
                paths=(library.path,),
                other=others[0] if others else "",
                users=self.users(self.by_path[others[0]]) if state is State.LIVE else (),
                evidence=(str(table),) if table else (),
            )

    def package_of(self, path: str) -> str | None:
        """Name of an object's distribution, None for an object outside all of them."""
        library = self.by_path.get(path)
        return library.package if library else None

    def label(self, path: str) -> str:
        """Name and version of an object's distribution, else its path."""
        package = self.package_of(path)
        return self.versions.get(package, package) if package else path

    def group(self, path: str) -> str:
        """The distribution of an object, else its folder."""
        return self.package_of(path) or path.rpartition("/")[0]

    def bringer(self, library: Library) -> str:
        """Path of the nearest earlier object that needs a library, because of which it was loaded.

        Empty if it was opened by name or if the load order is unknown.
        """
        if not self.ordered:
            return ""
        position = self.libraries.index(library)
        for each in reversed(self.libraries[:position]):
            if library.soname in self.needed.get(each.path, ()):
                return each.path
        return ""

    @property
    def libstdcxx(self) -> str:
        """Path of the runtime wheel's libstdc++, else of the machine's; empty for none."""
        found = (each.path for each in self.libraries if each.soname == LIBSTDCXX)
        return self.runtime_library or next((e for e in found if not self.package_of(e)), "")

    @cached_property
    def preloaded(self) -> tuple[str, ...]:
        """Paths of the objects that ``LD_PRELOAD`` names, in load order."""
        entries = self.variables.get("LD_PRELOAD", "").replace(":", " ").split()
        names = {each.rpartition("/")[2] for each in entries}

        def is_named(each: Library) -> bool:
            file = each.path.rpartition("/")[2]  # a symbolic link may lead to name.so.4.5
            return each.soname in names or any(f"{file}.".startswith(f"{e}.") for e in names)

        return tuple(each.path for each in self.libraries if is_named(each))

    @cached_property
    def early_libstdcxx(self) -> str:
        """Path of the libstdc++ that was there before Python could load one; empty for none.

        The program needs it, or an object that ``LD_PRELOAD`` names, directly or through others.
        """
        first = self.libraries[: 1 if self.ordered else 0]
        early = self._reached((*(each.path for each in first), *self.preloaded))
        found = (e.path for e in self.libraries if e.soname == LIBSTDCXX and e.path in early)
        return next(found, "")

    def _reached(self, paths: Iterable[str]) -> set[str]:
        """Some objects and all that they need, directly or through others."""
        sonames = {each.soname: each.path for each in reversed(self.libraries)}
        seen = set(paths)
        waiting = [*seen]
        while waiting:
            needed = self.needed.get(waiting.pop(), ())
            found = {sonames[name] for name in needed if name in sonames} - seen
            seen |= found
            waiting += found
        return seen

    def users(self, library: Library) -> tuple[str, ...]:
        """Distributions with an object that needs a library's SONAME, in load order."""
        rows = (
            each.package
            for each in self.libraries
            if each.package and library.soname in self.needed.get(each.path, ())
        )
        return tuple(dict.fromkeys(rows))

    def group_needs(self, source: str, target: str) -> bool:
        """Whether the objects of a distribution need another object, directly or through others."""
        group = self.group(source)
        return target in self._reached(
            e.path for e in self.libraries if self.group(e.path) == group
        )

    def reach(self, source: str, target: str) -> str:
        """Why the loader binds symbols of one object to definitions in another."""
        return (
            "which it needs" if self.group_needs(source, target) else "which is loaded RTLD_GLOBAL"
        )


def _opened(twins: Twins, needed: frozenset[str]) -> tuple[str, ...]:
    """The files that no needed name leads to; the SONAME leads to the first, if to none else."""
    files = {path: path.rpartition("/")[2] for path in twins.paths}
    first = twins.soname in needed and twins.soname not in files.values()
    return tuple(path for path in twins.paths[first:] if files[path] not in needed)


def names_of(scene: ProcessView | EnvironmentFacts, paths: Iterable[str]) -> tuple[str, ...]:
    """The distributions that some objects belong to, each once."""
    return tuple(dict.fromkeys(name for path in paths if (name := scene.package_of(path))))
