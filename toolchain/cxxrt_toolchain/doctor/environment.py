"""An interpreter -> the `Diagnosis` of its environment: collect, judge, draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.environment.installed import read_environment
from cxxrt_toolchain.collect.environment.reader import collect_environment
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.host.describe import describe
from cxxrt_toolchain.report.graph import draw
from cxxrt_toolchain.rules.scenes import judge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cxxrt_toolchain.report.diagnosis import Diagnosis


def diagnose_environment(
    executable: str, environ: Mapping[str, str], *, store: Store | None = None, workers: int = 1
) -> Diagnosis:
    """The diagnosis of all that is installed for an interpreter, which is started once.

    `environ` holds the variables that its programs run with; `workers` processes read at once, for
    a program without threads. Without a store, nothing is kept.

    Raises:
        InputError: It cannot describe itself, or does not run on glibc.
        MissingToolError: It cannot be started.
    """
    store = store or Store()
    environment = read_environment(describe(executable), store)
    facts = collect_environment(environment, environ, store, workers=workers)
    return draw(facts, judge(facts))
