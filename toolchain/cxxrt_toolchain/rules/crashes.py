"""Why an import failed: the loader's text, what the memory showed, and what cured it, put together.

In: an `ImportRun` that failed, the last view of its process with its findings, and the verdict of
the experiments. Out: the findings, with the one about the failure first: D27 (crash), D28
(exception), D29 (time-out), or the loader's own (D1, D11, ...). Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.imports import Cure, Outcome, Verdict
from cxxrt_toolchain.facts.libraries import RUNTIME_DISTRIBUTION as RUNTIME
from cxxrt_toolchain.facts.loader_trace import last_object
from cxxrt_toolchain.facts.process import names_of
from cxxrt_toolchain.rules import loader_messages
from cxxrt_toolchain.rules.captures import runtime_first
from cxxrt_toolchain.rules.crash_signs import TWO_OPENMP, signs
from cxxrt_toolchain.rules.remedies import ACTIVATE, ONE_OPENMP, upgrade
from cxxrt_toolchain.rules.rule import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cxxrt_toolchain.facts.imports import Attempt, ImportRun
    from cxxrt_toolchain.facts.installed import Environment
    from cxxrt_toolchain.facts.process import ProcessView

_RULES = {
    Outcome.CRASHED: "CXXRT-D27",
    Outcome.EXCEPTION: "CXXRT-D28",
    Outcome.TIMED_OUT: "CXXRT-D29",
}


class _Cause(NamedTuple):
    """Who and why, as far as it is known."""

    reason: str
    culprits: tuple[str, ...] = ()
    victims: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()


def triage(
    run: ImportRun[ProcessView | None],
    view: ProcessView,
    found: Iterable[Finding],
    verdict: Verdict | None,
    environment: Environment,
) -> tuple[Finding, ...]:
    """The findings of the process, completed by what is known of the failure."""
    failure = run.failure
    known = list(found)
    if failure is None:
        return (*_at_the_end(run, view), *known)
    told = list(loader_messages.findings(failure.detail, view, environment, failure.events))
    text = "\n".join(failure.causes)
    behind = list(loader_messages.findings(text, view, environment, failure.events))
    trials = tuple(f"{name}: {went}" for name, went in verdict.trials) if verdict else ()
    if told:
        return (*(_with_trials(each, verdict, trials) for each in told), *known)
    cause = _openmp(view) if TWO_OPENMP in run.noise else None
    cause = cause or _cause(failure, view, known, verdict, environment)
    return (*behind, _failed(run, failure, view, cause, trials), *known)


def _at_the_end(run: ImportRun[ProcessView | None], view: ProcessView) -> Iterator[Finding]:
    """Static destructors and what modules registered run after the imports have gone well."""
    if run.end is None:
        return
    site = run.end.site
    paths = (site.path, *site.callers) if site else ()
    victims = next(filter(None, (names_of(view, [path]) for path in paths)), ())
    yield Finding(
        rule="CXXRT-D27",
        severity=Severity.ERROR,
        message=f"Importing {', '.join(each.module for each in run.attempts)} works, and the "
        f"interpreter crashes with {run.end.detail} when it ends",
        victims=victims,
        libraries=tuple(path for path in paths if path in view.by_path)[:1],
        evidence=(*_places(run.end), *signs(site, run.noise, view)),
        remedies=("import them in the other order; one less shows which two do not go together",),
    )


def _with_trials(finding: Finding, verdict: Verdict | None, trials: tuple[str, ...]) -> Finding:
    """Promise the runtime only where a preload was seen to help."""
    remedies = finding.remedies
    if verdict is not None and finding.rule == "CXXRT-D1" and verdict.cure is not Cure.RUNTIME:
        remedies = (f"{upgrade(RUNTIME)} && {ACTIVATE}",)
    return replace(finding, evidence=(*finding.evidence, *trials), remedies=remedies)


def _failed(
    run: ImportRun[ProcessView | None],
    failure: Attempt[ProcessView | None],
    view: ProcessView,
    cause: _Cause,
    trials: tuple[str, ...],
) -> Finding:
    earlier = [each.module for each in run.attempts if each.outcome is Outcome.IMPORTED]
    after = f" after {', '.join(earlier)}" if earlier else ""
    how = {
        Outcome.CRASHED: f"crashes with {failure.detail}",
        Outcome.TIMED_OUT: f"does not end ({failure.detail})",
    }.get(failure.outcome, f"raises {failure.detail.splitlines()[-1] if failure.detail else '?'}")
    last = last_object(failure.events)
    evidence = [
        *_places(failure),
        *([f"the last line of Python was {failure.where}"] if failure.where else []),
        *([f"the last object that was started was {last}"] if last else []),
        *signs(failure.site, run.noise, view),
        *trials,
    ]
    return Finding(
        rule=_RULES[failure.outcome],
        severity=Severity.ERROR,
        message=f"Importing {failure.module}{after} {how}: {cause.reason}",
        culprits=cause.culprits,
        victims=cause.victims,
        libraries=cause.libraries,
        evidence=tuple(evidence),
        remedies=cause.remedies,
    )


def _places(failure: Attempt[ProcessView | None]) -> list[str]:
    if failure.site is None:
        return []
    below = ", ".join(path.rpartition("/")[2] for path in failure.site.callers[:4])
    return [f"{failure.site}" + (f", called from {below}" if below else "")]


def _cause(
    failure: Attempt[ProcessView | None],
    view: ProcessView,
    known: list[Finding],
    verdict: Verdict | None,
    environment: Environment,
) -> _Cause:
    victim = _victim(failure, view, environment)
    if failure.missing and failure.detail.startswith("ModuleNotFoundError"):
        name = failure.missing
        return _Cause(f"{name} is not installed for {environment.interpreter.executable}")
    by_rule = {
        rule: [each for each in known if each.rule == rule and each.severity is Severity.ERROR]
        for rule in ("CXXRT-D20", "CXXRT-D21")
    }
    cure = verdict.cure if verdict else None
    if cure in {Cure.RUNTIME, None}:
        for rule, reason in (
            ("CXXRT-D21", "has taken over parts of libstdc++"),
            ("CXXRT-D20", "brings another libstdc++"),
        ):
            for each in by_rule[rule]:
                who = " and ".join(view.versions.get(name, name) for name in each.culprits)
                return _Cause(
                    f"{who or each.libraries[-1]} {reason}",
                    each.culprits,
                    tuple(name for name in victim if name not in each.culprits),
                    each.libraries,
                    runtime_first(view) if cure else each.remedies,
                )
    if cure is Cure.RUNTIME:
        return _runtime(view, victim)
    if cure is Cure.SEPARATION:
        return _separation(view, victim, reordered=verdict.reordered if verdict else None)
    return _unknown(verdict, victim)


def _openmp(view: ProcessView) -> _Cause | None:
    """A runtime of Intel's or LLVM's kind ends the process where it meets a second one."""
    copies = view.of_family(RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP)
    if len(copies) < 2:  # noqa: PLR2004 - it may have closed one again
        return None
    each = " and ".join(f"{row.soname} of {view.label(row.path)}" for row in copies)
    return _Cause(
        f"{each} do not go together",
        names_of(view, [row.path for row in copies]),
        libraries=tuple(row.path for row in copies),
        remedies=(ONE_OPENMP,),
    )


def _victim(
    failure: Attempt[ProcessView | None], view: ProcessView, environment: Environment
) -> tuple[str, ...]:
    """The package that was being imported."""
    last = last_object(failure.events)
    owner = environment.owner(last) if last else None
    top = failure.module.partition(".")[0]
    folder = f"/{top}/"
    imported = next(
        (each.package for each in view.libraries if each.package and folder in each.path), None
    )
    named = environment.named(top)
    name = imported or (named.name if named else None) or (owner.name if owner else None)
    return (name,) if name else ()


def _runtime(view: ProcessView, victim: tuple[str, ...]) -> _Cause:
    """One runtime cures it, and the memory did not show why: blame who brings copies."""
    copies = [each for each in view.of_family(RuntimeFamily.LIBSTDCXX) if each.package]
    copies += [each for each in view.libraries if RuntimeFamily.LIBSTDCXX in each.static]
    culprits = names_of(view, [each.path for each in copies])
    who = " and ".join(view.versions.get(name, name) for name in culprits)
    return _Cause(
        f"{who or 'a package'} brings a libstdc++ of its own, and one that comes first cures it",
        culprits,
        tuple(name for name in victim if name not in culprits),
        tuple(each.path for each in copies),
        runtime_first(view),
    )


def _separation(view: ProcessView, victim: tuple[str, ...], *, reordered: bool | None) -> _Cause:
    """Order or DEEPBIND cures it: somebody's definitions replaced the victim's."""
    pairs = view.bindings.pairs if view.bindings else {}
    counts: dict[str, int] = {}
    libraries: dict[str, tuple[str, str]] = {}
    for (holder, target), rows in pairs.items():
        source, owner = view.package_of(holder), view.package_of(target)
        if owner is None or owner == source or (victim and source not in victim):
            continue
        weight = sum(1 + 1000 * row.incompatible for row in rows if not row.unique)
        if weight > counts.get(owner, 0):
            libraries[owner] = (holder, target)
        counts[owner] = counts.get(owner, 0) + weight
    other = "" if reordered is False else "in the other order, or "
    remedies = (f"no runtime cures this: import them {other}in two processes",)
    if not counts:
        return _Cause("only the other order or separate symbols cure it", (), victim, (), remedies)
    culprit = max(counts, key=lambda name: counts[name])
    who, whose = view.versions.get(culprit, culprit), " and ".join(victim) or "another package"
    return _Cause(
        f"definitions of {who}, {view.reach(*libraries[culprit])}, replace those of {whose}",
        (culprit,),
        victim,
        libraries[culprit],
        remedies,
    )


def _unknown(verdict: Verdict | None, victim: tuple[str, ...]) -> _Cause:
    if verdict is None:
        return _Cause("what cures it was not tried", (), victim)
    if verdict.cure is Cure.CHANCE:
        return _Cause("the same imports work the second time: a race, or something outside")
    if verdict.alone or verdict.alone is None:
        return _Cause("it fails alone, too, whatever libstdc++ it gets", victim)
    return _Cause(
        "neither one runtime nor another order cures it", (), victim, (), ("rebuild both alike",)
    )
