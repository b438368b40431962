"""The rules about OpenMP, libcudart, its driver, and glibc in an environment.

In: `EnvironmentFacts`. Out: findings, unsorted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import numbers
from cxxrt_toolchain.facts.families import (
    OPENMP_FAMILIES,
    RuntimeFamily,
    cuda_major,
    family_of_name,
)
from cxxrt_toolchain.rules.remedies import COMPETING_THREADS, INSTALL, ONE_OPENMP, upgrade
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.wording import listed, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.facts.environment import EnvironmentFacts, MissingSymbols
    from cxxrt_toolchain.facts.objects import ObjectFacts

_LIBGOMP = "libgomp.so.1"
_CLANG_OPENMP = frozenset({RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP})
_GLIBC = "GLIBC_"


def check_runtimes(facts: EnvironmentFacts) -> Iterator[Finding]:
    """Everything that this module knows."""
    yield from _openmp(facts)
    yield from _cudart(facts)
    yield from _driver(facts)
    yield from _glibc(facts)


def _openmp(facts: EnvironmentFacts) -> Iterator[Finding]:
    """D4: split thread pools are common and harmless; two of LLVM's lineage abort."""
    copies = _distinct(facts, OPENMP_FAMILIES)
    users = [
        member.name
        for member in facts.members
        if any((user.path, _LIBGOMP) not in facts.own for user in member.users(_LIBGOMP))
    ]
    system = facts.default(_LIBGOMP)
    if system is not None and users and system.name not in copies:
        copies[system.name] = (system, users)
    clash = {name: names for name, (each, names) in copies.items() if each.copy_of in _CLANG_OPENMP}
    libraries = tuple(each.path for each, _ in copies.values())
    evidence = [f"{name}: {listed(names)}" for name, (_, names) in sorted(copies.items())]
    if len(clash) > 1:
        yield Finding(
            rule="CXXRT-D4",
            severity=Severity.WARNING,
            message=f"{listed(sorted(clash))} do not bear each other: an abort with OMP: Error "
            "#15, or a deadlock",
            culprits=tuple(sorted({name for names in clash.values() for name in names})),
            libraries=libraries,
            evidence=tuple(shortened(evidence)),
            remedies=(ONE_OPENMP,),
        )
    elif len(copies) > 1:
        yield Finding(
            rule="CXXRT-D4",
            severity=Severity.NOTE,
            message=f"{len(copies)} OpenMP runtimes are installed, each with its own threads",
            libraries=libraries,
            evidence=tuple(shortened(evidence)),
            remedies=(COMPETING_THREADS,),
        )


def _distinct(
    facts: EnvironmentFacts, families: frozenset[RuntimeFamily]
) -> dict[str, tuple[ObjectFacts, list[str]]]:
    """Copies that a process would load beside each other, by SONAME, with who brings them.

    Under a name that is no runtime's and that nothing needs, it is a stub or a plugin's. What is
    needed by its file's name is loaded whatever else has its SONAME.
    """
    found: dict[str, tuple[ObjectFacts, list[str]]] = {}
    needed = frozenset(name for member in facts.members for name in member.needed)
    for member in facts.members:
        for each in member.objects:
            copy = each.copy_of in families and (family_of_name(each.name) or each.name in needed)
            if copy or families.intersection(each.static):
                file = each.path.rpartition("/")[2]
                name = file if file in needed else each.name
                found.setdefault(name, (each, []))[1].append(member.name)
    return {name: (each, sorted(set(names))) for name, (each, names) in found.items()}


