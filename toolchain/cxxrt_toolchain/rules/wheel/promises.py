"""Rules P1 to P6: what the tag promises about the binaries.

In: a `Claim`. Out: findings. A wheel with a runtime ABI is held to that runtime's policy, a plain
one to what its ``manylinux`` tag promises of every machine; ``linux_<arch>`` promises nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.platforms import glibc_release
from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.facts.families import SHARED_FAMILIES, family_of_name
from cxxrt_toolchain.facts.searchpath import leaves_package
from cxxrt_toolchain.rules.rule import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.elf.facts import NeededVersion, Soname
    from cxxrt_toolchain.facts.wheel import ObjectReport
    from cxxrt_toolchain.rules.wheel.claim import Claim

_GLIBC = "GLIBC_"
_REBUILD_OLDER = (
    "Rebuild on an image with that glibc or older, or retag the wheel for the newer platform."
)
_NOT_GRAFTED = (
    "Repair it on the machine that built it, without --no-graft; or name it with --exclude if "
    "something else brings it."
)


def check_policy(claim: Claim) -> Iterator[Finding]:
    """Judge every loadable object against the promise of the tag."""
    for found in claim.linked:
        yield from _libraries(claim, found)
        yield from _copies(claim, found)
        yield from _runtime_versions(claim, found)
        yield from _glibc(claim, found)
        yield from _strings(claim, found)
    yield from _shortfall(claim)


def _libraries(claim: Claim, found: ObjectReport) -> Iterator[Finding]:
    """P1: every needed library is in the wheel, on the platform's list, or the runtime's."""
    if claim.promise is None:
        return
    for name in found.facts.needed:
        if claim.report.provides(name) is not None or name in claim.promise.libraries:
            continue
        if claim.promises_runtime(name) or claim.vouched_for(name):
            continue
        if claim.is_runtime and family_of_name(name) in SHARED_FAMILIES:
            continue
        yield _external(claim, found, name)


def _external(claim: Claim, found: ObjectReport, name: Soname) -> Finding:
    elsewhere = leaves_package(found) and bool(claim.report.requires_dist)
    family = family_of_name(name)
    if family in SHARED_FAMILIES:
        advice = "'cxxrt repair' takes it from the shared runtime."
    elif elsewhere:
        advice = f"Make sure that a required distribution installs {name} where RUNPATH points."
    else:
        advice = "'cxxrt repair' grafts it where it is installed; or link it statically and hidden."
    return Finding(
        rule="CXXRT-P1",
        severity=Severity.WARNING if elsewhere else Severity.ERROR,
        message=f"needs {name}, which is neither in the wheel nor promised by the tag",
        member=found.member,
        library=name,
        remedies=(advice,),
        unrepairable="" if elsewhere or family in SHARED_FAMILIES else _NOT_GRAFTED,
    )


def _copies(claim: Claim, found: ObjectReport) -> Iterator[Finding]:
    """P2: a tagged wheel carries no copy of what the runtime provides, whole or in pieces."""
    if claim.runtime is None or claim.is_runtime:
        return
    if found.copy_of in SHARED_FAMILIES:
        yield Finding(
            rule="CXXRT-P2",
            severity=Severity.ERROR,
            message=f"is a copy of {found.copy_of.value}",
            member=found.member,
            remedies=("'cxxrt repair' drops it and points its users at the shared runtime.",),
        )
    elif found.symbols.other_runtimes and found.copy_of is None:
        yield Finding(
            rule="CXXRT-P2",
            severity=Severity.ERROR,
            message=f"exports {found.symbols.other_runtimes.count} functions of a static libgomp "
            "or libgcc",
            member=found.member,
            symbol=found.symbols.other_runtimes.examples[0],
            remedies=("Rebuild without -static-libgcc and -l:libgomp.a, or hide them.",),
        )


def _runtime_versions(claim: Claim, found: ObjectReport) -> Iterator[Finding]:
    """P3: versions of the compiler's runtime stay below the ceiling of the promise."""
    for need in _highest(found.facts.version_needs):
        namespace, _, number = need.version.partition("_")
        if claim.report.provides(need.soname) is not None or namespace == "GLIBC":
            continue
        if claim.promises_runtime(need.soname):
            if (
                claim.policy
                and claim.policy.allows_version(found.facts.machine, need.version) is False
            ):
                yield _too_new(found, need, f"the policy {claim.policy.name} ends before it")
            continue
        if claim.runtime is not None or claim.promise is None or claim.is_runtime:
            continue
        ceiling = claim.promise.ceiling(namespace)
        if ceiling is not None and version_tuple(number) > ceiling:
            limit = ".".join(map(str, ceiling))
            platform = "_".join(map(str, claim.promise.glibc))
            yield _too_new(found, need, f"manylinux_{platform} promises {namespace}_{limit}")


