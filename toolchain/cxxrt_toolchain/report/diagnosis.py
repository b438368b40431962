"""The doctor's result for an environment, imports or a process: frozen values.

`documents`, `diagnosis_text` and `page` present a `Diagnosis`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.rules.rule import Finding, Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.imports.run import Step
    from cxxrt_toolchain.facts.libraries import Library, Package


class Subject(Enum):
    """What was diagnosed."""

    ENVIRONMENT = "environment"
    """The packages of one interpreter; nothing is imported or loaded."""
    IMPORTS = "imports"
    """Named modules, imported in this order in a child process."""
    PROCESS = "process"
    """A running process, by /proc."""


class Relation(Enum):
    """The kind of an edge of the graph."""

    OWNS = "owns"
    """A package brings a library."""
    NEEDS = "needs"
    """``DT_NEEDED``, resolved as the loader resolves it."""
    OPENS = "opens"
    """Opened by dlopen."""
    BINDS = "binds"
    """References of the source are bound to definitions in the target that replace others: a
    capture or an interposition."""


class Edge(NamedTuple):
    """An arrow of the graph, between `Package.node` and `Library.node` ids."""

    source: str
    target: str
    relation: Relation
    count: int = 1  # type: ignore[assignment]  # hides a method of tuple
    """Objects that need it, or symbols that are bound."""
    symbols: tuple[str, ...] = ()
    """At most five examples, mangled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found and what is wrong with it."""

    subject: Subject
    title: str
    """One line: the environment's folder, the imports, or the process."""
    python: str
    """Version of the interpreter; empty if the process has none."""
    executable: str
    glibc: str
    """For example ``2.36``."""
    variables: tuple[tuple[str, str], ...]
    """Environment variables that decide what is loaded, sorted."""
    packages: tuple[Package, ...]
    libraries: tuple[Library, ...]
    """In load order if it is known, else sorted by path."""
    edges: tuple[Edge, ...]
    steps: tuple[Step, ...]
    """Only for imports."""
    findings: tuple[Finding, ...]
    """Sorted by `Finding.sort_key`."""

    @property
    def healthy(self) -> bool:
        """Whether nothing needs action: every finding is a note or is ignored."""
        return all(found.weight is Severity.NOTE for found in self.findings)
