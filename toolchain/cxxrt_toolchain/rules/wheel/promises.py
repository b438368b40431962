"""Rules P1 to P6 and P9: what the tag promises about the binaries.

A wheel with a runtime ABI is held to that runtime's policy and to the promise of its platform tag,
a plain wheel to that promise alone; ``linux_<arch>`` promises nothing. P1 to P6 and P9 are the
sentences P-1 to P-6 and P-9 of the specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.platforms import glibc_release
from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.facts.families import SHARED_FAMILIES, cuda_major, family_of_name
from cxxrt_toolchain.facts.needs.providers import Required, sounds_like
from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds
from cxxrt_toolchain.facts.searchpath import leaves_package
from cxxrt_toolchain.rules.rule import Finding, Severity, error, warning
from cxxrt_toolchain.rules.wheel.claim import Claim, of_promise
from cxxrt_toolchain.rules.wheel.copies import REPAIR
from cxxrt_toolchain.rules.wheel.tags import ONE_MAJOR
from cxxrt_toolchain.wording import counted, listed

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.bounds import NoRuntimeError
    from cxxrt_toolchain.elf.facts import NeededVersion, Soname
    from cxxrt_toolchain.facts.wheel import ObjectReport

_REBUILD_OLDER = (
    "Rebuild on an image with that glibc or older, or retag the wheel for the newer platform."
)
_NOT_GRAFTED = (
    "Repair it on the machine that built it, without --no-graft; or name it with --exclude if "
    "something else brings it."
)
_KNOWN_RELEASE = "Build it with a release that a known runtime carries."
_FROM_RUNTIME = "'cxxrt repair' takes it from the shared runtime."
_GRAFT = "'cxxrt repair' grafts it where it is installed; or link it statically and hidden."
_PROOF = "To prove it: pip download --no-deps -d required {wanted} && cxxrt check {wheel} required"
_NEW_STRINGS = "-D_GLIBCXX_USE_CXX11_ABI=1"
_NEWER_STRINGS = (
    f"Rebuild it with {_NEW_STRINGS}, on manylinux_2_28 or later; or use the encoding plain, which "
    'promises nothing about strings (a build needs ignore = ["P5"] in [tool.cxxrt], too).'
)
_LINKED_STATICALLY = (
    "Rebuild without -static-libgcc, -static-libstdc++ and -l:libgomp.a, or hide the symbols."
)
_OLDER_LIBRARY = "Rebuild on an older image, or retag the wheel for a newer platform."
_PRIVATE = "Rebuild without that function, or link the library statically and hide its symbols."


@of_promise("CXXRT-P1", "Needs a library from outside that nobody promises")
def outside_library(claim: Claim) -> Iterator[Finding]:
    """P-1: every needed library is in the wheel, or allowed by the policy or the platform."""
    if claim.promise is None:
        return
    refused = {each.member.rpartition("/")[2] for each in claim.report.unreadable}  # W5
    outside = [
        (found, name)
        for found in claim.linked
        for name in found.facts.needed
        if claim.report.provides(name) is None
        and name not in refused
        and not claim.allows_library(name)
        and not (claim.is_runtime and family_of_name(name) in SHARED_FAMILIES)
    ]
    if not outside:
        return
    required = claim.required
    for found, name in outside:
        yield _external(claim, required, found, name)


def _external(claim: Claim, required: Required, found: ObjectReport, name: Soname) -> Finding:
    """An error where nobody brings the library, or nobody that the wheel requires does.

    The same with and without a runtime ABI: by P-1, what other requirements provide is not outside.
    """
    make = partial(Finding, member=found.member, library=name)
    if provider := required.bringing(name):
        message = f"needs {name}, which {provider.name} {provider.version} brings"
        return make(message, severity=Severity.NOTE)
    missing = f"needs {name}, which is neither in the wheel nor promised by the tag"
    shared = family_of_name(name) in SHARED_FAMILIES
    likely = required.likely(name) if not shared or cuda_major(name) else ()
    if likely:
        names = listed(each.name for each in likely)
        wanted = " ".join(quote(f"{each.name}{each.specifier}") for each in likely)
        meant = leaves_package(found) or any(sounds_like(each.name, name) for each in likely)
        return make(
            f"{missing}; that {names} {'brings' if len(likely) == 1 else 'bring'} it is unproven",
            severity=Severity.WARNING,
            remedies=(_PROOF.format(wanted=wanted, wheel=quote(claim.report.filename)),),
            unrepairable="" if meant or shared else _NOT_GRAFTED,
        )
    if required.requirements and required.complete and not shared:
        missing += f"; {listed(each.name for each in required.requirements)} does not bring it"
    advice = _FROM_RUNTIME if shared else _GRAFT
    if cuda_major(name) and claim.served_major != cuda_major(name):
        advice = ONE_MAJOR
    return make(
        missing,
        severity=Severity.ERROR,
        remedies=(advice,),
        unrepairable="" if shared else _NOT_GRAFTED,
    )


@of_promise("CXXRT-P2", "Carries a copy of a shared runtime library")
def runtime_copy(claim: Claim) -> Iterator[Finding]:
    """P-2: a tagged wheel carries no copy of what the runtime provides, whole or in pieces."""
    if claim.runtime is None or claim.is_runtime:
        return
    for found in claim.linked:
        if claim.forbids_member(found):
            what = found.copy_of.value if found.copy_of else found.name
            yield error(f"is a copy of {what}", member=found.member, remedies=(REPAIR,))
        elif (symbols := claim.forbidden_definitions(found)) and found.copy_of is None:
            yield error(
                f"exports {counted(len(symbols), 'symbol')} of a statically linked runtime library",
                member=found.member,
                symbol=symbols[0],
                remedies=(_LINKED_STATICALLY,),
                unrepairable=_LINKED_STATICALLY,
            )


@of_promise(
    "CXXRT-P3",
    "Symbol version newer than what is promised",
    remedies=("'cxxrt repair' makes the wheel use the shared runtime, which brings the version.",),
)
def version_ceiling(claim: Claim) -> Iterator[Finding]:
    """P-3: the runtime of the policy, or else the platform, has the needed symbol versions."""
    for found in claim.linked:
        for need in _highest(found.facts.version_needs):
            if claim.report.provides(need.soname) is None and (why := _too_new(claim, found, need)):
                advice = "" if family_of_name(need.soname) else _OLDER_LIBRARY
                none = _unknown(claim, need)
                if none:
                    advice = none.advice or _KNOWN_RELEASE
                yield error(
                    f"needs {need.version} of {need.soname}; {why}",
                    member=found.member,
                    version=need.version,
                    library=need.soname,
                    remedies=(advice,) if advice else (),
                    # of a repaired wheel the shortfall is said once
                    unrepairable="" if none and claim.repaired else advice,
                )
    yield from _shortfall(claim)


def _shortfall(claim: Claim) -> Iterator[Finding]:
    """That no known runtime provides all needed symbols together."""
    if claim.malformed is not None or not (claim.runtime or claim.requires_runtime):
        return
    by_object = claim.runtime is not None and not claim.repaired
    needs = replace(claim.needs, versions=()) if by_object else claim.needs
    if missing := needs.shortfall(claim.tables, epoch=claim.epoch):
        advice = missing.advice or _KNOWN_RELEASE
        yield error(missing.message.rstrip("."), remedies=(advice,), unrepairable=advice)


def _unknown(claim: Claim, need: NeededVersion) -> NoRuntimeError | None:
    """Why no known runtime defines that version; None where one does, or has not that library."""
    needs = RuntimeNeeds(libraries=(need.soname,), versions=((need.soname, need.version),))
    return needs.shortfall(claim.tables, epoch=claim.epoch)


def _too_new(claim: Claim, found: ObjectReport, need: NeededVersion) -> str:
    """Why the need is not met; empty where it is, or where nothing is promised about it."""
    arch, policy, promise = found.facts.machine, claim.policy, claim.promise
    namespace = need.version.partition("_")[0]
    if claim.promises_runtime(need.soname):
        if policy is None or policy.allows_version(arch, need.version) is not False:
            return ""
        return f"{policy.name} has the versions of the runtime up to {policy.ceiling}"
    is_shared = family_of_name(need.soname) in SHARED_FAMILIES
    if promise is None or claim.is_runtime or (claim.runtime and is_shared):
        return ""
    if promise.allows_version(arch, need.version) is not False:
        return ""
    platform = "manylinux_" + "_".join(map(str, promise.glibc))
    ceiling = promise.ceiling(namespace, arch)
    if not version_tuple(need.version.partition("_")[2]) or ceiling is None or not any(ceiling):
        return f"{platform} does not promise it"
    return f"{platform} promises {namespace}_{'.'.join(map(str, ceiling))}"


@of_promise("CXXRT-P4", "glibc version above the platform tag", remedies=(_REBUILD_OLDER,))
def glibc_above_tag(claim: Claim) -> Iterator[Finding]:
    """P-4."""
    return iter(()) if claim.is_runtime else _newer_glibc(claim)


@of_promise("CXXRT-P6", "Runtime library above its own glibc floor", remedies=(_REBUILD_OLDER,))
def runtime_above_floor(claim: Claim) -> Iterator[Finding]:
    """P-6: what P-4 asks of the wheel's objects, of the runtime's own libraries."""
    return _newer_glibc(claim) if claim.is_runtime else iter(())


def _newer_glibc(claim: Claim) -> Iterator[Finding]:
    if claim.glibc is None:
        return
    for found in claim.linked:
        for need in _highest(found.facts.version_needs):
            if not need.version.startswith("GLIBC_"):
                continue
            release = glibc_release(need.version)
            if release is not None and release <= claim.glibc:
                continue
            promised = ".".join(map(str, claim.glibc))
            private = "No platform tag covers that; rebuild it without it."
            yield error(
                f"needs {need.version} of {need.soname}; the tag promises glibc {promised}",
                member=found.member,
                version=need.version,
                library=need.soname,
                unrepairable=private if release is None else "",
            )


@of_promise(
    "CXXRT-P5",
    "Uses the old std::string ABI",
    remedies=(f"Rebuild with {_NEW_STRINGS}, on an image whose compiler allows it.",),
)
def old_strings(claim: Claim) -> Iterator[Finding]:
    """P-5: exported C++ names use the new std::string, and so does the code behind them."""
    if claim.policy is None or not claim.policy.cxx11_abi:
        return
    for found in claim.linked:
        exported, copy = found.symbols.old_strings_exported, found.copy_of is not None
        symbols = exported or found.symbols.old_strings_of_libstdcxx
        if not symbols or (copy and not exported):
            continue
        what = (
            f"exports {counted(symbols.count, 'symbol')} with" if exported else "was compiled with"
        )
        yield (error if exported else warning)(
            f"{what} the old std::string",
            member=found.member,
            symbol=symbols.examples[0],
            remedies=(REPAIR,) if copy else (),
            unrepairable="" if copy else _NEWER_STRINGS,
        )


@of_promise(
    "CXXRT-P9",
    "Needs a private symbol of a library from outside",
    remedies=(_PRIVATE,),
    unrepairable=_PRIVATE,
)
def private_symbol(claim: Claim) -> Iterator[Finding]:
    """P-9: no symbol that only some releases of an allowed library export."""
    for found in claim.linked:
        for library in found.facts.needed:
            if claim.report.provides(library) is not None:
                continue
            if names := found.needs_private(library, claim.private_symbols(library)):
                what = "a symbol" if len(names) == 1 else f"{len(names)} symbols"
                yield error(
                    f"needs {what} of {library} that not every release of it exports",
                    member=found.member,
                    symbol=names[0],
                    library=library,
                    evidence=names,
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
