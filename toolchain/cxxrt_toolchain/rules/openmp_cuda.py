"""Rules about OpenMP runtimes, libcudart and the CUDA driver: L105, D6 and D7."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.families import (
    OPENMP_FAMILIES,
    RuntimeFamily,
    cuda_major,
    family_of_name,
)
from cxxrt_toolchain.rules.copies import described
from cxxrt_toolchain.rules.remedies import (
    BOTH,
    COMPETING_THREADS,
    ONE_OPENMP,
    Scene,
    repaired,
    upgrade,
)
from cxxrt_toolchain.rules.rule import Finding, Severity, rule, warning
from cxxrt_toolchain.wording import listed, shortened

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.loading import Unserved
    from cxxrt_toolchain.facts.members import MissingSymbols

_LIBGOMP = "libgomp.so.1"
ABORTING = frozenset({RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP})
"""OpenMP runtimes of which a second one ends the process (``OMP: Error #15``)."""


@rule("CXXRT-L105", "Several OpenMP runtimes", on=BOTH, aliases=("CXXRT-D4",))
def several_openmp(scene: Scene) -> Iterator[Finding]:
    """Separate thread pools are common and harmless; two of Intel's or LLVM's runtimes abort."""
    copies = scene.copies(*OPENMP_FAMILIES)
    clash = [each for each in copies if each.family in ABORTING]
    serious = len(clash) > 1
    owners = {name for each in clash for name in each.owners}
    if len(copies) > 1:
        remedies = [ONE_OPENMP if serious else COMPETING_THREADS]
        if all(each.family is RuntimeFamily.LIBGOMP for each in copies):
            bundling = (each.owners[0] for each in copies if each.owners and each.name != _LIBGOMP)
            remedies += [repaired(scene, each) for each in dict.fromkeys(bundling)]
        yield Finding(
            severity=Severity.WARNING if serious else Severity.NOTE,
            message=f"{len(copies)} OpenMP runtimes {scene.verb}: "
            f"{listed([described(scene, each) for each in copies])}; each has its own threads "
            "and settings",
            culprits=tuple(sorted(owners)) if serious else (),
            libraries=tuple(each.path for each in copies),
            evidence=(
                *shortened([f"{each.path} is {each.name}" for each in copies]),
                *(["two of Intel's or LLVM's kind abort with OMP: Error #15"] * serious),
            ),
            remedies=tuple(remedies),
        )


@rule("CXXRT-D6", "libcudart is too old for a package", on=(EnvironmentFacts,))
def old_cudart(env: EnvironmentFacts) -> Iterator[Finding]:
    """A package needs functions that its libcudart does not export."""
    for missing in env.loads.unserved:
        if missing.symbols and family_of_name(missing.provider) is RuntimeFamily.LIBCUDART:
            owner, user = env.package_of(missing.provider), env.package_of(missing.consumer)
            remedies = [upgrade(owner)] if owner else []
            remedies += [repaired(env, user)] if user and user != owner else []
            what = "needs a newer libcudart than"
            by_code = env.loads.by_code(missing.modules)
            severity = Severity.WARNING if by_code else Severity.ERROR
            yield lacking(env, missing, severity, what, tuple(remedies))


def lacking(
    env: EnvironmentFacts,
    missing: MissingSymbols | Unserved,
    severity: Severity,
    what: str,
    remedies: tuple[str, ...],
) -> Finding:
    """A finding about symbols that a library does not export; `what` stands between the names."""
    consumer = env.package_of(missing.consumer) or missing.consumer
    provider = env.package_of(missing.provider)
    return Finding(
        severity=severity,
        message=f"{consumer} {what} that of {provider or missing.provider}",
        culprits=(provider,) if provider else (),
        victims=(consumer,),
        libraries=(missing.provider, missing.consumer),
        evidence=shortened([f"{missing.provider} lacks {symbol}" for symbol in missing.symbols]),
        remedies=remedies,
    )


@rule("CXXRT-D7", "The NVIDIA driver is older than a package's CUDA", on=(EnvironmentFacts,))
def old_driver(env: EnvironmentFacts) -> Iterator[Finding]:
    """No finding without a driver: such a machine has no GPU to use."""
    for member in env.members if env.driver is not None else ():
        newest = max((cuda_major(name) or 0 for name in member.needed), default=0)
        if newest > (env.driver or 0):
            yield warning(
                f"{member.name} is built for CUDA {newest}, the driver runs CUDA {env.driver}",
                culprits=(member.name,),
                victims=(member.name,),
                libraries=tuple(each.path for each in member.users(f"libcudart.so.{newest}")[:3]),
                evidence=(f"cuDriverGetVersion says {env.driver}",),
                remedies=(
                    "Update the NVIDIA driver",
                    f"Install the build of {member.name} for CUDA {env.driver}",
                ),
            )
