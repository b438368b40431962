"""The cause of a failed import, from repeating the imports with one change at a time.

Child processes (`trials`), side by side where there are processors for them: the imports as they
were (unless that is certain), the failing module alone, a libstdc++ preloaded RTLD_GLOBAL,
RTLD_DEEPBIND for the failing module, the order reversed, which goes on in the process that imported
the failing module alone. What the memory makes unlikely is tried last, and as soon as the verdict
is clear, what still runs is stopped. A preload cures what one runtime cures (M1, M2, M3); only
order or DEEPBIND cures what two definitions of one name cause (M4).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.collect.imports.import_run import say_nothing
from cxxrt_toolchain.collect.imports.trials import Trial, Trials
from cxxrt_toolchain.collect.imports.watched_child import AS_IS, Variant
from cxxrt_toolchain.elf.image import ElfError
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.imports import Cure, Verdict
from cxxrt_toolchain.facts.libraries import newest_node
from cxxrt_toolchain.plain_files import open_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


_FIRST = "libstdc++ first and global"
_RUNTIME = "cxx11_cuda_runtime/lib/libstdc++.so.6"
_SYSTEM = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")


def experiment(
    executable: str,
    modules: Sequence[str],
    preload: str,
    *,
    timeout: float,
    certain: bool,
    suspected: Cure | None = None,
    say: Callable[[str], None] = say_nothing,
) -> Verdict:
    """What cures the failure of the last of some modules.

    `preload` is a libstdc++, or empty; `timeout` is in seconds for each import. If the failure is
    `certain`, it has left a trace that is no chance, and is not repeated. `suspected` is what the
    memory says would cure it: the other cure is tried only if that does not. It is not to be
    SEPARATION where a runtime might cure it, too: that goes first.
    """
    with Trials(executable, timeout=timeout, say=say) as trials:
        plan = _Plan(trials, modules, preload)
        # The first that are started get the processors, so they stand in the order of their use.
        again = None if certain else trials.start("the same again", modules, AS_IS)
        plan.start_alone()
        if suspected is not Cure.SEPARATION:
            plan.start_runtime()
        if suspected is not Cure.RUNTIME:
            plan.start_apart()
        if again is not None and again.works():
            return Verdict(cure=Cure.CHANCE, alone=None, preloaded=preload, trials=trials.seen)
        fails_alone = plan.fails_alone()
        tests = [(plan.runtime_cures, Cure.RUNTIME), (plan.separation_cures, Cure.SEPARATION)]
        if suspected is Cure.SEPARATION:
            tests.reverse()
        cure = next((cure for cures, cure in tests if cures()), Cure.NOTHING)
        if cure is Cure.SEPARATION and suspected is cure and preload:
            trials.note(_FIRST, "skipped: the process already has a single libstdc++")
        return Verdict(
            cure=cure,
            alone=fails_alone,
            preloaded=preload,
            trials=trials.seen,
            reordered=plan.reordered,
        )


class _Plan:
    """The variants of one failure; each is started at most once, and when it is asked for."""

    def __init__(self, trials: Trials, modules: Sequence[str], preload: str) -> None:
        self.reordered: bool | None = None
        self._trials = trials
        self._modules = modules
        self._last = modules[-1]
        self._preload = preload
        self._alone: Trial | None = None
        self._runtime: Trial | None = None
        self._apart: Trial | None = None

    def start_alone(self) -> None:
        if len(self._modules) > 1:
            name = f"{self._last} alone"
            self._alone = self._trials.start(name, [self._last], AS_IS, keep=True)

    def start_runtime(self) -> None:
        if self._preload and self._runtime is None:
            variant = _preloaded(self._preload)
            self._runtime = self._trials.start(_FIRST, self._modules, variant)

    def start_apart(self) -> None:
        if len(self._modules) > 1 and self._apart is None:
            name = f"{self._last} with RTLD_DEEPBIND"
            variant = Variant(flags=((self._last, os.RTLD_DEEPBIND),))
            self._apart = self._trials.start(name, self._modules, variant)

    def fails_alone(self) -> bool | None:
        """Whether the last module does; None where it is the only one."""
        return not self._alone.works() if self._alone else None

    def runtime_cures(self) -> bool:
        self.start_runtime()
        return self._runtime is not None and self._runtime.works()

    def separation_cures(self) -> bool:
        """By DEEPBIND or by order; both are tried, because the advice depends on it."""
        if self._alone is None or self._alone.session is None:
            return False
        self.start_apart()
        order = self._trials.go_on("the other order", self._alone, self._modules[-2::-1])
        separated = self._apart is not None and self._apart.works()
        self.reordered = order.works()
        return separated or self.reordered


def _preloaded(library: str) -> Variant:
    """With the libgcc_s that lies beside it, because it was built with that one."""
    beside = Path(library).with_name("libgcc_s.so.1")
    first = (str(beside),) if beside.is_file() else ()
    return Variant(preload=(*first, library))


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


def _version(place: Path) -> tuple[int, ...]:
    try:
        with open_plain(place) as stream:
            facts = read_elf(stream, str(place))
    except (OSError, ElfError):
        return ()
    node = newest_node(RuntimeFamily.LIBSTDCXX, facts.version_definitions)
    return version_tuple(node.rpartition("_")[2])
