"""Which libraries from outside the wheel have to be grafted into it.

In: a report. Out: the SONAMEs that neither the wheel, nor the shared runtime, nor any platform tag
brings. Pure; where the libraries lie on a machine is `graft`'s question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.platforms import GlibcPlatform, parse_platform
from cxxrt_toolchain.facts.families import SHARED_FAMILIES
from cxxrt_toolchain.repair.retag import NEWEST_PROMISE
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.rules.wheel.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxxrt_toolchain.facts.wheel import WheelReport


def libraries_to_graft(report: WheelReport, exclude: Sequence[str]) -> tuple[str, ...]:
    """SONAMEs that the wheel needs from outside and that its name could not promise; sorted.

    A ``linux_<arch>`` wheel, which promises nothing, is judged as the newest ``manylinux``.

    Args:
        report: The wheel's facts.
        exclude: Patterns of SONAMEs that something else provides.
    """
    platforms = [parse_platform(tag) for tag in report.tags.platform]
    archs = {found.arch for found in platforms if found is not None}
    if None in platforms or len(archs) != 1:
        return ()
    portable = any(found is not None and found.glibc is not None for found in platforms)
    tag = None if portable else GlibcPlatform(glibc=NEWEST_PROMISE, arch=archs.pop()).tag
    verdict = judge(report, tag=tag, exclude=tuple(exclude))
    return tuple(sorted({library for found in verdict.findings if (library := _external(found))}))


def _external(found: Finding) -> str | None:
    """The library that rule P1 misses, and that no edit of the wheel provides."""
    return found.library if found.rule == "CXXRT-P1" and found.unrepairable else None


def never_grafted(
    report: WheelReport, wanted: Sequence[str], exclude: Sequence[str]
) -> tuple[str, ...]:
    """Patterns of everything that a grafting tool must leave where it is; sorted.

    Args:
        report: The wheel's facts.
        wanted: What is to be grafted.
        exclude: The caller's own patterns.
    """
    ours = {f"{family.value}.so*" for family in SHARED_FAMILIES}
    needed = {str(name) for found in report.objects for name in found.facts.needed}
    return tuple(sorted({*ours, *exclude, *(needed - set(wanted))}))


def not_here(missing: Sequence[str]) -> tuple[Finding, ...]:
    """The findings for libraries that would have to be grafted, and that this machine lacks."""
    return tuple(
        Finding(
            rule="CXXRT-P1",
            severity=Severity.ERROR,
            message=f"needs {soname}, and the loader of this machine finds no such library",
            library=soname,
            unrepairable="Install what it was linked against, or add its folder to LD_LIBRARY_PATH;"
            f" or --exclude {soname}, if the user's machine or another wheel brings it.",
        )
        for soname in missing
    )
