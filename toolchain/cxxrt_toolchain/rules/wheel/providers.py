"""Rules P10, H16, H17 and H19: libraries that other distributions bring, by their rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.provider import NoProviderError, Provided, provided_copy
from cxxrt_toolchain.facts.installed import normalized
from cxxrt_toolchain.facts.needs.protos import shared_libprotobuf
from cxxrt_toolchain.rules.duplicates import OWNER
from cxxrt_toolchain.rules.rule import Finding, error, note, warning
from cxxrt_toolchain.rules.wheel.claim import Claim, of_wheels
from cxxrt_toolchain.wording import listed

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.needs.provided import ProviderNeed
    from cxxrt_toolchain.facts.wheel import ObjectReport


@of_wheels("CXXRT-P10", "Needs a library of another distribution that it does not require")
def unpinned(claim: Claim) -> Iterator[Finding]:
    """K-2: METADATA accepts only releases that have the library and what is needed of it.

    A warning where a plain wheel has modules that do without the library: the others may be
    optional, as numba's pool of TBB threads is.
    """
    for need in claim.needs.providers:
        if not need.users or claim.vouched_for(need.row.soname):
            continue
        try:
            yield from _loose(claim, need)
        except NoProviderError as missing:
            yield (error if _is_binding(claim, need) else warning)(
                missing.message.rstrip("."),
                member=need.users[0],
                library=need.row.soname,
                remedies=(missing.advice,),
                unrepairable=missing.advice,
                promise=claim.runtime is not None,
            )


def _loose(claim: Claim, need: ProviderNeed) -> Iterator[Finding]:
    row, requirement = need.row, need.requirement
    declared = claim.report.requirements_on(row.distribution)
    accepted = need.accepted(claim.report)
    if claim.repaired or not accepted:
        return
    needs = f"needs {row.soname} of {requirement}"
    message = f"{needs}, and METADATA accepts {row.distribution} {accepted}"
    if not declared:
        message = f"{needs}, which METADATA does not require"
    binds = _is_binding(claim, need) and (claim.runtime is not None or not declared)
    yield (error if binds else warning)(
        message,
        member=need.users[0],
        library=row.soname,
        remedies=(f"'cxxrt repair' adds the requirement '{requirement}'.",),
        promise=claim.runtime is not None,
    )


def _is_binding(claim: Claim, need: ProviderNeed) -> bool:
    """Whether the tag promises that the need is met, and nothing of the wheel works without it."""
    promised = claim.promise is not None and claim.report.all_modules_need(need.users)
    return claim.runtime is not None or promised


_REPAIR = "'cxxrt repair' drops it and requires the distribution."
_REBUILD = "Build the wheel with cxxrt_toolchain.backend, which requires the distribution instead."


@of_wheels("CXXRT-H16", "Bundled library that another distribution brings")
def bundled_provided(claim: Claim) -> Iterator[Finding]:
    """Copies of a row's library: memory for each, and no common state."""
    for found, row in _copies(claim):
        if found.copy_of is None:
            drops = found.member in claim.report.dropped
            message = f"is a private copy of {row.soname}, which {row.distribution} brings"
            yield note(message, member=found.member, remedies=(_REPAIR if drops else _REBUILD,))


@of_wheels("CXXRT-H17", "Copy of a library without the files that it opens")
def without_siblings(claim: Claim) -> Iterator[Finding]:
    """Grafted copies that end the process at their first call: MKL opens its layers by itself."""
    for found, row in _copies(claim):
        folder = found.member.rpartition("/")[0]
        beside = (m.rpartition("/") for m in claim.report.members if m != found.member)
        if row.siblings and not any(
            place == folder and row.is_sibling(name) for place, _, name in beside
        ):
            drops = found.member in claim.report.dropped
            yield error(
                f"is a copy of {row.soname} without the {', '.join(row.siblings)} that it opens",
                member=found.member,
                library=row.soname,
                remedies=(_REPAIR if drops else _REBUILD,),
                unrepairable="" if drops else _REBUILD,
            )


@of_wheels("CXXRT-H19", "A .proto file that several wheels register")
def registered_twice(claim: Claim) -> Iterator[Finding]:
    """Generated code of one file in two libraries that share a libprotobuf: it ends the process."""
    own = normalized(claim.tags.distribution)
    for found in claim.report.objects:
        library = shared_libprotobuf(found.facts)
        for name in found.protos:
            others = {
                *(p.name for p in claim.providers if (library, name) in p.protos and p.name != own),
                *(o.member for o in claim.report.objects if o is not found and name in o.protos),
            }
            if others:
                yield warning(
                    f"registers {name} in {library}, as {listed(sorted(others))} does; "
                    "the process that loads both ends",
                    member=found.member,
                    library=library,
                    culprits=tuple(sorted(others)),
                    remedies=OWNER,
                )


def _copies(claim: Claim) -> Iterator[tuple[ObjectReport, Provided]]:
    for found in claim.linked:
        row = provided_copy(found.name, found.file_name)
        if row is not None and normalized(claim.tags.distribution) != row.distribution:
            yield found, row
