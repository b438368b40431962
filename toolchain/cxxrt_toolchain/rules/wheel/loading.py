"""Rules H12 to H15 and H18: what the loader refuses, looks for elsewhere, or loads twice."""

from collections.abc import Iterator

from cxxrt_toolchain.facts.loading import find_twins
from cxxrt_toolchain.facts.searchpath import entries, escapes
from cxxrt_toolchain.rules.rule import Finding, error, note, warning
from cxxrt_toolchain.rules.wheel.claim import Claim, of_wheels


@of_wheels(
    "CXXRT-H12",
    "Executable stack",
    remedies=("'cxxrt repair' clears the flag; some assembly file lacks .note.GNU-stack.",),
)
def executable_stack(claim: Claim) -> Iterator[Finding]:
    """Libraries that glibc 2.41 and later do not dlopen."""
    for found in claim.linked:
        if found.facts.executable_stack and found.facts.kind == "dyn":
            yield error(
                "asks for an executable stack, which glibc 2.41 and hardened kernels refuse",
                member=found.member,
                promise=claim.runtime is not None,
            )


@of_wheels("CXXRT-H13", "Static TLS", remedies=("Rebuild without -ftls-model=initial-exec.",))
def static_tls(claim: Claim) -> Iterator[Finding]:
    """Libraries that take from the reserve that all later ones share."""
    for found in claim.linked:
        if found.facts.static_tls and found.facts.kind == "dyn" and found.copy_of is None:
            message = "takes static TLS, of which a process has little left for dlopen"
            yield warning(message, member=found.member)


@of_wheels(
    "CXXRT-H14", "Search path leaves the wheel", remedies=("'cxxrt repair' removes the entry.",)
)
def search_path(claim: Claim) -> Iterator[Finding]:
    """DT_RPATH and DT_RUNPATH entries that lead out of site-packages."""
    rows = [need.row for need in claim.needs.providers]
    for found in claim.linked:
        for entry in entries(found):
            if escapes(found.member, entry, rows):
                make, where = error if claim.runtime else warning, entry or "the working directory"
                message, promise = f"searches libraries in {where!r}", claim.runtime is not None
                yield make(message, member=found.member, promise=promise)


@of_wheels(
    "CXXRT-H15",
    "Version need without its library",
    remedies=("It was edited by a tool that forgot the version needs; build it again.",),
)
def orphan_needs(claim: Claim) -> Iterator[Finding]:
    """Version needs of a library without DT_NEEDED, on which glibc's dl-version.c asserts."""
    for found in claim.linked:
        for name in sorted({need.soname for need in found.facts.version_needs}):
            if name not in found.facts.needed and not name.startswith("ld-linux"):
                message = f"has version needs for {name}, which it does not need"
                yield error(message, member=found.member)


@of_wheels(
    "CXXRT-H18",
    "One library under several names",
    remedies=("Ship one file, under its SONAME: a wheel cannot hold symbolic links.",),
)
def twins(claim: Claim) -> Iterator[Finding]:
    """Files with one SONAME or one build id: a process that opens several has several copies."""
    libraries = [
        (each.member, each.facts)
        for each in claim.linked
        if each.copy_of is None and not each.is_module
    ]
    found = find_twins(libraries)
    for first in found[:1]:
        others = ", ".join(first.paths[1:])
        more = f" ({len(found) - 1} more libraries are alike)" if len(found) > 1 else ""
        message = f"is {first.soname}, and so is {others}{more}: a process may get several copies"
        yield note(message, member=first.paths[0], library=first.soname)
