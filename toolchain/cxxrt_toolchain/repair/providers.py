"""What a repair does so that other distributions bring the libraries that have a row. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.searchpath import origin_path
from cxxrt_toolchain.repair.edits import SetRequirement

if TYPE_CHECKING:
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
