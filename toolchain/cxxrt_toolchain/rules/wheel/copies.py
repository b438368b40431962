"""Rules H1 to H7: copies of a runtime library, as a file or linked into an object.

What a copy breaks in a process is in the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.families import OPENMP_FAMILIES, RuntimeFamily
from cxxrt_toolchain.facts.needs.runtime import runtime_needs
from cxxrt_toolchain.rules.rule import Finding, error, note, warning
from cxxrt_toolchain.rules.wheel.claim import Claim, of_wheels

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.wheel import ObjectReport, SymbolSample

REPAIR = "'cxxrt repair' drops it and points its users at the shared runtime."
REBUILD_SHARED = (
    "Rebuild it without -static-libstdc++; if it must stay static, link with "
    "-Wl,--exclude-libs,ALL and a version script that exports only the module's entry points."
)
_NO_LIBGCC = (
    "Leave it out ('auditwheel repair --exclude libgcc_s.so.1'): every manylinux machine has it."
)
_CXX_FAMILIES = frozenset({RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBGCC, RuntimeFamily.LIBCXX})


@of_wheels("CXXRT-H1", "Bundled libstdc++ or libgcc_s")
def bundled_cxx(claim: Claim) -> Iterator[Finding]:
    """Copies of the C++ runtime; a second libstdc++ is known to crash."""
    stays = runtime_needs(claim.report, repaired=True)
    for found in claim.copies:
        if found.copy_of in _CXX_FAMILIES:
            crashes = found.copy_of is RuntimeFamily.LIBSTDCXX
            one = _copy(found, error if crashes else warning)
            if found.copy_of is RuntimeFamily.LIBGCC and not stays.wants_runtime:
                one = replace(one, remedies=(_NO_LIBGCC,))
            yield one


@of_wheels("CXXRT-H2", "Bundled OpenMP runtime")
def bundled_openmp(claim: Claim) -> Iterator[Finding]:
    """Copies of libgomp, libiomp5 or libomp."""
    for found in claim.copies:
        if found.copy_of in OPENMP_FAMILIES:
            yield _copy(found, warning)


@of_wheels("CXXRT-H3", "Bundled libcudart")
def bundled_cudart(claim: Claim) -> Iterator[Finding]:
    """Copies of the CUDA runtime; the shared runtime has only the majors of the epoch."""
    served = [f"libcudart.so.{major}" for major in claim.spec.epochs[-1].cuda_majors]
    older = f"The shared runtime has {', '.join(served)}; rebuild with one of these CUDA releases."
    for found in claim.copies:
        if found.copy_of is RuntimeFamily.LIBCUDART:
            yield _copy(found, warning, "" if found.served_as in served else older)


def _copy(found: ObjectReport, make: Callable[..., Finding], unrepairable: str = "") -> Finding:
    family = found.copy_of.value if found.copy_of else ""
    other = f"The shared runtime does not serve {family}: require a package that distributes it."
    return make(
        f"is a private copy of {family}",
        member=found.member,
        remedies=(unrepairable or (REPAIR if found.served_as else other),),
        unrepairable=unrepairable,
    )


@of_wheels("CXXRT-H4", "Statically linked libstdc++, exported", unrepairable=REBUILD_SHARED)
def exported_libstdcxx(claim: Claim) -> Iterator[Finding]:
    """Objects that are a second libstdc++ to others."""
    for found in _with_static(claim, RuntimeFamily.LIBSTDCXX):
        if _shows_libstdcxx(found):
            shown, flags = found.symbols.locale_ids, "-Wl,--exclude-libs,ALL"
            yield _exported(claim, found, RuntimeFamily.LIBSTDCXX, shown, error, flags)


@of_wheels("CXXRT-H5", "Statically linked libstdc++, hidden")
def hidden_libstdcxx(claim: Claim) -> Iterator[Finding]:
    """Objects with a libstdc++ of their own that no other object sees."""
    for found in _with_static(claim, RuntimeFamily.LIBSTDCXX):
        if not _shows_libstdcxx(found):
            yield _hidden(claim, found, RuntimeFamily.LIBSTDCXX)


@of_wheels(
    "CXXRT-H6",
    "Statically linked libcudart, exported",
    unrepairable="Rebuild it with --cudart=shared.",
)
def exported_cudart(claim: Claim) -> Iterator[Finding]:
    """Objects that other objects' CUDA calls may reach."""
    for found in _with_static(claim, RuntimeFamily.LIBCUDART):
        if shown := found.symbols.cudart_defined:
            family = RuntimeFamily.LIBCUDART
            yield _exported(claim, found, family, shown, warning, "--cudart=shared")


@of_wheels("CXXRT-H7", "Statically linked libcudart, hidden")
def hidden_cudart(claim: Claim) -> Iterator[Finding]:
    """Objects with a CUDA runtime of their own that no other object sees."""
    for found in _with_static(claim, RuntimeFamily.LIBCUDART):
        if not found.symbols.cudart_defined:
            yield _hidden(claim, found, RuntimeFamily.LIBCUDART)


def _with_static(claim: Claim, family: RuntimeFamily) -> Iterator[ObjectReport]:
    return (found for found in claim.guests if family in found.static)


def _shows_libstdcxx(found: ObjectReport) -> bool:
    """With -Bsymbolic it uses its own ids alone: those of other copies are not looked up."""
    return bool(found.symbols.locale_ids) and not found.facts.symbolic


def _exported(
    claim: Claim,
    found: ObjectReport,
    family: RuntimeFamily,
    shown: SymbolSample,
    make: Callable[..., Finding],
    flags: str,
) -> Finding:
    """P-2 forbids it under a runtime ABI."""
    return (error if claim.runtime else make)(
        f"contains a static {family.value} and exports {shown.count} of its symbols that must "
        "exist once",
        member=found.member,
        symbol=shown.examples[0],
        remedies=(f"Rebuild without the static library, or at least with {flags}.",),
        promise=claim.runtime is not None,
    )


def _hidden(claim: Claim, found: ObjectReport, family: RuntimeFamily) -> Finding:
    """P-2a permits it under a runtime ABI, and advises against it."""
    message = f"contains a static {family.value}, hidden"
    remedy = f"Link {family.value} dynamically, so that the shared runtime serves it."
    make = warning if claim.runtime else note
    return make(message, member=found.member, remedies=(remedy,))
