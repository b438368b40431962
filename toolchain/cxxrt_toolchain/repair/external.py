"""Libraries to graft: those that no wheel, shared runtime or platform tag brings.

Pure; `graft` knows where they lie on a machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.platforms import GlibcPlatform, parse_platform
from cxxrt_toolchain.facts.families import SHARED_FAMILIES
from cxxrt_toolchain.repair.retag import NEWEST_PROMISE
from cxxrt_toolchain.rules.rule import Finding, Severity, error
from cxxrt_toolchain.rules.wheel.verdict import judge

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.wheel import WheelReport


def libraries_to_graft(report: WheelReport, exclude: Sequence[str]) -> tuple[str, ...]:
    """SONAMEs that the wheel needs from outside and that its name could not promise; sorted."""
    return tuple(sorted(_outside(report, exclude)))


def unproven(report: WheelReport, exclude: Sequence[str]) -> frozenset[str]:
    """Those of them that a distribution may bring that the wheel requires."""
    rows = _outside(report, exclude).items()
    return frozenset(name for name, severity in rows if severity is not Severity.ERROR)


def _outside(report: WheelReport, exclude: Sequence[str]) -> dict[str, Severity]:
    """A ``linux_<arch>`` wheel, which promises nothing, is judged as the newest ``manylinux``."""
    platforms = [parse_platform(tag) for tag in report.tags.platform]
    archs = {found.arch for found in platforms if found is not None}
    if None in platforms or len(archs) != 1:
        return {}
    portable = any(found is not None and found.glibc is not None for found in platforms)
    tag = None if portable else GlibcPlatform(glibc=NEWEST_PROMISE, arch=archs.pop()).tag
    verdict = judge(report, tag=tag, exclude=tuple(exclude))
    missed = (each for each in verdict.findings if each.rule == "CXXRT-P1" and each.unrepairable)
    return {each.library: each.severity for each in missed if each.library}


def never_grafted(
    report: WheelReport, wanted: Sequence[str], exclude: Sequence[str]
) -> tuple[str, ...]:
    """Patterns of everything that a grafting tool must leave where it is; sorted."""
    ours = {f"{family.value}.so*" for family in SHARED_FAMILIES}
    needed = {str(name) for found in report.objects for name in found.facts.needed}
    return tuple(sorted({*ours, *exclude, *(needed - set(wanted))}))


def not_here(missing: Sequence[str]) -> tuple[Finding, ...]:
    """The findings for libraries that would have to be grafted, and that this machine lacks."""
    return tuple(
        error(
            f"needs {soname}, and the loader of this machine finds no such library",
            rule="CXXRT-P1",
            library=soname,
            unrepairable="Install what it was linked against, or add its folder to LD_LIBRARY_PATH;"
            f" or --exclude {soname}, if the user's machine or another wheel brings it.",
        )
        for soname in missing
    )
