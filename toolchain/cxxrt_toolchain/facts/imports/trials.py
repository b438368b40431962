"""Facts of trials: the imports that failed, repeated with one change each, and what came of it."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

ROOM_FOR_TLS = "GLIBC_TUNABLES=glibc.rtld.optional_static_tls={}"
TRIED_ROOM = 16384
"""A larger reserve for static TLS; glibc's own is 512 bytes, and every thread gets one."""


class Change(Enum):
    """What a trial changes in the imports as the user does them."""

    NOTHING = "nothing"
    ALONE = "alone"
    """The failing module without the modules before it."""
    FEWER = "fewer"
    """Without one of the modules before it."""
    RUNTIME = "runtime"
    """A libstdc++ that is loaded first, RTLD_GLOBAL."""
    DEEPBIND = "deepbind"
    """RTLD_DEEPBIND while the failing module is imported."""
    ORDER = "order"
    """The failing module before the others."""
    REGISTRY = "registry"
    """pybind11's or nanobind's registry of types is hidden from each module but the first."""
    TUNABLE = "tunable"
    """``GLIBC_TUNABLES`` with more room for static TLS."""
    PRELOAD = "preload"
    """The object that finds no room is in ``LD_PRELOAD``."""
    OWNER = "owner"
    """The package that has the library is imported first."""
    LIBRARY = "library"
    """A library that is installed, and that the loader does not find, is loaded by its path."""


class Ending(Enum):
    """How a trial ended."""

    WORKS = "works"
    SAME = "same"
    """It fails as the imports of the user do: same signal, or same exception and message."""
    OTHER = "other"
    """It fails in another way, which tells nothing of the cause."""


class Trial(NamedTuple):
    """One repetition of the imports."""

    change: Change
    name: str
    how: str
    """For people: ``works``, ``fails: SIGSEGV``, or why it was not tried."""
    ending: Ending | None
    """None: it was not tried."""
    library: str = ""
    """Path of the library that was loaded first; empty for none."""


class Cure(Enum):
    """What made the imports succeed."""

    CHANCE = "chance"
    """No change: the same imports succeeded when repeated."""
    NOTHING = "nothing"
    RUNTIME = "runtime"
    SEPARATION = "separation"
    """RTLD_DEEPBIND, or the other order."""
    REGISTRY = "registry"


_CURES = {
    Change.NOTHING: Cure.CHANCE,
    Change.RUNTIME: Cure.RUNTIME,
    Change.DEEPBIND: Cure.SEPARATION,
    Change.ORDER: Cure.SEPARATION,
    Change.REGISTRY: Cure.REGISTRY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of the trials of one failure."""

    trials: tuple[Trial, ...]

    def ending(self, change: Change) -> Ending | None:
        """How the trials with a change ended: None if there was none, the best of several."""
        found = {each.ending for each in self.trials if each.change is change}
        return next((each for each in Ending if each in found), None)

    def works(self, change: Change) -> bool:
        """Whether a trial with that change succeeded."""
        return self.ending(change) is Ending.WORKS

    def loaded_first(self, change: Change) -> str:
        """The library that the trials with a change loaded first; empty for none."""
        return next((each.library for each in self.trials if each.change is change), "")

    @property
    def cure(self) -> Cure:
        """The cause by what cured it."""
        cures = (cure for change, cure in _CURES.items() if self.works(change))
        return next(cures, Cure.NOTHING)
