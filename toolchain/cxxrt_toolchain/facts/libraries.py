"""An installed or mapped ELF file as the `Library` that a diagnosis shows.

Asks the file system only whether a prefix is a conda environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.facts.families import DEFINED_BY, RuntimeFamily, family_of_name

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.installed import Distribution, Environment
    from cxxrt_toolchain.facts.objects import ObjectFacts


class Origin(Enum):
    """Where a library comes from."""

    WHEEL = "wheel"
    """An installed distribution: recorded, or in the source tree of an editable install."""
    RUNTIME = "runtime"
    """The shared runtime wheel."""
    CONDA = "conda"
    INTERPRETER = "interpreter"
    """The interpreter and its standard library."""
    SYSTEM = "system"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Package:
    """An installed distribution with native code or in a finding."""

    name: str
    """As its METADATA spells it."""
    version: str
    objects: int
    location: str

    @property
    def node(self) -> str:
        """Its id in the graph."""
        return f"package:{self.name}"


class Library(NamedTuple):
    """An ELF file of a diagnosis: a runtime, a copy of one, or a mapped object."""

    path: str
    """Its id in the graph."""
    soname: str
    """``DT_SONAME``, else the file's name."""
    origin: Origin
    package: str | None
    """`Package.name`; None if no distribution records it."""
    family: RuntimeFamily | None
    """The runtime that it is a copy of, under any name."""
    static: tuple[RuntimeFamily, ...] = ()
    version: str = ""
    """For a runtime: the newest symbol version that it defines (``GLIBCXX_3.4.33``), for libcudart
    the release."""
    order: int | None = None
    """Place in the load order, from 0; None if it is not loaded."""
    deleted: bool = False
    """Removed or replaced on disk while it is mapped."""

    @property
    def node(self) -> str:
        """Its id in the graph."""
        return self.path


class RuntimeCopy(NamedTuple):
    """A copy of a runtime, as the rules compare copies in an environment or a process."""

    path: str
    name: str
    """The name that other objects need it by."""
    family: RuntimeFamily
    owners: tuple[str, ...] = ()
    """The distributions that bring it, sorted; empty for a library outside all of them."""
    in_use: bool | None = None
    """Whether symbols are bound to it; None if unknown."""


class State(Enum):
    """Whether a private libstdc++ can damage another copy, or be damaged by it (mechanism M2)."""

    INERT = "inert"
    """Its symbols are bound to a global copy that was loaded before it."""
    ALONE = "alone"
    """No other copy is used."""
    LIVE = "live"
    """It and another copy are used; the copy that is initialised second is damaged."""
    UNKNOWN = "unknown"
    """There is another copy, and the bindings are unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateLibstdcxx:
    """A libstdc++ under another SONAME, or one that is linked into an object and exported."""

    label: str
    """Name and version of the distribution, else the path."""
    package: str | None
    linked_in: bool
    state: State
    paths: tuple[str, ...]
    other: str = ""
    """Path of the other copy; empty if unknown."""
    users: tuple[str, ...] = ()
    """Names of the distributions that use the other copy."""
    evidence: tuple[str, ...] = ()


RUNTIME_DISTRIBUTION = "cxx11-cuda-runtime"
SYSTEM = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/", "/lib32/", "/usr/libexec/")
_NODES = {family: f"{node.rpartition('_')[0]}_" for node, family in DEFINED_BY.items()}


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where files of an environment come from; without slots because it caches properties."""

    environment: Environment

    @cached_property
    def conda(self) -> str:
        """Prefix of the interpreter's conda environment with a slash; empty without one."""
        interpreter = self.environment.interpreter
        for prefix in (interpreter.prefix, interpreter.base_prefix):
            if prefix and os.path.isdir(os.path.join(prefix, "conda-meta")):  # noqa: PTH112, PTH118 - per file
                return prefix.rstrip("/") + "/"
        return ""

    def origin(self, path: str, owner: Distribution | None) -> Origin:
        """Where a file comes from."""
        if owner is not None:
            return Origin.RUNTIME if owner.key == RUNTIME_DISTRIBUTION else Origin.WHEEL
        if "/cxx11_cuda_runtime/lib/" in path:
            return Origin.RUNTIME
        interpreter = self.environment.interpreter
        name = path.removeprefix(interpreter.root)
        if interpreter.program in {path, name} or _of_python(path):
            return Origin.INTERPRETER
        if self.conda and path.startswith(self.conda):
            return Origin.CONDA
        if name.startswith(SYSTEM):
            return Origin.SYSTEM
        return Origin.WHEEL if _in_site(path) else Origin.OTHER

    def library(
        self,
        path: str,
        report: ObjectFacts | None,
        *,
        order: int | None = None,
        deleted: bool = False,
    ) -> Library:
        """The library at a path in the process or environment; facts None: it cannot be read."""
        owner = self.environment.owner(path)
        name = path.rpartition("/")[2]
        family = report.copy_of if report else family_of_name(name)
        return Library(
            path=path,
            soname=report.name if report else name,
            origin=self.origin(path, owner),
            package=owner.name if owner else None,
            family=family,
            static=report.static if report else (),
            version=newest_node(family, report.facts.version_definitions) if report else "",
            order=order,
            deleted=deleted,
        )


def newest_node(family: RuntimeFamily | None, definitions: Iterable[str]) -> str:
    """The newest symbol version that a copy of a runtime defines."""
    prefix = _NODES.get(family) if family else None
    return newest(definitions, prefix) if prefix else ""


def newest(nodes: Iterable[str], prefix: str) -> str:
    """The newest version node with a prefix; empty for none."""
    found = [node for node in nodes if numbers(node, prefix)]
    return max(found, key=lambda node: numbers(node, prefix), default="")


def numbers(node: str, prefix: str) -> tuple[int, ...]:
    """``GLIBCXX_3.4.30`` with ``GLIBCXX_`` -> (3, 4, 30); empty for other nodes."""
    return version_tuple(node[len(prefix) :]) if node.startswith(prefix) else ()


def _of_python(path: str) -> bool:
    is_extension = "/lib-dynload/" in path and "site-packages" not in path
    return is_extension or path.rpartition("/")[2].startswith("libpython")


def _in_site(path: str) -> bool:
    return "/site-packages/" in path or "/dist-packages/" in path
