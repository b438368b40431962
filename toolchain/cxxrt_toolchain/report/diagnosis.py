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
    from cxxrt_toolchain.facts.families import RuntimeFamily


class Subject(Enum):
    """What was looked at."""

    ENVIRONMENT = "environment"
    """All that is installed for one interpreter; nothing is imported or loaded."""
    IMPORTS = "imports"
    """Named modules, imported in this order in a child process."""
    PROCESS = "process"
    """A running process, from /proc only."""


class Origin(Enum):
    """Where a library comes from."""

    WHEEL = "wheel"
    """Of an installed distribution: recorded, or in the source tree of an editable install."""
    RUNTIME = "runtime"
    """The shared runtime wheel's own."""
    CONDA = "conda"
    INTERPRETER = "interpreter"
    """The interpreter and its standard library."""
    SYSTEM = "system"
    OTHER = "other"


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


class Outcome(Enum):
    """How one import went."""

    IMPORTED = "imported"
    EXCEPTION = "exception"
    CRASHED = "crashed"
    TIMED_OUT = "timed-out"
    NOT_REACHED = "not-reached"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Package:
    """One installed distribution that has native code, or a part in a finding."""

    name: str
    """As its METADATA spells it."""
    version: str
    objects: int
    """How many ELF files it has."""
    location: str
    """The folder on ``sys.path`` that it is installed in."""

    @property
    def node(self) -> str:
        """Its id in the graph."""
        return f"package:{self.name}"


class Library(NamedTuple):
    """An ELF file that plays a part: a runtime, a copy of one, or what is mapped.

    A named tuple, as `Edge` is, because a process has hundreds of them.
    """

    path: str
    """Its id in the graph."""
    soname: str
    """``DT_SONAME``, else the file's name."""
    origin: Origin
    package: str | None
    """`Package.name`; None where no distribution records it."""
    family: RuntimeFamily | None
    """The runtime that it is a copy of, under whatever name."""
    static: tuple[RuntimeFamily, ...] = ()
    """Runtimes that are linked into it."""
    version: str = ""
    """For a runtime: the newest symbol version that it defines (``GLIBCXX_3.4.33``), for libcudart
    the release."""
    order: int | None = None
    """Place in the load order, from 0; None where it is not loaded."""
    deleted: bool = False
    """Removed or replaced on disk while it is mapped."""

    @property
    def node(self) -> str:
        """Its id in the graph."""
        return self.path


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
class Step:
    """One import in the child process."""

    module: str
    outcome: Outcome
    detail: str = ""
    """The exception's last line, or the signal's name (``SIGSEGV``)."""
    last_object: str = ""
    """Path of the object that was loaded or initialized last; empty where nothing was."""
    loaded: tuple[str, ...] = ()
    """Paths of the objects that this step brought in, in load order."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule of the catalogue that fired, with who and what to do."""

    rule: str
    """A rule of ``hazards.md``."""
    severity: Severity
    message: str
    """One sentence without a full stop, that names the culprit."""
    culprits: tuple[str, ...] = ()
    """`Package.name`, the one that has to change first."""
    victims: tuple[str, ...] = ()
    """Packages that suffer from it."""
    libraries: tuple[str, ...] = ()
    """Paths of the libraries that are the evidence."""
    evidence: tuple[str, ...] = ()
    """Facts, a sentence or a symbol each."""
    remedies: tuple[str, ...] = ()
    """The one or two that apply here, best first; commands where there are."""

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Worst first, then by rule and culprit."""
        return (self.severity.rank, self.rule, self.culprits, self.message)


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
        return all(found.severity is Severity.INFO for found in self.findings)
