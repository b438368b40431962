"""Rules H1 to H15: what is known to hurt a process that other wheels are loaded into too.

In: a `Claim`. Out: findings with the evidence. Each rule's mechanism, and the crash that showed
it, is in the catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.families import OPENMP_FAMILIES, RuntimeFamily
from cxxrt_toolchain.facts.searchpath import entries, escapes
from cxxrt_toolchain.rules.rule import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.facts.wheel import ObjectReport
    from cxxrt_toolchain.rules.wheel.claim import Claim

_REPAIR = "'cxxrt repair' drops it and points its users at the shared runtime."
_CXX_COPIES = frozenset({RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBGCC, RuntimeFamily.LIBCXX})


def check_hazards(claim: Claim) -> Iterator[Finding]:
    """Judge every loadable object by itself, then the wheel's objects together."""
    for found in claim.linked:
        if not claim.is_runtime:
            yield from _copies(claim, found)
            yield from _static(claim, found)
            yield from _exports(found)
        yield from _loading(claim, found)
    yield from _mixed_strings(claim)


def _copies(claim: Claim, found: ObjectReport) -> Iterator[Finding]:
    """H1 to H3; in a wheel with a runtime ABI the same fact is P2."""
    family = found.copy_of
    if family is None or (claim.runtime is not None and family is not RuntimeFamily.LIBCXX):
        return
    if family in _CXX_COPIES:
        rule, crashes = "CXXRT-H1", family is RuntimeFamily.LIBSTDCXX
    elif family in OPENMP_FAMILIES:
        rule, crashes = "CXXRT-H2", False
    elif family is RuntimeFamily.LIBCUDART:
        rule, crashes = "CXXRT-H3", False
    else:
        return
    yield Finding(
        rule=rule,
        severity=Severity.ERROR if crashes else Severity.WARNING,
        message=f"is a private copy of {family.value}",
        member=found.member,
        remedies=(_REPAIR,),
    )


def _static(claim: Claim, found: ObjectReport) -> Iterator[Finding]:
    """H4 to H7."""
    symbols = found.symbols
    for family in found.static:
        if family is RuntimeFamily.LIBSTDCXX:
            # With -Bsymbolic it meets no other copy: the unique ids of others are not looked up.
            shown, rules = symbols.locale_ids, ("CXXRT-H4", "CXXRT-H5")
            seen = bool(shown) and not found.facts.symbolic
            flags, loud = "-Wl,--exclude-libs,ALL", Severity.ERROR
        else:
            shown, rules = symbols.cudart_defined, ("CXXRT-H6", "CXXRT-H7")
            seen = bool(shown)
            flags, loud = "--cudart=shared", Severity.WARNING
        if seen:
            yield Finding(
                rule=rules[0],
                severity=Severity.ERROR if claim.runtime else loud,
                message=f"contains a static {family.value} and exports {shown.count} of its "
                "symbols that must exist once",
                member=found.member,
                symbol=shown.examples[0],
                remedies=(f"Rebuild without the static library, or at least with {flags}.",),
            )
        else:
            yield Finding(
                rule=rules[1],
                severity=Severity.WARNING if claim.runtime else Severity.NOTE,
                message=f"contains a static {family.value}, hidden",
                member=found.member,
                remedies=(
                    f"Link {family.value} dynamically, so that the shared runtime serves it.",
                ),
            )


