"""What is known of one process at one moment: frozen, from which the rules judge.

Made by `process`; the rules in `process_rules` and `binding_rules` read nothing else. No file
access and no judgement here, only the questions that several rules ask.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.families import RuntimeFamily, canonical_soname
from cxxrt_toolchain.facts.interactions import NO_INTERACTIONS, Interactions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cxxrt_toolchain.facts.bindings import Bindings
    from cxxrt_toolchain.facts.libraries import Library, Package

LIBSTDCXX = "libstdc++.so.6"


@dataclass(frozen=True, kw_only=True)
class ProcessView:
    """One process at one moment; without slots, because it caches its indices."""

    libraries: tuple[Library, ...]
    """In load order where that is known, else in address order."""
    needed: Mapping[str, tuple[str, ...]]
    """``DT_NEEDED`` by path."""
    packages: tuple[Package, ...]
    ordered: bool
    """Whether the load order is known."""
    bindings: Bindings | None
    """None where the memory was not read; `why_no_memory` says why."""
    why_no_memory: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    glibc: str = ""
    """Version of the C library that is mapped."""
    python: str = ""
    """The interpreter's version; empty where there is none."""
    runtime_version: str = ""
    """The newest ``GLIBCXX`` of the runtime wheel that is installed there."""
    compilers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """``.comment`` by path, of objects that the rules compare."""
    interactions: Interactions = NO_INTERACTIONS
    """Where objects with a runtime or a string of their own meet others."""

    @cached_property
    def by_path(self) -> dict[str, Library]:
        """Every library by its path."""
        return {each.path: each for each in self.libraries}

    @cached_property
    def versions(self) -> dict[str, str]:
        """``name version`` of every package by its name."""
        return {each.name: f"{each.name} {each.version}".strip() for each in self.packages}

    @cached_property
    def runtimes(self) -> tuple[Library, ...]:
        """Copies of runtimes, whatever they are called."""
        return tuple(each for each in self.libraries if each.family is not None)

    def of_family(self, *families: RuntimeFamily) -> tuple[Library, ...]:
        """Copies of some runtimes, whatever they are called."""
        return tuple(each for each in self.runtimes if each.family in families)

    def runtime_copies(self) -> dict[str, tuple[Library, ...]]:
        """The copies of each runtime by the vendor's own SONAME."""
        found: dict[str, list[Library]] = {}
        for each in self.runtimes:
            name = canonical_soname(each.soname)
            known = name if "libcudart" in name or each.family is None else each.family.value
            found.setdefault(known, []).append(each)
        return {name: tuple(rows) for name, rows in found.items()}

    def package_of(self, path: str) -> str | None:
        """The name of the package that an object belongs to."""
        library = self.by_path.get(path)
        return library.package if library else None

    def label(self, path: str) -> str:
        """Who an object belongs to, for a sentence."""
        package = self.package_of(path)
        return self.versions.get(package, package) if package else path

    def group(self, path: str) -> str:
        """What an object is part of: its package, else its folder."""
        return self.package_of(path) or path.rpartition("/")[0]

    def bringer(self, library: Library) -> str:
        """The object that made the loader load a library: the nearest earlier one that needs it.

        Empty where it was opened by name, or where the order is not known.
        """
        if not self.ordered:
            return ""
        position = self.libraries.index(library)
        for each in reversed(self.libraries[:position]):
            if library.soname in self.needed.get(each.path, ()):
                return each.path
        return ""

    def users(self, library: Library) -> tuple[str, ...]:
        """Packages with an object that needs a library's SONAME, in load order."""
        rows = (
            each.package
            for each in self.libraries
            if each.package and library.soname in self.needed.get(each.path, ())
        )
        return tuple(dict.fromkeys(rows))

    def group_needs(self, source: str, target: str) -> bool:
        """Whether what an object is part of needs another one, directly or through others."""
        group = self.group(source)
        waiting = [each.path for each in self.libraries if self.group(each.path) == group]
        sonames = {each.soname: each.path for each in reversed(self.libraries)}
        seen = set(waiting)
        while waiting:
            for name in self.needed.get(waiting.pop(), ()):
                path = sonames.get(name, "")
                if path == target:
                    return True
                if path and path not in seen:
                    seen.add(path)
                    waiting.append(path)
        return False

    def reach(self, source: str, target: str) -> str:
        """How it can be that the loader finds definitions of an object for another one."""
        return (
            "which it needs" if self.group_needs(source, target) else "which is loaded RTLD_GLOBAL"
        )


def names_of(view: ProcessView, paths: Iterable[str]) -> tuple[str, ...]:
    """The packages that some objects belong to, each once."""
    return tuple(dict.fromkeys(name for path in paths if (name := view.package_of(path))))
