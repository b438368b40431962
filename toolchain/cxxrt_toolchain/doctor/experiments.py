"""The same imports again, done differently: which change cures says what was wrong.

In: the imports that failed. Out: `Verdict`. One child process each, in the order in which an
answer saves the others: as they were (unless that is certain), the failing module alone, a
libstdc++ preloaded RTLD_GLOBAL, RTLD_DEEPBIND for the failing module, the order reversed. A
preload cures what one runtime cures (M1, M2, M3); only order or DEEPBIND cures what two
definitions of one name cause (M4).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.audit.families import RuntimeFamily
from cxxrt_toolchain.doctor.diagnosis import Outcome
from cxxrt_toolchain.doctor.import_run import run_imports
from cxxrt_toolchain.doctor.libraries import newest_node
from cxxrt_toolchain.doctor.watched_child import Variant
from cxxrt_toolchain.elf.image import ElfError
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.errors import ToolchainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_RUNTIME = "cxx11_cuda_runtime/lib/libstdc++.so.6"
_SYSTEM = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")


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


def experiment(
    executable: str,
    modules: Sequence[str],
    preload: str,
    *,
    timeout: float,
    certain: bool,
) -> Verdict:
    """Find out what cures a failure.

    Args:
        executable: The interpreter.
        modules: Those up to and including the one that failed.
        preload: A libstdc++ for the preload; empty: none.
        timeout: Seconds per import.
        certain: Whether the failure has left a trace that is no chance; then it is not repeated.
    """
    trials: list[tuple[str, str]] = []

    def works(name: str, order: Sequence[str], variant: Variant) -> bool:
        went = _outcome(executable, order, variant, timeout)
        trials.append((name, went))
        return went == "works"

    last = modules[-1]
    earlier = len(modules) > 1
    cure = Cure.NOTHING
    alone: bool | None = None
    if not certain and works("the same again", modules, Variant()):
        cure = Cure.CHANCE
    else:
        alone = not works(f"{last} alone", [last], Variant()) if earlier else None
        if preload and works("libstdc++ first and global", modules, _preloaded(preload)):
            cure = Cure.RUNTIME
        elif earlier and not alone:
            deep = Variant(flags=((last, os.RTLD_DEEPBIND),))
            separated = works(f"{last} with RTLD_DEEPBIND", modules, deep)
            reversed_ = works("the other order", list(reversed(modules)), Variant())
            cure = Cure.SEPARATION if separated or reversed_ else Cure.NOTHING
    return Verdict(cure=cure, alone=alone, preloaded=preload, trials=tuple(trials))


def _outcome(executable: str, order: Sequence[str], variant: Variant, timeout: float) -> str:
    try:
        run = run_imports(executable, order, timeout=timeout, observe=_nothing, variant=variant)
    except ToolchainError as error:
        return f"does not start: {error.message[:200]}"
    failure = run.failure
    if failure is None:
        return "works"
    if failure.outcome is Outcome.TIMED_OUT:
        return "hangs"
    return f"fails: {failure.detail.splitlines()[-1][:200] if failure.detail else 'no reason'}"


def _nothing(_pid: int) -> None:
    """How it went is all that counts."""


def _preloaded(library: str) -> Variant:
    """With the libgcc_s that lies beside it, because it was built with that one."""
    beside = Path(library).with_name("libgcc_s.so.1")
    first = (str(beside),) if beside.is_file() else ()
    return Variant(preload=(*first, library))


def find_preload(search: Iterable[str], prefix: str) -> str:
    """The newest ``libstdc++.so.6`` there is: the runtime wheel's, conda's, or the machine's.

    Args:
        search: ``sys.path`` of the interpreter, and of others that may have the runtime.
        prefix: The interpreter's, which may be a conda environment.
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
        with place.open("rb") as stream:
            facts = read_elf(stream, str(place))
    except (OSError, ElfError):
        return ()
    node = newest_node(RuntimeFamily.LIBSTDCXX, facts.version_definitions)
    return tuple(int(part) for part in node.rpartition("_")[2].split(".")) if node else ()
