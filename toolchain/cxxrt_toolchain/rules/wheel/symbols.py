"""Rules H8 to H11: names that an object exports or needs and that meet those of other packages.

In: a `Claim`. Out: findings. Each rule's mechanism is in the catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.rules.rule import Finding, Severity, rule
from cxxrt_toolchain.rules.wheel.claim import Claim
from cxxrt_toolchain.rules.wheel.copies import REBUILD_SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.facts.wheel import ObjectReport

_HIDE = "Rebuild with -Wl,--exclude-libs,ALL or a version script that hides them."


@rule(
    "CXXRT-H8",
    "Exports symbols that libstdc++ refers to",
    on=(Claim,),
    remedies=(_HIDE,),
    unrepairable=REBUILD_SHARED,
)
def captures(claim: Claim) -> Iterator[Finding]:
    """Objects that redirect libstdc++ where they are the first to load it."""
    for found in _without_libstdcxx(claim):
        if sample := found.symbols.captures:
            yield Finding(
                severity=Severity.ERROR,
                message=f"exports {sample.count} symbols that libstdc++ looks up by name",
                member=found.member,
                symbol=sample.examples[0],
                promise=claim.runtime is not None,
            )


@rule("CXXRT-H9", "Exports std:: symbols", on=(Claim,), remedies=(_HIDE,))
def strong_definitions(claim: Claim) -> Iterator[Finding]:
    """Objects that interpose definitions of libstdc++."""
    for found in _without_libstdcxx(claim):
        if sample := found.symbols.libstdcxx_strong:
            yield Finding(
                severity=Severity.WARNING,
                message=f"exports {sample.count} definitions that belong to libstdc++",
                member=found.member,
                symbol=sample.examples[0],
            )


@rule(
    "CXXRT-H10",
    "Exports STB_GNU_UNIQUE symbols",
    on=(Claim,),
    remedies=("Build with -fvisibility-inlines-hidden or -fno-gnu-unique.",),
)
def unique_symbols(claim: Claim) -> Iterator[Finding]:
    """Objects that share variables with other copies of themselves."""
    for found in _without_libstdcxx(claim):
        if sample := found.symbols.unique:
            yield Finding(
                severity=Severity.NOTE,
                message=f"exports {sample.count} symbols of which a process has only one",
                member=found.member,
                symbol=sample.examples[0],
            )


def _without_libstdcxx(claim: Claim) -> Iterator[ObjectReport]:
    """Objects that H1 and H4 do not report as a whole libstdc++."""
    return (
        found for found in claim.guests if found.copy_of is None and not found.symbols.locale_ids
    )


@rule(
    "CXXRT-H11",
    "Old and new std::string ABI in one wheel",
    on=(Claim,),
    remedies=("Compile everything with one value of _GLIBCXX_USE_CXX11_ABI.",),
)
def mixed_strings(claim: Claim) -> Iterator[Finding]:
    """One object has only the old std::string in its names, another one only the new."""
    own = [found for found in claim.linked if found.copy_of is None]
    old = [found for found in own if _speaks_old(found) and not _speaks_new(found)]
    new = [found for found in own if _speaks_new(found) and not _speaks_old(found)]
    if old and new:
        symbols = old[0].symbols
        sample = symbols.old_strings_exported or symbols.old_strings_needed
        yield Finding(
            severity=Severity.ERROR if claim.runtime else Severity.WARNING,
            message=f"uses the old std::string, {new[0].member} the new one",
            member=old[0].member,
            symbol=sample.examples[0],
        )


def _speaks_old(found: ObjectReport) -> bool:
    return bool(found.symbols.old_strings_exported or found.symbols.old_strings_needed)


def _speaks_new(found: ObjectReport) -> bool:
    return bool(found.symbols.new_strings_exported or found.symbols.new_strings_needed)
