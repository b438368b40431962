"""Which compatibility tags a repaired wheel gets, by its binaries and never by the machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.platforms import (
    GlibcPlatform,
    legacy_alias,
    parse_platform,
    platform_releases,
    promise_of,
)
from cxxrt_toolchain.abi.provider import provided
from cxxrt_toolchain.abi.tag import AbiTag, RuntimeAbi, without_runtime
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.facts.families import SHARED_FAMILIES, family_of_name
from cxxrt_toolchain.facts.needs.runtime import glibc_floor

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.spec import Epoch
    from cxxrt_toolchain.elf.facts import Soname
    from cxxrt_toolchain.facts.wheel import ObjectReport, WheelReport

NEWEST_PROMISE = (9, 99)
"""Later than any glibc: asks for the widest promise that is known."""


def abi_field(abis: Sequence[str], runtime: RuntimeAbi | None) -> str:
    """The ABI field with the runtime ABI before every member's base, or with the bases only.

    Raises `BadTagError` where a member has no base ABI, or one that cannot carry a runtime ABI.
    """
    bases = dict.fromkeys(map(without_runtime, abis))  # a mixed set has one twice
    if runtime is None:
        return ".".join(bases)
    return ".".join(str(AbiTag(base=base, runtime=runtime)) for base in bases)


def unserved(report: WheelReport, epoch: Epoch) -> str | None:
    """Why the shared runtime is not for a wheel's Python or platform; None where it is, or may be.

    Raises `InputError` for a local build against musl: auditwheel makes a wheel for others of it.
    """
    platforms, known = report.tags.platform, epoch.architectures
    parsed = [parse_platform(tag) for tag in platforms]
    if "any" not in platforms and not any(found and found.arch in known for found in parsed):
        return f"the shared runtime is for Linux with glibc on {' and '.join(known)}"
    if others := report.tags.other_pythons:
        return f"the shared runtime is for CPython, not {others[0]}"
    needed = {name for found in report.objects for name in found.facts.needed}
    if musl := sorted(name for name in needed if name.startswith("libc.musl")):
        raise InputError(
            f"{report.filename} needs {musl[0]}, and the shared runtime needs glibc.",
            "'auditwheel repair' makes a musllinux wheel of it, without the shared runtime.",
        )
    return None


def is_portable(platforms: Sequence[str]) -> bool:
    """Whether the tags promise anything about other machines."""
    parsed = [parse_platform(tag) for tag in platforms]
    return any(found is not None and found.glibc is not None for found in parsed)


def platform_field(
    platforms: Sequence[str],
    staying: Sequence[ObjectReport],
    floor: tuple[int, int],
    external: Sequence[str],
) -> str:
    """The platform field whose promises hold for the objects that stay.

    Tags that hold, with a glibc of `floor` at least, are kept; where none does, the oldest
    perennial tag that holds is computed. A wheel that needs other libraries from outside
    (`external`, without the runtime's) keeps its platforms: no tag is true for it.
    """
    parsed = [parse_platform(tag) for tag in platforms]
    archs = {found.arch for found in parsed if found}
    promised = set(external) <= promise_of(NEWEST_PROMISE).libraries
    if None in parsed or len(archs) != 1 or not promised:
        return ".".join(platforms)
    lowest = max(
        floor,
        *(glibc_floor(found.facts) for found in staying),
        _libraries_floor(external, staying, next(iter(archs))),
    )
    true = [found for found in parsed if found and found.glibc and found.glibc >= lowest]
    if not true:
        major, minor = lowest[:2]
        true = [GlibcPlatform(glibc=(major, minor), arch=archs.pop())]
    tags = {found.tag for found in true}
    aliases = {alias for found in true if (alias := legacy_alias(found)) in platforms}
    return ".".join(sorted(tags | set(filter(None, aliases))))


def external_libraries(
    staying: Sequence[ObjectReport],
    served_as: Callable[[Soname], Soname | None],
    exclude: Sequence[str] = (),
) -> tuple[str, ...]:
    """What the objects need from outside the wheel, sorted.

    Without what the runtime or a component provides, by the name that `served_as` knows of a copy,
    and without the patterns in `exclude`.
    """
    inside = {name for found in staying for name in (found.name, found.file_name)}
    needed = {name for found in staying for name in found.facts.needed if name not in inside}
    return tuple(
        sorted(
            str(name)
            for name in needed
            if family_of_name(name) not in SHARED_FAMILIES
            and provided(served_as(name) or name) is None
            and not any(fnmatchcase(name, each) for each in exclude)
        )
    )


def _libraries_floor(
    external: Sequence[str], staying: Sequence[ObjectReport], arch: str
) -> tuple[int, ...]:
    """The oldest platform that has all libraries, and all that is needed of them.

    Where no platform has that, the oldest that has the libraries: the rules report the rest.
    """
    having = [each for each in platform_releases() if set(external) <= promise_of(each).libraries]
    return next((each for each in having if _promises(each, external, staying, arch)), having[0])


def _promises(
    glibc: tuple[int, int], external: Sequence[str], staying: Sequence[ObjectReport], arch: str
) -> bool:
    promise = promise_of(glibc)
    versions = {
        need.version
        for found in staying
        for need in found.facts.version_needs
        if need.soname in external and not need.weak
    }
    return all(promise.allows_version(arch, each) is not False for each in versions) and not any(
        found.needs_private(library, promise.private_symbols(library))
        for found in staying
        for library in external
    )