def _cudart(facts: EnvironmentFacts) -> Iterator[Finding]:
    """D5 and D6."""
    majors: dict[int, list[tuple[ObjectFacts, list[str]]]] = {}
    for name, entry in _distinct(facts, frozenset({RuntimeFamily.LIBCUDART})).items():
        majors.setdefault(_major(name), []).append(entry)
    for major, copies in sorted(majors.items()):
        if major and len(copies) > 1:
            names = sorted({name for _, names in copies for name in names})
            yield Finding(
                rule="CXXRT-D5",
                severity=Severity.NOTE,
                message=f"{len(copies)} copies of libcudart {major} are installed: {listed(names)}",
                victims=(),
                libraries=tuple(each.path for each, _ in copies),
                evidence=tuple(f"{each.path} is {each.name}" for each, _ in copies[:6]),
                remedies=("cxxrt repair the wheel that bundles its own",),
            )
    for missing in facts.cudart:
        yield lacking(
            facts,
            missing,
            "CXXRT-D6",
            Severity.ERROR,
            "needs a newer libcudart than",
            (upgrade(package_of(facts, missing.provider)), INSTALL),
        )


def _major(name: str) -> int:
    """The CUDA major of a copy's name, 0 where it has none; ``libcudart.faf08d9a.so.13``, too."""
    return cuda_major(name) or next(
        (int(part) for part in name.partition(".so.")[2].split(".")[:1] if part.isdigit()), 0
    )


def package_of(facts: EnvironmentFacts, path: str) -> str:
    """The distribution that an object is of; its path, where none recorded it."""
    owner = facts.owners.get(path)
    return owner.name if owner else path


def lacking(
    facts: EnvironmentFacts,
    missing: MissingSymbols,
    rule: str,
    severity: Severity,
    what: str,
    remedies: tuple[str, ...],
) -> Finding:
    """A finding about symbols that a library lacks; `what` stands between the two names."""
    consumer, provider = package_of(facts, missing.consumer), package_of(facts, missing.provider)
    return Finding(
        rule=rule,
        severity=severity,
        message=f"{consumer} {what} that of {provider}",
        culprits=(provider,) if missing.provider in facts.owners else (),
        victims=(consumer,),
        libraries=(missing.provider, missing.consumer),
        evidence=tuple(
            shortened([f"{missing.provider} lacks {symbol}" for symbol in missing.symbols])
        ),
        remedies=remedies,
    )


def _driver(facts: EnvironmentFacts) -> Iterator[Finding]:
    """D7; without a driver nothing is wrong: the package then runs without a GPU."""
    if facts.driver is None:
        return
    for member in facts.members:
        majors = {cuda_major(name) or 0 for name in member.needed}
        newest = max(majors, default=0)
        if newest > facts.driver:
            yield Finding(
                rule="CXXRT-D7",
                severity=Severity.WARNING,
                message=f"{member.name} is built for CUDA {newest}, the driver runs CUDA "
                f"{facts.driver}",
                culprits=(member.name,),
                victims=(member.name,),
                libraries=tuple(each.path for each in member.users(f"libcudart.so.{newest}")[:3]),
                evidence=(f"cuDriverGetVersion says {facts.driver}",),
                remedies=(
                    "Update the NVIDIA driver",
                    f"Install the build of {member.name} for CUDA {facts.driver}",
                ),
            )


def _glibc(facts: EnvironmentFacts) -> Iterator[Finding]:
    """D8."""
    here = numbers(_GLIBC + facts.environment.interpreter.glibc, _GLIBC)
    if not here:
        return
    for member in facts.members:
        worst: tuple[tuple[int, ...], ObjectFacts] | None = None
        for each in member.objects:
            floor = max(
                (numbers(n.version, _GLIBC) for n in each.facts.version_needs if not n.weak),
                default=(),
            )
            if floor > here and (worst is None or floor > worst[0]):
                worst = (floor, each)
        if worst is not None:
            needed = ".".join(map(str, worst[0]))
            yield Finding(
                rule="CXXRT-D8",
                severity=Severity.ERROR,
                message=f"{member.name} needs glibc {needed}; this machine has "
                f"{facts.environment.interpreter.glibc}",
                culprits=(member.name,),
                victims=(member.name,),
                libraries=(worst[1].path,),
                evidence=(f"{worst[1].path} needs GLIBC_{needed}",),
                remedies=(
                    f"Install an older {member.name}, or one that is built for this machine",
                    "Use a newer distribution or container",
                ),
            )
