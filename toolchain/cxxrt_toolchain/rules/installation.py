"""Rules about installed and mapped files, and what selects them: D3, D9, D10, D24, L109 and W5."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import applies, parse_requirement
from cxxrt_toolchain.facts.environment import EnvironmentFacts, claims_tag, requires_runtime
from cxxrt_toolchain.facts.families import LIBSTDCXX
from cxxrt_toolchain.facts.installed import VARIABLE_STEPS, Step, normalized
from cxxrt_toolchain.facts.libraries import RUNTIME_DISTRIBUTION, Origin
from cxxrt_toolchain.facts.process import ProcessView, names_of
from cxxrt_toolchain.rules.openmp_cuda import lacking
from cxxrt_toolchain.rules.remedies import (
    INSTALL,
    RUN,
    UNREADABLE,
    reinstall,
    unreadable_file,
    upgrade,
)
from cxxrt_toolchain.rules.rule import Finding, Severity, error, note, rule, warning
from cxxrt_toolchain.rules.unserved import lacks_version, shadowed
from cxxrt_toolchain.wording import listed, shortened

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from cxxrt_toolchain.facts.members import MissingSymbols
    from cxxrt_toolchain.facts.objects import ObjectFacts


_STEPS = (*VARIABLE_STEPS, Step.OWN_FOLDER)


@rule("CXXRT-D3", "One SONAME, different builds", on=(EnvironmentFacts,))
def other_build(env: EnvironmentFacts) -> Iterator[Finding]:
    """One finding for two packages, also if they share several SONAMEs."""
    yield from lacks_version(env)
    pairs: dict[tuple[str, str], list[MissingSymbols]] = {}
    for each in env.builds:
        consumer = env.package_of(each.consumer) or each.consumer
        provider = env.package_of(each.provider) or each.provider
        pairs.setdefault((consumer, provider), []).append(each)
    for (consumer, provider), rows in sorted(pairs.items()):
        names = sorted({each.provider.rpartition("/")[2] for each in rows})
        one = lacking(
            env,
            rows[0],
            Severity.WARNING,
            f"fails if {provider} is loaded first: its need of {listed(names)} is then served by",
            (f"Import {consumer} before {provider}", upgrade(provider)),
        )
        lacks = [f"{each.provider} lacks {name}" for each in rows for name in each.symbols]
        paths = dict.fromkeys(path for each in rows for path in (each.provider, each.consumer))
        yield replace(one, libraries=tuple(paths)[:6], evidence=shortened(lacks))


@rule("CXXRT-D9", "The shared runtime is missing or too old", on=(EnvironmentFacts,))
def runtime_missing(env: EnvironmentFacts) -> Iterator[Finding]:
    """A distribution needs the runtime wheel by its tag or its requirements."""
    installed = env.runtime.distribution if env.runtime else None
    for distribution in env.environment.distributions:
        if distribution.key == RUNTIME_DISTRIBUTION or not requires_runtime(distribution):
            continue
        wanted = _requirement(distribution.requires)
        if installed is None and (wanted is not None or claims_tag(distribution)):
            message = f"{distribution.name} needs the shared runtime, which is not installed"
            evidence = f"it requires {wanted}" if wanted else "it has a runtime ABI tag"
        elif (
            installed
            and wanted
            and not wanted.specifier.contains(installed.version, prereleases=True)
        ):
            message = f"{distribution.name} needs another version of the shared runtime"
            evidence = f"it requires {wanted}; {installed.version} is installed"
        else:
            continue
        yield error(
            message,
            culprits=(distribution.name,),
            victims=(distribution.name,),
            evidence=(f"{distribution.name} {distribution.version}: {evidence}",),
            remedies=(f"pip install '{wanted}'" if wanted else INSTALL,),
        )


def _requirement(lines: tuple[str, ...]) -> Requirement | None:
    """The requirement on the runtime that applies without extras."""
    from packaging.requirements import InvalidRequirement

    for line in lines:
        try:
            found = parse_requirement(line)
        except InvalidRequirement:
            continue
        if normalized(found.name) == RUNTIME_DISTRIBUTION and applies(found, {"extra": ""}):
            return found
    return None


@rule("CXXRT-D10", "A variable puts another library first", on=(EnvironmentFacts,))
def selected(env: EnvironmentFacts) -> Iterator[Finding]:
    """An error if a package needs what the library lacks, a warning if it lacks other versions."""
    yield from shadowed(env)
    yield from _overtaken(env)
    for name, candidates in sorted(env.candidates.items()):
        users = tuple(each.name for each in env.members if name in each.needed)
        rest = [each for each in candidates if each.step not in _STEPS]
        if not users or not rest or candidates[0].step not in _STEPS:
            continue
        if any(candidates[0].path == each.provider for each in env.loads.unserved):
            continue
        first, plain = env.outside[candidates[0].path], env.outside[rest[0].path]
        if first.path == plain.path or _same(first, plain):
            continue
        lost = set(plain.facts.version_definitions).difference(first.facts.version_definitions)
        step, packed = candidates[0].step.value, candidates[0].step is Step.OWN_FOLDER
        without = f"Unset {step}, or remove {first.path.rpartition('/')[0]} from it"
        yield Finding(
            severity=Severity.WARNING if lost and not packed else Severity.NOTE,
            message=f"{step} puts {'an older' if lost else 'another'} {name} before the one of "
            f"{rest[0].step.value}",
            victims=users if lost and not packed else (),
            libraries=(first.path, plain.path),
            evidence=shortened(
                [
                    f"{first.path} comes first",
                    f"{plain.path} would be found without {step}",
                    *(f"only the latter defines {node}" for node in sorted(lost)),
                ]
            ),
            remedies=(f"Remove {first.path}, if libraries of the machine need a newer one",)
            if packed
            else (without,),
        )


def _overtaken(env: EnvironmentFacts) -> Iterator[Finding]:
    """The activated runtime comes after a libstdc++ that a preloaded library brings."""
    early, ours = env.early(LIBSTDCXX), env.vendored(LIBSTDCXX)
    preload, by = env.loads.preloaded.get(early, ("", ""))
    if env.activated and preload and ours and early != ours.path:
        brings = "is" if preload == early else "needs"
        yield note(
            f"{by} puts {early} before the runtime wheel's libstdc++, which is then not loaded",
            libraries=(early, preload, ours.path),
            evidence=(f"{preload} {brings} {LIBSTDCXX}",),
            remedies=(f"{RUN}, which puts {ours.path} first",),
        )


def _same(one: ObjectFacts, other: ObjectFacts) -> bool:
    return bool(one.facts.build_id) and one.facts.build_id == other.facts.build_id


@rule("CXXRT-D10", "A variable puts another library first", on=(ProcessView,))
def mapped(view: ProcessView) -> Iterator[Finding]:
    """A note, because what would be mapped without the variable is unknown."""
    for name in ("LD_PRELOAD", "LD_LIBRARY_PATH"):
        value = view.variables.get(name, "")
        entries = re.split(r"[: ]" if name == "LD_PRELOAD" else ":", value)
        paths = [
            each.path
            for each in view.runtimes
            if each.origin not in {Origin.RUNTIME, Origin.WHEEL}
            and any(_comes_from(each.path, entry) for entry in entries if entry)
        ]
        if paths:
            yield note(
                f"{name} decides that {paths[0]} is used",
                libraries=tuple(paths),
                evidence=(f"{name}={value}",),
            )


def _comes_from(path: str, entry: str) -> bool:
    return path == entry or path.startswith(entry.rstrip("/") + "/")


@rule("CXXRT-D24", "The process's memory was not read", on=(ProcessView,))
def memory_not_read(view: ProcessView) -> Iterator[Finding]:
    """The findings rest on the list of mappings alone."""
    if view.why_no_memory:
        yield note(
            f"Process memory not readable ({view.why_no_memory}): findings rest on "
            "/proc/PID/maps; run as its user or root",
            evidence=()
            if view.ordered
            else ("the order of the libraries is that of their addresses",),
        )


@rule(
    "CXXRT-L109",
    "A library was replaced while in use",
    on=(ProcessView,),
    remedies=("restart the process",),
)
def replaced(view: ProcessView) -> Iterator[Finding]:
    """The file of a mapped runtime was removed or replaced."""
    for each in view.runtimes:
        if each.deleted:
            yield warning(
                f"{each.path} was removed or replaced while it is in use",
                culprits=names_of(view, [each.path]),
                libraries=(each.path,),
            )


@rule("CXXRT-W5", UNREADABLE, on=(EnvironmentFacts,))
def unreadable(env: EnvironmentFacts) -> Iterator[Finding]:
    """A shared object of a distribution that the ELF reader rejects."""
    for broken in env.unreadable:
        found = unreadable_file(broken, env.needed, {env.machine})
        fatal = found.severity is Severity.ERROR
        owner = env.environment.owner(broken.member)
        names = (owner.name,) if owner else ()
        yield replace(
            found,
            message=f"{broken.member} {found.message}",
            culprits=names if fatal else (),
            victims=names if fatal else (),
            libraries=(broken.member,),
            remedies=tuple(reinstall(n, env.version_of(n)) for n in names) if fatal else (),
        )
