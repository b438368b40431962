"""Rules H8 to H11: names that an object exports or needs and that meet those of other packages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.rules.captures import severity_of_captures
from cxxrt_toolchain.rules.rule import Finding, Severity, error, note, warning
from cxxrt_toolchain.rules.wheel.claim import Claim, of_wheels
from cxxrt_toolchain.rules.wheel.copies import REBUILD_SHARED
from cxxrt_toolchain.wording import counted

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.wheel import ObjectReport, SymbolSample

_HIDE = "Rebuild with -Wl,--exclude-libs,ALL or a version script that hides them."


@of_wheels("CXXRT-H8", "Exports symbols that libstdc++ refers to", remedies=(_HIDE,))
def captures(claim: Claim) -> Iterator[Finding]:
    """Objects that redirect libstdc++ where they are the first to load it."""
    for found in _without_libstdcxx(claim):
        sample = found.symbols.captures
        if not sample:
            continue
        severity = severity_of_captures(sample.examples, (found.name,), claim.needed)
        if claim.runtime:  # P-2
            severity = Severity.ERROR
        fatal = severity is Severity.ERROR
        yield Finding(
            severity=severity,
            message=f"exports {counted(sample.count, 'symbol')} that libstdc++ looks up by name",
            member=found.member,
            symbol=sample.examples[0],
            unrepairable=REBUILD_SHARED if fatal else "",
            promise=claim.runtime is not None,
        )


@of_wheels("CXXRT-H9", "Exports std:: symbols", remedies=(_HIDE,))
def strong_definitions(claim: Claim) -> Iterator[Finding]:
    """Objects that interpose definitions of libstdc++."""
    for found in _without_libstdcxx(claim):
        if sample := found.symbols.libstdcxx_strong:
            message = f"exports {counted(sample.count, 'definition')} that belong to libstdc++"
            yield warning(message, member=found.member, symbol=sample.examples[0])


@of_wheels(
    "CXXRT-H10",
    "Exports STB_GNU_UNIQUE symbols",
    remedies=("Build with -fvisibility-inlines-hidden or -fno-gnu-unique.",),
)
def unique_symbols(claim: Claim) -> Iterator[Finding]:
    """Objects that share variables with other copies of themselves."""
    for found in _without_libstdcxx(claim):
        if sample := found.symbols.unique:
            message = f"exports {counted(sample.count, 'symbol')} of which a process has only one"
            yield note(message, member=found.member, symbol=sample.examples[0])


def _without_libstdcxx(claim: Claim) -> Iterator[ObjectReport]:
    """Objects that H1 and H4 do not report as a whole libstdc++."""
    return (
        found for found in claim.guests if found.copy_of is None and not found.symbols.locale_ids
    )


@of_wheels(
    "CXXRT-H11",
    "Old and new std::string ABI in one wheel",
    remedies=("Compile everything with one value of _GLIBCXX_USE_CXX11_ABI.",),
)
def mixed_strings(claim: Claim) -> Iterator[Finding]:
    """One object has only the old std::string in its names, another one only the new."""
    own = [found for found in claim.linked if found.copy_of is None]
    old = [found for found in own if _old(found) and not _new(found)]
    new = [found for found in own if _new(found) and not _old(found)]
    if old and new:
        message = f"uses the old std::string, {new[0].member} the new one"
        make, symbol = error if claim.runtime else warning, _old(old[0]).examples[0]
        yield make(message, member=old[0].member, symbol=symbol)


def _old(found: ObjectReport) -> SymbolSample:
    return found.symbols.old_strings_exported or found.symbols.old_strings_needed


def _new(found: ObjectReport) -> SymbolSample:
    return found.symbols.new_strings_exported or found.symbols.new_strings_needed
