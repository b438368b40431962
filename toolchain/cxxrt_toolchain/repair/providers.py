"""What a repaired wheel requires, of the runtime and of who brings the libraries of rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.filename import is_requirement
from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.abi.versions import parse_requirement
from cxxrt_toolchain.facts.searchpath import origin_path
from cxxrt_toolchain.repair.edits import SetRequirement
from cxxrt_toolchain.rules.wheel.claim import lowest_version

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.tag import RuntimeAbi
    from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds
    from cxxrt_toolchain.facts.wheel import WheelReport


def requirement_edits(report: WheelReport, needs: RuntimeNeeds) -> Iterator[SetRequirement]:
    """The requirements that the wheel lacks; its own ones stay, as they may ask for more."""
    texts = {need.requirement for need in needs.providers if need.accepted(report)}
    for text in sorted(texts):
        yield SetRequirement(distribution="", requirement=text)


def run_paths(needs: RuntimeNeeds, member: str) -> Iterator[str]:
    """The ``$ORIGIN`` entries that lead a user of provider libraries to those in site-packages."""
    for need in needs.providers:
        for place in need.row.places if member in need.users else ():
            kind, _, path = place.partition(":")
            entry = origin_path(member, path.rpartition("/")[0]) if kind == "site" else None
            if entry:
                yield entry


def runtime_requirement(report: WheelReport, computed: str, runtime: RuntimeAbi) -> str:
    """The wheel's own requirement on the runtime where that asks for enough, else the computed one.

    What a project declares is in its sdist and in its wheels for every other platform, too (B-7).
    """
    least = lowest_version(parse_requirement(computed))
    for line in report.requires_dist:
        if is_requirement(line, runtime, load_spec()):
            declared = lowest_version(parse_requirement(line))
            if declared is not None and (least is None or least <= declared):
                return line
    return computed
