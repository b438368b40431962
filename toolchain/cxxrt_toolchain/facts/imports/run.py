"""Facts of imports in a child process: outcomes, what the loader did, crashes, experiments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from cxxrt_toolchain.facts.process import ProcessView

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.environment import EnvironmentFacts
    from cxxrt_toolchain.facts.imports.trials import Verdict
    from cxxrt_toolchain.facts.installed import Environment


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Generic[T]):
    """One import."""

    module: str
    outcome: Outcome
    detail: str = ""
    """The exception's text, or the signal's name."""
    causes: tuple[str, ...] = ()
    """Texts of the exceptions in its ``__cause__`` and ``__context__`` chain, nearest first."""
    where: str = ""
    """The last line of Python, ``FILE:LINE``."""
    missing: str = ""
    """For an ImportError: the module that it names."""
    report: str = ""
    """The traceback, or what faulthandler wrote."""
    events: tuple[Event, ...] = ()
    seconds: float = 0.0
    seen: T | None = None
    """The observer's value for the process after the import, or at the crash."""
    site: CrashSite | None = None
    words: tuple[str, ...] = ()
    """Of an import that failed: the last lines that the process wrote during it."""

    @property
    def way(self) -> tuple[str, ...]:
        """What this failure has in common with others that are the same.

        The outcome and the signal, exit code or exception; of a message all but paths and numbers.
        A process that ended itself is judged by its last line, too.
        """
        if self.outcome is Outcome.TIMED_OUT:
            return (self.outcome.value,)
        if self.outcome is Outcome.EXCEPTION:
            return (self.outcome.value, _shape(self.detail))
        said = () if self.detail in _FAULTS else self.words[-1:]
        return (self.outcome.value, self.detail, *map(_shape, said))


_FAULTS = ("SIGSEGV", "SIGBUS", "SIGFPE")
_PATH = re.compile(r"/[^\s:;,'\"()]+")
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|[0-9]+")


def _shape(text: str) -> str:
    return _NUMBER.sub("0", _PATH.sub("/", text))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun(Generic[T]):
    """The imports of one child process."""

    attempts: tuple[Attempt[T], ...]
    before: T | None
    noise: str
    """The end of the child's output."""
    end: Attempt[T] | None = None
    """How the interpreter crashed at exit, after all imports; None if it did not."""

    @property
    def failure(self) -> Attempt[T] | None:
        """The import that failed; those after it were not reached."""
        bad = (Outcome.EXCEPTION, Outcome.CRASHED, Outcome.TIMED_OUT)
        return next((each for each in self.attempts if each.outcome in bad), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportScene:
    """A run of imports with everything that rules judge it by."""

    run: ImportRun[ProcessView | None]
    environment: Environment
    verdict: Verdict | None = None
    """None if nothing failed or nothing was tried."""
    registries: tuple[Registry, ...] = ()
    """Those that objects of several packages share; read only where an import fails."""
    facts: EnvironmentFacts | None = None
    """Of the environment; read only where the loader has refused an object."""

    @property
    def view(self) -> ProcessView:
        """The last view of the process; a view without libraries if there is none."""
        views = (self.run.before, *(each.seen for each in self.run.attempts))
        return next((view for view in reversed(views) if view is not None), _NOT_SEEN)


class Registry(NamedTuple):
    """A table of C++ types that all modules with one id for it share, through the interpreter."""

    name: str
    """The id, for example ``__pybind11_internals_v4_gcc_libstdcpp_cxxabi1011__``."""
    users: tuple[tuple[str, str], ...]
    """(Path, compiler) of objects, in load order."""


_NOT_SEEN = ProcessView(libraries=(), needed={}, packages=(), ordered=False, bindings=None)


class Outcome(Enum):
    """The result of one import."""

    IMPORTED = "imported"
    EXCEPTION = "exception"
    CRASHED = "crashed"
    TIMED_OUT = "timed-out"
    NOT_REACHED = "not-reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One import in the child process."""

    module: str
    outcome: Outcome
    detail: str = ""
    """The exception's last line, or the signal's name (``SIGSEGV``)."""
    last_object: str = ""
    """Path of the object that was loaded or initialized last; empty if none was."""
    loaded: tuple[str, ...] = ()
    seconds: float = 0.0


class CrashSite(NamedTuple):
    """The place of a crash."""

    address: int
    path: str
    """The object with the instruction; empty if no code is mapped at the address."""
    function: str
    """The exported function at or before the address, mangled; empty if none is near."""
    callers: tuple[str, ...]
    """Objects on the stack, innermost first, each once, without `path`."""

    def __str__(self) -> str:
        if not self.path:
            return f"it jumped to {self.address:#x}, where no code is mapped"
        inside = f" ({self.function})" if self.function else ""
        return f"it was in {self.path}{inside}"


_PLACE = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+) in (?P<name>.*)$', re.MULTILINE)
_OURS = "/import_child.py"


