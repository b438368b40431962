"""Why an import crashed, raised an exception or did not end: rules D27, D28 and D29.

The cause is what the loader's message, the process's memory and the experiments show of it. Where
the loader's message tells the cause, its finding (D1, D11, ...) stands in place of D28.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.imports import Cure, ImportScene, Outcome, last_object
from cxxrt_toolchain.facts.libraries import RUNTIME_DISTRIBUTION as RUNTIME
from cxxrt_toolchain.facts.process import names_of
from cxxrt_toolchain.rules.copies import damaged_locale
from cxxrt_toolchain.rules.imports import loader_messages
from cxxrt_toolchain.rules.imports.crash_signs import TWO_OPENMP, signs
from cxxrt_toolchain.rules.interposition import captured
from cxxrt_toolchain.rules.remedies import ACTIVATE, ONE_OPENMP, runtime_first, upgrade
from cxxrt_toolchain.rules.rule import Finding, Severity, error, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.facts.imports import Attempt, Verdict
    from cxxrt_toolchain.facts.process import ProcessView

RULES = frozenset({"CXXRT-D27", "CXXRT-D28", "CXXRT-D29"})
"""What is reported of a failure, unless the loader's message tells more."""


class _Cause(NamedTuple):
    reason: str
    culprits: tuple[str, ...] = ()
    victims: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()


@rule("CXXRT-D27", "An import crashes", on=(ImportScene,))
def crashed(scene: ImportScene) -> Iterator[Finding]:
    """A signal ended the interpreter during an import, or at exit after all imports."""
    failure, end = scene.run.failure, scene.run.end
    if failure is not None and failure.outcome is Outcome.CRASHED:
        yield _failed(scene, failure, f"crashes with {failure.detail}")
    elif failure is None and end is not None:
        yield _at_exit(scene, end)


@rule("CXXRT-D28", "An import raises an exception", on=(ImportScene,))
def raised(scene: ImportScene) -> Iterator[Finding]:
    """An exception; a message of the loader in it or in its causes is a finding of its own."""
    failure = scene.run.failure
    if failure is None or failure.outcome is not Outcome.EXCEPTION:
        return
    where = (scene.view, scene.environment, failure.events)
    explained = list(loader_messages.findings(failure.detail, *where))
    if explained:
        yield from (_with_trials(each, scene.verdict) for each in explained)
        return
    yield from loader_messages.findings("\n".join(failure.causes), *where)
    last = failure.detail.splitlines()[-1] if failure.detail else "?"
    yield _failed(scene, failure, f"raises {last}")


@rule("CXXRT-D29", "An import does not end", on=(ImportScene,))
def timed_out(scene: ImportScene) -> Iterator[Finding]:
    """An import that was still running at the time limit."""
    failure = scene.run.failure
    if failure is not None and failure.outcome is Outcome.TIMED_OUT:
        yield _failed(scene, failure, f"does not end ({failure.detail})")


def _at_exit(scene: ImportScene, end: Attempt[ProcessView | None]) -> Finding:
    """Static destructors and atexit functions run after the imports."""
    view, noise = scene.view, scene.run.noise
    paths = (end.site.path, *end.site.callers) if end.site else ()
    return error(
        f"Importing {', '.join(each.module for each in scene.run.attempts)} works, and the "
        f"interpreter crashes with {end.detail} at exit",
        victims=next(filter(None, (names_of(view, [path]) for path in paths)), ()),
        libraries=tuple(path for path in paths if path in view.by_path)[:1],
        evidence=(*_places(end), *signs(end.site, noise, view)),
        remedies=("import them in another order; leave one out to find the two that conflict",),
    )


def _with_trials(finding: Finding, verdict: Verdict | None) -> Finding:
    """Recommend the runtime only if a preloaded libstdc++ helped."""
    remedies = finding.remedies
    if verdict is not None and finding.rule == "CXXRT-D1" and verdict.cure is not Cure.RUNTIME:
        remedies = (f"{upgrade(RUNTIME)} && {ACTIVATE}",)
    return replace(finding, evidence=(*finding.evidence, *_trials(verdict)), remedies=remedies)


def _trials(verdict: Verdict | None) -> tuple[str, ...]:
    return tuple(f"{name}: {result}" for name, result in verdict.trials) if verdict else ()


def _failed(scene: ImportScene, failure: Attempt[ProcessView | None], how: str) -> Finding:
    earlier = [each.module for each in scene.run.attempts if each.outcome is Outcome.IMPORTED]
    after = f" after {', '.join(earlier)}" if earlier else ""
    last = last_object(failure.events)
    noise = scene.run.noise
    cause = (_openmp(scene.view) if TWO_OPENMP in noise else None) or _cause(scene, failure)
    return error(
        f"Importing {failure.module}{after} {how}: {cause.reason}",
        culprits=cause.culprits,
        victims=cause.victims,
        libraries=cause.libraries,
        evidence=(
            *_places(failure),
            *([f"the last line of Python was {failure.where}"] if failure.where else []),
            *([f"the last object that was initialized was {last}"] if last else []),
            *signs(failure.site, noise, scene.view),
            *_trials(scene.verdict),
        ),
        remedies=cause.remedies,
    )


