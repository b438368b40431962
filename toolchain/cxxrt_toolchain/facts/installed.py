"""An interpreter, the distributions installed for it, and where the loader finds libraries."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxxrt_toolchain.host.interpreter import Interpreter

_SEPARATORS = re.compile(r"[-_.]+")


_SITES = ("/site-packages/", "/dist-packages/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One installed distribution."""

    name: str
    """As its METADATA spells it."""
    version: str
    location: str
    requires: tuple[str, ...]
    tags: tuple[str, ...]
    """Tags of its WHEEL file; empty if it was not installed from a wheel."""
    files: tuple[str, ...]
    """Absolute paths of files that may be shared objects, in the order of its RECORD."""
    sources: tuple[str, ...] = ()
    """Of an editable install: the folders of its project and packages, without symlinks."""

    @property
    def key(self) -> str:
        """Its normalized name."""
        return normalized(self.name)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Everything installed for one interpreter; without slots because it caches properties."""

    interpreter: Interpreter
    distributions: tuple[Distribution, ...]
    """Sorted by normalized name; of two with one name, the one that is imported."""

    def owner(self, path: str) -> Distribution | None:
        """The distribution that installed a file, also if the path contains symlinks.

        A file in the source tree of an editable install belongs to that distribution, recorded or
        not: it may have been built later, or be loaded from a build folder.
        """
        found = self._owners.get(path)
        if found is None:
            real = os.path.realpath(path)
            found = self._owners.get(real) or self._resolved.get(path)
            found = found or self._editable(path) or self._editable(real)
        return found

    def named(self, name: str) -> Distribution | None:
        """The distribution with a name, which is compared as PEP 503 says."""
        key = normalized(name)
        return next((each for each in self.distributions if each.key == key), None)

    def files_named(self, name: str) -> tuple[str, ...]:
        """Paths of the installed files with a name, in the order of their distributions."""
        return tuple(path for path in self._owners if path.endswith(f"/{name}"))

    def module_above(self, path: str) -> str:
        """The top module of an installed file, by its place; empty for a file that is in none."""
        owner = self.owner(path)
        top = path.removeprefix(f"{owner.location}/").partition("/")[0] if owner else ""
        return top.removesuffix(".libs") if top.removesuffix(".libs").isidentifier() else ""

    @cached_property
    def _owners(self) -> dict[str, Distribution]:
        return {path: each for each in reversed(self.distributions) for path in each.files}

    def _editable(self, path: str) -> Distribution | None:
        """The editable install with the innermost source tree that contains a file."""
        for folder, each, apart in self._trees:
            if path.startswith(folder) and not path.startswith(apart):
                below = path[len(folder) - 1 :]
                return None if any(site in below for site in _SITES) else each
        return None

    @cached_property
    def _trees(self) -> list[tuple[str, Distribution, tuple[str, ...]]]:
        """Folders of source trees, inner folders first, with the interpreter prefixes in them."""
        own = (self.interpreter.prefix, self.interpreter.base_prefix)
        prefixes = [f"{os.path.realpath(each)}/" for each in own if each]
        found = [(f"{folder}/", each) for each in self.distributions for folder in each.sources]
        return [
            (folder, each, tuple(prefix for prefix in prefixes if prefix.startswith(folder)))
            for folder, each in sorted(found, key=lambda row: -len(row[0]))
        ]

    @cached_property
    def _resolved(self) -> dict[str, Distribution]:
        """Distributions by the resolved paths of their files, as a process shows them."""
        folders: dict[str, str] = {}
        found = {}
        for path, each in self._owners.items():
            folder, _, name = path.rpartition("/")
            if folder not in folders:
                folders[folder] = os.path.realpath(folder)
            real = f"{folders[folder]}/{name}"
            # Some installers make links to their cache (uv's link mode "symlink").
            found[os.path.realpath(real) if os.path.islink(real) else real] = each  # noqa: PTH114 - per file
        return found


def normalized(name: str) -> str:
    """The name as PEP 503 normalizes it, without the 10 ms that importing `packaging` takes."""
    return _SEPARATORS.sub("-", name).lower()


class Step(Enum):
    """The step of the search that found a library."""

    PRELOAD = "LD_PRELOAD"
    PRELOAD_FILE = "/etc/ld.so.preload"
    OWN_RPATH = "its own RPATH"
    LOADERS_RPATH = "the RPATH of an object that loads it"
    PROGRAM_RPATH = "the interpreter's RPATH"
    OWN_FOLDER = "the program's own folder"
    LD_LIBRARY_PATH = "LD_LIBRARY_PATH"
    OWN_RUNPATH = "its own RUNPATH"
    CACHE = "ld.so.cache"
    DEFAULT = "the default folders"


VARIABLE_STEPS = (Step.PRELOAD, Step.PRELOAD_FILE, Step.LD_LIBRARY_PATH)
"""Those that an environment variable adds, or the file that acts like one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A library and how it was found."""

    path: str
    step: Step
