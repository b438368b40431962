"""The cause of a failed import, from what the trials and the process's memory show.

Nothing is said of what was not tried, or of a trial that failed in another way.
"""

import re
from typing import NamedTuple

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.imports.run import Attempt, ImportScene, Outcome, last_object
from cxxrt_toolchain.facts.imports.trials import Change, Cure, Ending, Trial, Verdict
from cxxrt_toolchain.facts.process import ProcessView, names_of
from cxxrt_toolchain.rules.captures import captured
from cxxrt_toolchain.rules.copies import damaged_locale
from cxxrt_toolchain.rules.imports.crash_signs import TWO_OPENMP
from cxxrt_toolchain.rules.remedies import (
    ONE_OPENMP,
    Remedy,
    imported_before,
    rebuilt,
    runtime_first,
)
from cxxrt_toolchain.rules.rule import Severity
from cxxrt_toolchain.wording import listed

_TWICE = re.compile(r"File already exists in database: (\S+)")
"""libprotobuf's words (descriptor_database.cc) before it ends the process."""


class Cause(NamedTuple):
    """Why an import failed, who is at fault, and what helps."""

    reason: str
    culprits: tuple[str, ...] = ()
    victims: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()


def cause_of(scene: ImportScene, failure: Attempt[ProcessView | None]) -> Cause:
    """The cause that the trials leave, else what the memory shows."""
    if TWO_OPENMP in scene.run.noise and (two := _openmp(scene.view)):
        return two
    if twice := _TWICE.search(scene.run.noise):
        reason = f"{twice[1]} is compiled into two libraries that share one libprotobuf"
        return Cause(reason, (), victim_of(scene), (), _apart(scene, "no runtime cures this"))
    if failure.missing and failure.detail.startswith("ModuleNotFoundError"):
        executable = scene.environment.interpreter.executable
        return Cause(f"{failure.missing} is not installed for {executable}")
    victim, verdict = victim_of(scene), scene.verdict
    cure = verdict.cure if verdict else None
    if cure in {Cure.RUNTIME, None} and (shown := _shown_by_memory(scene, victim)):
        return shown
    explain = {
        Cure.RUNTIME: _private_runtime,
        Cure.SEPARATION: _separation,
        Cure.REGISTRY: _shared_registry,
    }
    return explain.get(cure or Cure.NOTHING, _unknown)(scene, victim)


def _shown_by_memory(scene: ImportScene, victim: tuple[str, ...]) -> Cause | None:
    view = scene.view
    for check, reason in (
        (captured, "has captured symbols of libstdc++"),
        (damaged_locale, "brings another libstdc++"),
    ):
        for each in (found for found in check(view) if found.severity is Severity.ERROR):
            who = " and ".join(view.versions.get(culprit, culprit) for culprit in each.culprits)
            return Cause(
                f"{who or each.libraries[-1]} {reason}",
                each.culprits,
                tuple(name for name in victim if name not in each.culprits),
                each.libraries,
                each.remedies,
            )
    return None


def _openmp(view: ProcessView) -> Cause | None:
    """Intel's and LLVM's OpenMP runtimes abort if one of them is initialized already."""
    copies = view.of_family(RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP)
    if len(copies) < 2:  # noqa: PLR2004 - the other one may be unloaded again
        return None
    each = " and ".join(f"{row.soname} of {view.label(row.path)}" for row in copies)
    return Cause(
        f"{each} cannot share a process",
        names_of(view, [row.path for row in copies]),
        libraries=tuple(row.path for row in copies),
        remedies=(ONE_OPENMP,),
    )


def victim_of(scene: ImportScene) -> tuple[str, ...]:
    """The distribution that was being imported when it failed; empty if it is unknown."""
    failure = scene.run.failure or (scene.run.attempts or (None,))[-1]
    if failure is None:
        return ()
    last = last_object(failure.events)
    owner = scene.environment.owner(last) if last else None
    top = failure.module.partition(".")[0]
    named = scene.environment.named(top)
    inside = (each.package for each in scene.view.libraries if f"/{top}/" in each.path)
    imported = next(filter(None, inside), None)
    name = imported or (named.name if named else None) or (owner.name if owner else None)
    return (name,) if name else ()


def _private_runtime(scene: ImportScene, victim: tuple[str, ...]) -> Cause:
    """A libstdc++ loaded first cures it and the memory does not show why: who brings copies."""
    view = scene.view
    copies = [each for each in view.of_family(RuntimeFamily.LIBSTDCXX) if each.package]
    copies += [each for each in view.libraries if RuntimeFamily.LIBSTDCXX in each.static]
    culprits = names_of(view, [each.path for each in copies])
    who = " and ".join(view.versions.get(name, name) for name in culprits)
    return Cause(
        f"{who or 'a package'} brings its own libstdc++, and another one that is loaded first "
        "cures it",
        culprits,
        tuple(name for name in victim if name not in culprits),
        tuple(each.path for each in copies),
        runtime_first(view),
    )


