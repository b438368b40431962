"""Imports in a child process: outcome of each, the place of a crash, and what the repeats showed.

Frozen values; `collect.imports` makes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.loader_trace import Event


class Cure(Enum):
    """What made the failure go away."""

    CHANCE = "chance"
    """Nothing: the same imports succeeded the second time."""
    NOTHING = "nothing"
    """No variant; or the module fails alone, too."""
    RUNTIME = "runtime"
    """A libstdc++ that came first and global."""
    SEPARATION = "separation"
    """RTLD_DEEPBIND, or the other order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the experiments say."""

    cure: Cure
    alone: bool | None
    """Whether the failing module fails alone, too; None where it was the only one."""
    preloaded: str
    """The libstdc++ that was preloaded; empty where there was none to be had."""
    trials: tuple[tuple[str, str], ...]
    """What was done, and how it went."""
    reordered: bool | None = None
    """Whether the other order cures it; None where that was not tried."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Generic[T]):
    """One import."""

    module: str
    outcome: Outcome
    detail: str = ""
    """The exception's text, or the signal's name."""
    causes: tuple[str, ...] = ()
    """The texts of the exceptions that it was raised from or while handling, nearest first."""
    where: str = ""
    """The last line of Python, ``FILE:LINE``."""
    missing: str = ""
    """For an ImportError: the module that it names."""
    report: str = ""
    """The traceback, or what faulthandler wrote."""
    events: tuple[Event, ...] = ()
    """What the loader did meanwhile."""
    seconds: float = 0.0
    seen: T | None = None
    """What the observer made of the process after the import, or in the moment of a crash."""
    site: CrashSite | None = None
    """Where it crashed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun(Generic[T]):
    """All of them."""

    attempts: tuple[Attempt[T], ...]
    before: T | None
    """What the observer saw before the first import."""
    noise: str
    """The end of what the modules printed."""
    end: Attempt[T] | None = None
    """How the interpreter crashed when it ended after all imports; None where it did not."""

    @property
    def failure(self) -> Attempt[T] | None:
        """The import that went wrong; the ones after it were not reached."""
        bad = (Outcome.EXCEPTION, Outcome.CRASHED, Outcome.TIMED_OUT)
        return next((each for each in self.attempts if each.outcome in bad), None)


class Outcome(Enum):
    """How one import went."""

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
    """Path of the object that was loaded or initialized last; empty where nothing was."""
    loaded: tuple[str, ...] = ()
    """Paths of the objects that this step brought in, in load order."""
    seconds: float = 0.0


class CrashSite(NamedTuple):
    """Where it happened."""

    address: int
    path: str
    """The object that was running; empty where the address is nobody's code."""
    function: str
    """The exported function at or before it, mangled; empty where none is near."""
    callers: tuple[str, ...]
    """Objects on the stack, innermost first, each once; the running one is left out."""

    def __str__(self) -> str:
        if not self.path:
            return f"it jumped to {self.address:#x}, which is no code"
        inside = f" ({self.function})" if self.function else ""
        return f"it was in {self.path}{inside}"


_PLACE = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+) in (?P<name>.*)$', re.MULTILINE)


_OURS = "/import_child.py"


def last_line(report: str) -> str:
    """Where Python was by faulthandler's report: the innermost line that is not of the import."""
    start = report.find("Current thread")
    for match in _PLACE.finditer(report, max(start, 0)):
        if not match["file"].startswith("<frozen ") and not match["file"].endswith(_OURS):
            return f"{match['file']}:{match['line']}"
    return ""