def _exports(found: ObjectReport) -> Iterator[Finding]:
    """H8 to H10; a copy or an exported static runtime has been reported as a whole."""
    symbols = found.symbols
    if found.copy_of is not None or symbols.locale_ids:
        return
    if symbols.captures:
        yield Finding(
            rule="CXXRT-H8",
            severity=Severity.ERROR,
            message=f"exports {symbols.captures.count} symbols that libstdc++ looks up by name",
            member=found.member,
            symbol=symbols.captures.examples[0],
            remedies=("Rebuild with -Wl,--exclude-libs,ALL or a version script that hides them.",),
        )
    if symbols.libstdcxx_strong:
        yield Finding(
            rule="CXXRT-H9",
            severity=Severity.WARNING,
            message=f"exports {symbols.libstdcxx_strong.count} definitions that belong to "
            "libstdc++",
            member=found.member,
            symbol=symbols.libstdcxx_strong.examples[0],
            remedies=("Rebuild with -Wl,--exclude-libs,ALL or a version script that hides them.",),
        )
    if symbols.unique:
        yield Finding(
            rule="CXXRT-H10",
            severity=Severity.NOTE,
            message=f"exports {symbols.unique.count} symbols of which a process has only one",
            member=found.member,
            symbol=symbols.unique.examples[0],
            remedies=("Build with -fvisibility-inlines-hidden or -fno-gnu-unique.",),
        )


def _loading(claim: Claim, found: ObjectReport) -> Iterator[Finding]:
    """H12 to H15: what the dynamic loader itself stumbles over."""
    facts = found.facts
    if facts.executable_stack and facts.kind == "dyn":
        yield Finding(
            rule="CXXRT-H12",
            severity=Severity.ERROR,
            message="asks for an executable stack, which glibc 2.41 and hardened kernels refuse",
            member=found.member,
            remedies=("'cxxrt repair' clears the flag; some assembly file lacks .note.GNU-stack.",),
        )
    if facts.static_tls and facts.kind == "dyn" and found.copy_of is None:
        yield Finding(
            rule="CXXRT-H13",
            severity=Severity.WARNING,
            message="takes static TLS, of which a process has little left for dlopen",
            member=found.member,
            remedies=("Rebuild without -ftls-model=initial-exec.",),
        )
    for entry in entries(found):
        if escapes(found.member, entry):
            yield Finding(
                rule="CXXRT-H14",
                severity=Severity.ERROR if claim.runtime else Severity.WARNING,
                message=f"searches libraries in {entry or 'the working directory'!r}",
                member=found.member,
                remedies=("'cxxrt repair' removes the entry.",),
            )
    yield from _orphan_needs(found)


def _orphan_needs(found: ObjectReport) -> Iterator[Finding]:
    """H15: glibc asserts in dl-version.c that a version need's library has been loaded."""
    for name in sorted({need.soname for need in found.facts.version_needs}):
        if name not in found.facts.needed and not name.startswith("ld-linux"):
            yield Finding(
                rule="CXXRT-H15",
                severity=Severity.ERROR,
                message=f"has version needs for {name}, which it does not need",
                member=found.member,
                remedies=(
                    "It was edited by a tool that forgot the version needs; build it again.",
                ),
            )


def _mixed_strings(claim: Claim) -> Iterator[Finding]:
    """H11: one object passes the old std::string around, another one the new."""
    old = [o for o in claim.linked if _speaks_old(o) and o.copy_of is None]
    new = [o for o in claim.linked if _speaks_new(o) and o.copy_of is None]
    only_old = [o for o in old if not _speaks_new(o)]
    only_new = [o for o in new if not _speaks_old(o)]
    if not only_old or not only_new:
        return
    symbols = only_old[0].symbols
    sample = symbols.old_strings_exported or symbols.old_strings_needed
    yield Finding(
        rule="CXXRT-H11",
        severity=Severity.ERROR if claim.runtime else Severity.WARNING,
        message=f"uses the old std::string, {only_new[0].member} the new one",
        member=only_old[0].member,
        symbol=sample.examples[0],
        remedies=("Compile everything with one value of _GLIBCXX_USE_CXX11_ABI.",),
    )


def _speaks_old(found: ObjectReport) -> bool:
    return bool(found.symbols.old_strings_exported or found.symbols.old_strings_needed)


def _speaks_new(found: ObjectReport) -> bool:
    return bool(found.symbols.new_strings_exported or found.symbols.new_strings_needed)
