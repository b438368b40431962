"""The cause of a failed import, from repeating the imports with one change at a time.

Child processes (`trials`), side by side where there are processors for them. What the memory makes
unlikely is tried last, and as soon as the verdict is clear, what still runs is stopped. A libstdc++
that is loaded first cures what one runtime cures (M1, M2, M3); only the order of the imports or
DEEPBIND cures what two definitions of one name cause (M4). A trial that fails in another way than
the imports of the user shows nothing of their cause; so where the module needs one of those before
it, the others are left out one by one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.collect.imports.import_run import say_nothing
from cxxrt_toolchain.collect.imports.trials import Running, Trials
from cxxrt_toolchain.collect.imports.watched_child import AS_IS, Variant
from cxxrt_toolchain.elf.image import ElfError
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.facts.families import LIBSTDCXX, RuntimeFamily
from cxxrt_toolchain.facts.imports.trials import Change, Cure, Ending, Verdict
from cxxrt_toolchain.facts.libraries import newest_node
from cxxrt_toolchain.plain_files import open_plain

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.imports.run import Attempt


_FIRST = "libstdc++ first and global"
_RUNTIME = "cxx11_cuda_runtime/lib/libstdc++.so.6"
_SYSTEM = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")
_MOST_LEFT_OUT = 4
EVERY_CHANGE = frozenset({Change.ALONE, Change.RUNTIME, Change.DEEPBIND, Change.ORDER})


class Extra(NamedTuple):
    """A change that tests one remedy."""

    change: Change
    name: str
    variant: Variant = AS_IS
    before: tuple[str, ...] = ()
    """Modules that are imported before the others."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A failure, and what may be tried to explain it."""

    executable: str
    modules: Sequence[str]
    """As they were imported, the failing one last."""
    failure: Attempt[Any]
    """With an empty module: a crash at exit, after all imports."""
    timeout: float
    """Seconds for each import."""
    preload: str = ""
    """The newest libstdc++; empty for none."""
    resident: str = ""
    """The libstdc++ that is there before the first import; empty for none."""
    certain: bool = False
    """The failure has left a trace that is no chance, so it is not repeated."""
    suspected: Cure | None = None
    """What the memory says would cure it: the other cure is tried only if that does not. Not
    SEPARATION where a runtime might cure it, too: that goes first."""
    worth: frozenset[Change] = EVERY_CHANGE
    """The changes that may matter."""
    also: Sequence[Extra] = ()
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


def experiment(question: Question, *, say: Callable[[str], None] = say_nothing) -> Verdict:
    """What cures the failure of the last of some modules; `say` is called with what is tried."""
    executable, failure, timeout = question.executable, question.failure, question.timeout
    with Trials(executable, failure, timeout=timeout, say=say) as trials:
        plan = _Plan(trials, question)
        # The first that are started get the processors, so they stand in the order of their use.
        again = None
        if not question.certain:
            again = trials.start(Change.NOTHING, "the same again", question.modules)
        alone = plan.start_alone()
        if question.suspected is not Cure.SEPARATION:
            plan.start_runtime()
        others = [
            trials.start(each.change, each.name, [*each.before, *question.modules], each.variant)
            for each in question.also
        ]
        if question.suspected is not Cure.RUNTIME:
            plan.start_deepbind()
        if again is not None and again.works():
            return Verdict(trials=trials.seen)
        ending = alone.ending() if alone else None
        for each in others:
            each.ending()
        tests = [plan.runtime_cures, plan.separation_cures]
        if question.suspected is Cure.SEPARATION:
            tests.reverse()
        if not any(cures() for cures in tests) and ending is Ending.WORKS:
            plan.leave_out()
        plan.note_what_was_left()
        return Verdict(trials=trials.seen)


