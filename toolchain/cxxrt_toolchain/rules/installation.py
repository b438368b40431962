"""The judgement of an environment.

In: `EnvironmentFacts`. Out: findings, sorted. A finding is an error only where a crash, wrong
numbers or a failed import is certain, or proven for that mechanism; what is latent and works today
is info. Each mechanism, and the crash that showed it, is in the catalogue.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import claims_tag, requires_runtime
from cxxrt_toolchain.facts.installed import VARIABLE_STEPS, normalized
from cxxrt_toolchain.facts.libraries import RUNTIME_DISTRIBUTION
from cxxrt_toolchain.rules.copies import check_libstdcxx
from cxxrt_toolchain.rules.openmp_cuda import check_runtimes, lacking, package_of
from cxxrt_toolchain.rules.remedies import INSTALL, upgrade
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.rules.strings import check_interactions
from cxxrt_toolchain.rules.versions import check_age
from cxxrt_toolchain.wording import listed, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement

    from cxxrt_toolchain.facts.environment import EnvironmentFacts, MissingSymbols
    from cxxrt_toolchain.facts.objects import ObjectFacts


def judge(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Everything that is wrong with an environment, worst first."""
    findings = [
        *check_age(facts),
        *check_libstdcxx(facts),
        *check_runtimes(facts),
        *_variables(facts),
        *_runtime(facts),
        *_builds(facts),
        *_strings(facts),
        *_interactions(facts),
        *_unreadable(facts),
    ]
    return tuple(sorted(findings, key=lambda found: found.sort_key))


def _variables(facts: EnvironmentFacts) -> Iterator[Finding]:
    """D10: a variable puts a runtime before the one that would be found without it."""
    for name, candidates in sorted(facts.candidates.items()):
        users = [each.name for each in facts.members if name in each.needed]
        rest = [each for each in candidates if each.step not in VARIABLE_STEPS]
        if not users or not rest or candidates[0].step not in VARIABLE_STEPS:
            continue
        first, plain = facts.outside[candidates[0].path], facts.outside[rest[0].path]
        if first.path == plain.path or _same(first, plain):
            continue
        lost = set(plain.facts.version_definitions).difference(first.facts.version_definitions)
        step = candidates[0].step.value
        yield Finding(
            rule="CXXRT-D10",
            severity=Severity.WARNING if lost else Severity.NOTE,
            message=f"{step} puts {'an older' if lost else 'another'} {name} before the one of "
            f"{rest[0].step.value}",
            victims=tuple(users) if lost else (),
            libraries=(first.path, plain.path),
            evidence=tuple(
                shortened(
                    [
                        f"{first.path} comes first",
                        f"{plain.path} would be found without {step}",
                        *(f"only the latter defines {node}" for node in sorted(lost)),
                    ]
                )
            ),
            remedies=(f"Unset {step}, or take {first.path.rpartition('/')[0]} off it",),
        )


def _same(one: ObjectFacts, other: ObjectFacts) -> bool:
    return bool(one.facts.build_id) and one.facts.build_id == other.facts.build_id


def _runtime(facts: EnvironmentFacts) -> Iterator[Finding]:
    """D9."""
    installed = facts.runtime.distribution if facts.runtime else None
    for distribution in facts.environment.distributions:
        if distribution.key == RUNTIME_DISTRIBUTION or not requires_runtime(distribution):
            continue
        wanted = _requirement(distribution.requires)
        if installed is None and (wanted is not None or claims_tag(distribution)):
            message = f"{distribution.name} needs the shared runtime, which is not installed"
            evidence = "it has a runtime ABI tag" if wanted is None else f"it requires {wanted}"
        elif (
            installed
            and wanted
            and not wanted.specifier.contains(installed.version, prereleases=True)
        ):
            message = f"{distribution.name} needs another version of the shared runtime"
            evidence = f"it requires {wanted}; {installed.version} is installed"
        else:
            continue
        yield Finding(
            rule="CXXRT-D9",
            severity=Severity.ERROR,
            message=message,
            culprits=(distribution.name,),
            victims=(distribution.name,),
            libraries=(),
            evidence=(f"{distribution.name} {distribution.version}: {evidence}",),
            remedies=(f"pip install '{wanted}'" if wanted else INSTALL,),
        )


