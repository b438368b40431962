"""What trials of failed imports leave of the remedies: proven ones first, disproved ones gone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.imports.trials import Change, Ending, Verdict
from cxxrt_toolchain.rules.remedies import Remedy

if TYPE_CHECKING:
    from cxxrt_toolchain.rules.rule import Finding

_LOADING = (Change.RUNTIME, Change.LIBRARY)
"""Their remedies load another file than the trial, unless that was the runtime wheel's."""
_RUNTIME_WHEEL = "/cxx11_cuda_runtime/lib/"


def after_trials(finding: Finding, verdict: Verdict | None, late: Collection[str]) -> Finding:
    """The finding with those remedies that the trials have not disproved; what they proved first.

    `late` has the names of the module that failed, as a module and as a distribution: the order
    was tried for it alone.
    """
    if verdict is None:
        return finding
    proven = tuple(_proven(finding, verdict, late))
    rest = (each for each in finding.remedies if _ending(each, verdict, late) is None)
    return replace(finding, remedies=(*proven, *rest))


def _proven(finding: Finding, verdict: Verdict, late: Collection[str]) -> Iterator[str]:
    for each in finding.remedies:
        if _ending(each, verdict, late) is Ending.WORKS:
            assert isinstance(each, Remedy)  # noqa: S101 - others have no ending
            path = verdict.loaded_first(each.change) if each.change in _LOADING else ""
            how = "" if path in each or _RUNTIME_WHEEL in path else f" with {path}"
            yield f"tried{how}, works: {each}"


def _ending(remedy: str, verdict: Verdict, late: Collection[str]) -> Ending | None:
    if not isinstance(remedy, Remedy) or (remedy.module and remedy.module not in late):
        return None
    return verdict.ending(remedy.change)