def _too_new(found: ObjectReport, need: NeededVersion, why: str) -> Finding:
    return Finding(
        rule="CXXRT-P3",
        severity=Severity.ERROR,
        message=f"needs {need.version} of {need.soname}; {why}",
        member=found.member,
        version=need.version,
        library=need.soname,
        remedies=(
            "'cxxrt repair' makes the wheel use the shared runtime, which brings the version.",
        ),
    )


def _shortfall(claim: Claim) -> Iterator[Finding]:
    """P3: some known runtime provides all symbols together."""
    if claim.malformed is not None or not (claim.runtime or claim.requires_runtime):
        return
    by_object = claim.runtime is not None and not claim.repaired
    needs = replace(claim.needs, versions=()) if by_object else claim.needs
    if missing := needs.shortfall(claim.tables, epoch=claim.epoch):
        advice = missing.advice or "Build it with a release that a known runtime carries."
        yield Finding(
            rule="CXXRT-P3",
            severity=Severity.ERROR,
            message=missing.message.rstrip("."),
            remedies=(advice,),
            unrepairable=advice,
        )


def _glibc(claim: Claim, found: ObjectReport) -> Iterator[Finding]:
    """P4, and P6 for the runtime wheel itself."""
    if claim.glibc is None:
        return
    for need in _highest(found.facts.version_needs):
        if not need.version.startswith(_GLIBC):
            continue
        release = glibc_release(need.version)
        if release is not None and release <= claim.glibc:
            continue
        promised = ".".join(map(str, claim.glibc))
        yield Finding(
            rule="CXXRT-P6" if claim.is_runtime else "CXXRT-P4",
            severity=Severity.ERROR,
            message=f"needs {need.version} of {need.soname}; the tag promises glibc {promised}",
            member=found.member,
            version=need.version,
            library=need.soname,
            remedies=(_REBUILD_OLDER,),
            unrepairable="No platform tag covers that; rebuild it without it."
            if release is None
            else "",
        )


def _strings(claim: Claim, found: ObjectReport) -> Iterator[Finding]:
    """P5: exported C++ names use the new std::string, and the code behind them, too."""
    if claim.policy is None or not claim.policy.cxx11_abi or found.copy_of:
        return
    exported = found.symbols.old_strings_exported
    symbols = exported or found.symbols.old_strings_of_libstdcxx
    if not symbols:
        return
    what = f"exports {symbols.count} symbols with" if exported else "was compiled with"
    yield Finding(
        rule="CXXRT-P5",
        severity=Severity.ERROR if exported else Severity.WARNING,
        message=f"{what} the old std::string",
        member=found.member,
        symbol=symbols.examples[0],
        remedies=(
            "Rebuild with -D_GLIBCXX_USE_CXX11_ABI=1, on an image whose compiler allows it.",
        ),
        unrepairable="Rebuild it with -D_GLIBCXX_USE_CXX11_ABI=1, on manylinux_2_28 or later; or "
        "use the encoding plain, which promises nothing about strings.",
    )


def _highest(needs: tuple[NeededVersion, ...]) -> tuple[NeededVersion, ...]:
    """Of each library and namespace the highest hard need; unnumbered versions all stay."""
    best: dict[tuple[str, str], NeededVersion] = {}
    for need in needs:
        namespace, _, number = need.version.partition("_")
        if need.weak:
            continue
        key = (need.soname, namespace if version_tuple(number) else need.version)
        if key not in best or _number(best[key]) < _number(need):
            best[key] = need
    return tuple(best[key] for key in sorted(best))


def _number(need: NeededVersion) -> tuple[int, ...]:
    return version_tuple(need.version.partition("_")[2])