def _separation(scene: ImportScene, victim: tuple[str, ...]) -> Cause:
    """Another order or DEEPBIND cures it: definitions of another package replace the victim's."""
    view = scene.view
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
    remedies = _apart(scene, "no runtime cures this")
    if not counts:
        ways = {Change.ORDER: "another order", Change.DEEPBIND: "RTLD_DEEPBIND"}
        cures = [way for change, way in ways.items() if _verdict(scene).works(change)]
        return Cause(f"{' or '.join(cures)} cures it", (), victim, (), remedies)
    culprit = max(counts, key=lambda name: counts[name])
    who, whose = view.versions.get(culprit, culprit), " and ".join(victim) or "another package"
    return Cause(
        f"definitions of {who}, {view.reach(*libraries[culprit])}, replace those of {whose}",
        (culprit,),
        victim,
        libraries[culprit],
        remedies,
    )


def _apart(scene: ImportScene, why: str) -> tuple[str, ...]:
    """What keeps the module that fails away from the one that it fails after."""
    modules = [
        each.module for each in scene.run.attempts if each.outcome is not Outcome.NOT_REACHED
    ]
    *before, last = modules
    trials = _verdict(scene).trials
    left_out = [each.name.removeprefix("without ") for each in trials if _is_left_out(each)]
    others = listed(left_out or before)
    flags = f"import {last} with os.RTLD_DEEPBIND added to sys.setdlopenflags()"
    alone = Change.FEWER if left_out else Change.ALONE
    return (
        imported_before(last, others),
        Remedy(flags, Change.DEEPBIND),
        Remedy(f"import {last} and {others} in two processes ({why})", alone),
    )


def _shared_registry(scene: ImportScene, victim: tuple[str, ...]) -> Cause:
    """A registry of its own cures it: the layout of the shared one differs between compilers."""
    view = scene.view
    for each in scene.registries:
        paths = [path for path, _ in each.users]
        others = tuple(name for name in names_of(view, paths) if name not in victim)
        compilers = dict.fromkeys(f"{view.label(path)}: {by}" for path, by in each.users if by)
        same = len({by for _, by in each.users}) == 1
        how = "with other options" if same else listed(compilers)
        if others:
            return Cause(
                f"it shares the registry of types {each.name} with {listed(others)}, and was not "
                f"built like it ({how})",
                others,
                victim,
                tuple(paths),
                (
                    *_apart(scene, "no runtime cures this"),
                    rebuilt((*others, *victim), "one compiler, one string ABI, one pybind11"),
                ),
            )
    return Cause("a registry of types of its own cures it", (), victim)


def _verdict(scene: ImportScene) -> Verdict:
    return scene.verdict or Verdict(trials=())


_ALONE = {
    None: "",
    Ending.SAME: "it fails alone, too",
    Ending.OTHER: "alone, it fails in another way",
    Ending.WORKS: "alone, it works",
}
_TRIED = {
    Change.RUNTIME: "a libstdc++ loaded first",
    Change.DEEPBIND: "RTLD_DEEPBIND",
    Change.ORDER: "another order",
}


def _unknown(scene: ImportScene, victim: tuple[str, ...]) -> Cause:
    """What was tried is said, and nothing else."""
    verdict = scene.verdict
    if verdict is None:
        return Cause("no cure was tried", (), victim)
    if verdict.cure is Cure.CHANCE:
        return Cause("the same imports succeeded when repeated: a race, or an outside cause")
    alone = verdict.ending(Change.ALONE)
    failed = [what for change, what in _TRIED.items() if verdict.ending(change) is Ending.SAME]
    cures = f"{' nor '.join(failed)} cures it"
    without = [each.name for each in verdict.trials if _is_left_out(each)]
    said = [
        _ALONE[alone],
        f"{listed(without)} it works" if without else "",
        f"n{'either' if failed[1:] else 'ot even'} {cures}" if failed else "",
    ]
    reason = "; ".join(filter(None, said)) or "nothing that was tried shows why"
    if alone is Ending.SAME or len(scene.run.attempts) == 1:
        return Cause(reason, victim)
    apart = _apart(scene, "no other cure is known") if without or alone is Ending.WORKS else ()
    return Cause(reason, (), victim, (), apart)


def _is_left_out(trial: Trial) -> bool:
    return trial.change is Change.FEWER and trial.ending is Ending.WORKS
