"""What the doctor says of an environment, of imports or of a process.

Frozen values that everything else meets in: the collectors' rules make a `Diagnosis`, and
`documents`, the rich tables and the page draw it. No file access and no judgement here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.imports import Step
    from cxxrt_toolchain.facts.libraries import Library, Package
    from cxxrt_toolchain.rules.rule import Finding


class Subject(Enum):
    """What was looked at."""

    ENVIRONMENT = "environment"
    """All that is installed for one interpreter; nothing is imported or loaded."""
    IMPORTS = "imports"
    """Named modules, imported in this order in a child process."""
    PROCESS = "process"
    """A running process, from /proc only."""


class Relation(Enum):
    """Why there is an edge between two nodes of the graph."""

    OWNS = "owns"
    """A package brings a library."""
    NEEDS = "needs"
    """``DT_NEEDED``, resolved as the loader does or would."""
    OPENS = "opens"
    """dlopened at run time."""
    BINDS = "binds"
    """Symbols of the source are bound to definitions in the target, against the builder's intent:
    a capture, an interposition."""


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
    """Everything that was seen, and what is wrong with it."""

    subject: Subject
    title: str
    """One line: the environment's folder, the imports, or the process."""
    python: str
    """Version of the interpreter; empty where there is none in the process."""
    executable: str
    glibc: str
    """For example ``2.36``."""
    variables: tuple[tuple[str, str], ...]
    """Environment variables that decide what is loaded, sorted."""
    packages: tuple[Package, ...]
    libraries: tuple[Library, ...]
    """In load order where there is one, else sorted by path."""
    edges: tuple[Edge, ...]
    steps: tuple[Step, ...]
    """Only for imports."""
    findings: tuple[Finding, ...]
    """Sorted by `Finding.sort_key`."""

    @property
    def healthy(self) -> bool:
        """Whether nothing needs action; INFO findings need none."""
        return all(found.severity is Severity.NOTE for found in self.findings)