def _fits(wanted: Requirement, version: str) -> bool:
    return wanted.specifier.contains(version, prereleases=True)


def _requirement(lines: tuple[str, ...]) -> Requirement | None:
    from packaging.requirements import (
        InvalidRequirement,
        Requirement,
    )

    for line in lines:
        try:
            found = Requirement(line)
        except InvalidRequirement:
            continue
        if normalized(found.name) == RUNTIME_DISTRIBUTION and (
            found.marker is None or found.marker.evaluate({"extra": ""})
        ):
            return found
    return None


def _builds(facts: EnvironmentFacts) -> Iterator[Finding]:
    """D3: only what one build has, the other lacks and a package needs is a warning.

    One for each pair of packages, whatever number of libraries they share the names of.
    """
    pairs: dict[tuple[str, str], list[MissingSymbols]] = {}
    for each in facts.builds:
        pair = (package_of(facts, each.consumer), package_of(facts, each.provider))
        pairs.setdefault(pair, []).append(each)
    for (consumer, provider), rows in sorted(pairs.items()):
        names = sorted({each.provider.rpartition("/")[2] for each in rows})
        one = lacking(
            facts,
            rows[0],
            "CXXRT-D3",
            Severity.WARNING,
            f"fails if {provider} is loaded first: the name of {listed(names)} is then taken by",
            (f"Import {consumer} before {provider}", upgrade(provider)),
        )
        lacks = [f"{each.provider} lacks {name}" for each in rows for name in each.symbols]
        paths = dict.fromkeys(path for each in rows for path in (each.provider, each.consumer))
        yield replace(one, libraries=tuple(paths)[:6], evidence=tuple(shortened(lacks)))


def _strings(facts: EnvironmentFacts) -> Iterator[Finding]:
    """D11."""
    pairs: dict[tuple[str, str], list[tuple[str, str, str, str]]] = {}
    for each in facts.strings:
        pair = (package_of(facts, each.consumer), package_of(facts, each.provider))
        row = (each.consumer, each.provider, each.needed, each.provided)
        pairs.setdefault(pair, []).append(row)
    for (consumer, provider), rows in sorted(pairs.items()):
        objects, _, needed, provided = rows[0]
        old = "__cxx11" not in needed
        yield Finding(
            rule="CXXRT-D11",
            severity=Severity.ERROR,
            message=f"{consumer} is compiled for the {'old' if old else 'new'} std::string, "
            f"{provider} for the {'new' if old else 'old'} one",
            culprits=(consumer,),
            victims=(consumer,),
            libraries=tuple(dict.fromkeys((objects, rows[0][1]))),
            evidence=(f"{objects} needs {needed}", f"{rows[0][1]} exports {provided}"),
            remedies=(
                f"Install a build of {consumer} for this {provider}",
                f"Build it with -D_GLIBCXX_USE_CXX11_ABI={1 if old else 0}",
            ),
        )


def _interactions(facts: EnvironmentFacts) -> Iterator[Finding]:
    """H5, H7 and D13, where D11 does not say more."""
    packages = frozenset(member.name for member in facts.members)
    mismatched = [
        (package_of(facts, each.consumer), package_of(facts, each.provider))
        for each in facts.strings
    ]
    return check_interactions(facts.interactions, packages, mismatched)


def _unreadable(facts: EnvironmentFacts) -> Iterator[Finding]:
    """W5, where it concerns a shared object."""
    for path, reason in facts.unreadable:
        owner = facts.environment.owner(path)
        name = owner.name if owner else path
        yield Finding(
            rule="CXXRT-W5",
            severity=Severity.WARNING,
            message=f"{name} has a shared object that cannot be read",
            culprits=(name,) if owner else (),
            victims=(name,) if owner else (),
            libraries=(path,),
            evidence=(f"{path}: {reason}",),
            remedies=(f"pip install --force-reinstall --no-deps {name}",),
        )