def last_line(report: str) -> str:
    """``FILE:LINE`` of the innermost frame in faulthandler's report, the import system left out."""
    start = report.find("Current thread")
    for match in _PLACE.finditer(report, max(start, 0)):
        if not match["file"].startswith("<frozen ") and not match["file"].endswith(_OURS):
            return f"{match['file']}:{match['line']}"
    return ""


class Kind(Enum):
    """What happened to a file."""

    NEEDED = "needed"
    """An object names it in DT_NEEDED."""
    OPENED = "opened"
    """An object called dlopen for it."""
    MAPPED = "mapped"
    """It was loaded now."""
    STARTED = "started"
    """Its constructors are run."""


class Event(NamedTuple):
    """One line of the trace."""

    kind: Kind
    name: str
    """The SONAME or path as requested; for `Kind.STARTED` the path."""
    by: str
    """The object that needs or opens it; empty for the other kinds."""


# Events come from the output of LD_DEBUG=files, glibc's trace of loaded files. Its texts are the
# same since glibc 2.3 and never translated (elf/dl-load.c, dl-map-segments, dl-init.c; rtld's
# "LD_DEBUG=help"); writing them takes about 1 % of the time of importing scipy and pandas.
# "[0]" is the base namespace; objects in the namespaces of dlmopen share no symbols with it.
_LINE = re.compile(
    r"\s*\d+:\s(?:"
    r"file=(?P<name>.*) \[0\];  (?:needed by (?P<needs>.*) \[0\](?P<relocation> \(relocation.*)?"
    r"|dynamically loaded by (?P<opens>.*) \[0\]|(?P<mapped>generating link map))"
    r"|calling init: (?P<started>.*))"
)


def parse_trace(text: str) -> tuple[Event, ...]:
    """The events in the loader's output; other lines are skipped."""
    return tuple(_events(text))


def _events(text: str) -> Iterator[Event]:
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or match["relocation"]:
            continue
        if match["started"]:
            yield Event(Kind.STARTED, match["started"], "")
        elif match["mapped"]:
            yield Event(Kind.MAPPED, match["name"], "")
        elif match["needs"]:
            yield Event(Kind.NEEDED, match["name"], match["needs"])
        elif match["opens"]:
            yield Event(Kind.OPENED, match["name"], match["opens"])


def needed_by(events: tuple[Event, ...], name: str) -> str:
    """The last object that needed a library by its ``DT_NEEDED``; empty if none did."""
    asked = (each.by for each in reversed(events) if each.kind is Kind.NEEDED and each.name == name)
    return next(asked, "")


def last_object(events: tuple[Event, ...]) -> str:
    """The object with the last constructors to run, else the one that was mapped last."""
    for kind in (Kind.STARTED, Kind.MAPPED):
        for event in reversed(events):
            if event.kind is kind:
                return event.name
    return ""