class _Plan:
    """The trials of one failure; each is started at most once, and when it is asked for."""

    def __init__(self, trials: Trials, question: Question) -> None:
        self._trials = trials
        self._question = question
        *self._before, self._last = question.modules
        self._alone: Running | None = None
        self._runtime: Running | None = None
        self._deepbind: Running | None = None

    def start_alone(self) -> Running | None:
        if self._before and Change.ALONE in self._question.worth:
            name = f"{self._last} alone"
            self._alone = self._trials.start(Change.ALONE, name, [self._last], keep=True)
        return self._alone

    def start_runtime(self) -> None:
        library, resident = self._question.preload, self._question.resident
        if not library or Change.RUNTIME not in self._question.worth or self._runtime is not None:
            return
        if resident and os.path.realpath(resident) == os.path.realpath(library):
            self._trials.note(Change.RUNTIME, _FIRST, "the newest one that is here is that already")
            return
        # One that is there before Python starts can be preceded by LD_PRELOAD only.
        name = f"{_FIRST}, by LD_PRELOAD" if resident else _FIRST
        variant = first_by_variable(library, self._question.environ)
        if not resident:
            variant = Variant(preload=_with_libgcc(library))
        self._runtime = self._trials.start(Change.RUNTIME, name, self._question.modules, variant)

    def start_deepbind(self) -> None:
        if self._before and Change.DEEPBIND in self._question.worth and self._deepbind is None:
            name = f"{self._last} with RTLD_DEEPBIND"
            variant = Variant(flags=((self._last, os.RTLD_DEEPBIND),))
            self._deepbind = self._trials.start(
                Change.DEEPBIND, name, self._question.modules, variant
            )

    def note_what_was_left(self) -> None:
        """Say why no libstdc++ was loaded first, where nothing suggests it."""
        if self._runtime is None and self._question.suspected is Cure.SEPARATION:
            why = "the process already has a single libstdc++"
            self._trials.note(Change.RUNTIME, _FIRST, why)

    def runtime_cures(self) -> bool:
        self.start_runtime()
        return self._runtime is not None and self._runtime.works()

    def separation_cures(self) -> bool:
        """By DEEPBIND or by order; both are tried, because the advice depends on it."""
        if self._alone is None or self._alone.ending() is Ending.SAME:
            return False
        self.start_deepbind()
        base: Running = self._alone
        rest: Sequence[str] = self._before[::-1]
        if not base.works():
            base, rest = self.leave_out()
        order = self._other_order(base, rest) if Change.ORDER in self._question.worth else None
        separated = self._deepbind is not None and self._deepbind.works()
        reordered = order is not None and order.works()
        return separated or reordered

    def _other_order(self, base: Running, rest: Sequence[str]) -> Running | None:
        name = "the other order"
        if not base.works():
            return None
        if base.session is not None:
            return self._trials.go_on(Change.ORDER, name, base, rest)
        kept = [each for each in self._before if each not in rest]
        return self._trials.start(Change.ORDER, name, [*kept, self._last, *rest])

    def leave_out(self) -> tuple[Running, Sequence[str]]:
        """The first trial without one of the modules before the last that works, and that module.

        A trial that does not work if there is none.
        """
        runs: list[tuple[Running, list[str]]] = []
        for left in self._before if len(self._before) > 1 else ():
            if len(runs) < _MOST_LEFT_OUT:
                modules = [each for each in self._question.modules if each != left]
                name = f"without {left}"
                runs.append((self._trials.start(Change.FEWER, name, modules, keep=True), [left]))
        for run, left_out in runs:
            if run.works():
                return run, left_out
        assert self._alone is not None  # noqa: S101 - called only after it was tried
        return self._alone, ()


def first_by_variable(library: str, environ: Mapping[str, str]) -> Variant:
    """A library in front of what ``LD_PRELOAD`` has, without other copies of it."""
    names = (LIBSTDCXX, "libgcc_s.so.1")
    entries = environ.get("LD_PRELOAD", "").replace(":", " ").split()
    others = [each for each in entries if not each.rpartition("/")[2].startswith(names)]
    value = ":".join(dict.fromkeys([*_with_libgcc(library), *others]))
    return Variant(environ=(("LD_PRELOAD", value),))


def _with_libgcc(library: str) -> tuple[str, ...]:
    """A libstdc++ after the libgcc_s that lies beside it, because it was built with that one."""
    beside = Path(library).with_name("libgcc_s.so.1")
    is_libstdcxx = library.rpartition("/")[2].startswith(LIBSTDCXX)
    return (str(beside), library) if is_libstdcxx and beside.is_file() else (library,)


def find_preload(search: Iterable[str], prefix: str) -> str:
    """The newest ``libstdc++.so.6`` there is: the runtime wheel's, conda's, or the machine's.

    `search` are folders that may have the runtime; `prefix` may be that of a conda environment.
    """
    places = [*(Path(folder) / _RUNTIME for folder in search), Path(prefix) / "lib/libstdc++.so.6"]
    machine = os.uname().machine
    for folder in _SYSTEM:
        places += [
            Path(folder) / "libstdc++.so.6",
            Path(folder) / f"{machine}-linux-gnu" / "libstdc++.so.6",
        ]
    found = [(version, place) for place in places if (version := _version(place))]
    newest = max((version for version, _ in found), default=())
    return next((str(place) for version, place in found if version == newest), "")


def defines(library: str, node: str) -> bool:
    """Whether a library defines a symbol version."""
    return node in _definitions(Path(library)) if library else False


def _version(place: Path) -> tuple[int, ...]:
    node = newest_node(RuntimeFamily.LIBSTDCXX, _definitions(place))
    return version_tuple(node.rpartition("_")[2])


def _definitions(place: Path) -> tuple[str, ...]:
    try:
        with open_plain(place) as stream:
            return read_elf(stream, str(place)).version_definitions
    except (OSError, ElfError):
        return ()