def _places(failure: Attempt[ProcessView | None]) -> list[str]:
    if failure.site is None:
        return []
    below = ", ".join(path.rpartition("/")[2] for path in failure.site.callers[:4])
    return [f"{failure.site}" + (f", called from {below}" if below else "")]


def _cause(scene: ImportScene, failure: Attempt[ProcessView | None]) -> _Cause:
    """The cause that the experiments leave, else what the memory shows."""
    if failure.missing and failure.detail.startswith("ModuleNotFoundError"):
        executable = scene.environment.interpreter.executable
        return _Cause(f"{failure.missing} is not installed for {executable}")
    victim, verdict = _victim(scene, failure), scene.verdict
    cure = verdict.cure if verdict else None
    if cure in {Cure.RUNTIME, None} and (shown := _shown_by_memory(scene, victim)):
        return shown
    if cure is Cure.RUNTIME:
        return _runtime(scene.view, victim)
    if cure is Cure.SEPARATION:
        return _separation(scene.view, victim, reordered=verdict.reordered if verdict else None)
    return _unknown(verdict, victim)


def _shown_by_memory(scene: ImportScene, victim: tuple[str, ...]) -> _Cause | None:
    view = scene.view
    for check, reason in (
        (captured, "has captured symbols of libstdc++"),
        (damaged_locale, "brings another libstdc++"),
    ):
        for each in (found for found in check(view) if found.severity is Severity.ERROR):
            who = " and ".join(view.versions.get(culprit, culprit) for culprit in each.culprits)
            return _Cause(
                f"{who or each.libraries[-1]} {reason}",
                each.culprits,
                tuple(name for name in victim if name not in each.culprits),
                each.libraries,
                runtime_first(view) if scene.verdict else each.remedies,
            )
    return None


def _openmp(view: ProcessView) -> _Cause | None:
    """Intel's and LLVM's OpenMP runtimes abort if one of them is initialized already."""
    copies = view.of_family(RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP)
    if len(copies) < 2:  # noqa: PLR2004 - the other one may be unloaded again
        return None
    each = " and ".join(f"{row.soname} of {view.label(row.path)}" for row in copies)
    return _Cause(
        f"{each} cannot share a process",
        names_of(view, [row.path for row in copies]),
        libraries=tuple(row.path for row in copies),
        remedies=(ONE_OPENMP,),
    )


def _victim(scene: ImportScene, failure: Attempt[ProcessView | None]) -> tuple[str, ...]:
    """The package that was being imported; empty if it is unknown."""
    last = last_object(failure.events)
    owner = scene.environment.owner(last) if last else None
    top = failure.module.partition(".")[0]
    named = scene.environment.named(top)
    inside = (each.package for each in scene.view.libraries if f"/{top}/" in each.path)
    imported = next(filter(None, inside), None)
    name = imported or (named.name if named else None) or (owner.name if owner else None)
    return (name,) if name else ()


def _runtime(view: ProcessView, victim: tuple[str, ...]) -> _Cause:
    """A libstdc++ loaded first cures it and the memory does not show why: who brings copies."""
    copies = [each for each in view.of_family(RuntimeFamily.LIBSTDCXX) if each.package]
    copies += [each for each in view.libraries if RuntimeFamily.LIBSTDCXX in each.static]
    culprits = names_of(view, [each.path for each in copies])
    who = " and ".join(view.versions.get(name, name) for name in culprits)
    return _Cause(
        f"{who or 'a package'} brings its own libstdc++, and another one that is loaded first "
        "cures it",
        culprits,
        tuple(name for name in victim if name not in culprits),
        tuple(each.path for each in copies),
        runtime_first(view),
    )


def _separation(view: ProcessView, victim: tuple[str, ...], *, reordered: bool | None) -> _Cause:
    """Another order or DEEPBIND cures it: definitions of another package replace the victim's."""
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
        reason = "only the other order or RTLD_DEEPBIND cures it"
        return _Cause(reason, (), victim, (), remedies)
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
        return _Cause("no cure was tried", (), victim)
    if verdict.cure is Cure.CHANCE:
        return _Cause("the same imports succeeded when repeated: a race, or an outside cause")
    if verdict.alone or verdict.alone is None:
        return _Cause("it fails alone, too, with any libstdc++", victim)
    return _Cause(
        "neither a shared libstdc++ nor another order cures it",
        (),
        victim,
        (),
        ("rebuild both packages with the same compiler and options",),
    )
