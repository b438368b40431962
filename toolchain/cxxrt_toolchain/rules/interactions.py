"""What the rules about symbols and capsules between packages have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.wording import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from cxxrt_toolchain.facts.environment import EnvironmentFacts
    from cxxrt_toolchain.facts.interactions import CapsulePointer, Crossing, InteractingObject
    from cxxrt_toolchain.facts.process import ProcessView

    Predicate = Callable[[InteractingObject], bool]

MOST = 5
"""Number of paths or lines that a finding shows."""


@dataclass(frozen=True, slots=True)
class CrossingGroup:
    """All crossings between two owners."""

    crossings: tuple[Crossing, ...]

    @property
    def objects(self) -> tuple[InteractingObject, ...]:
        """User and provider of every crossing."""
        return tuple(end for each in self.crossings for end in (each.user, each.provider))

    @property
    def owners(self) -> frozenset[str]:
        """The two owners."""
        return frozenset(each.owner for each in self.objects)

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of the objects, at most five."""
        return tuple(dict.fromkeys(each.path for each in self.objects))[:MOST]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Up to two sentences that say which symbols cross."""
        return tuple(
            f"{each.user.path} takes {each.symbols[0]}"
            + (f" and {len(each.symbols) - 1} more" if len(each.symbols) > 1 else "")
            + f" from {each.provider.path}"
            for each in self.crossings[:2]
        )

    def sides(self, is_at_fault: Predicate) -> tuple[frozenset[str], frozenset[str]]:
        """The owners with an object at fault, and the other owners."""
        guilty = owners_of(self.objects, is_at_fault)
        return guilty, self.owners - guilty


def groups(
    crossings: Iterable[Crossing], differ: Callable[[InteractingObject, InteractingObject], bool]
) -> tuple[CrossingGroup, ...]:
    """The crossings between objects that differ, by their two owners."""
    found: dict[frozenset[str], list[Crossing]] = {}
    for each in crossings:
        if differ(each.user, each.provider):
            found.setdefault(frozenset((each.user.owner, each.provider.owner)), []).append(each)
    return tuple(CrossingGroup(tuple(found[owners])) for owners in sorted(found, key=sorted))


def owners_of(objects: Iterable[InteractingObject], holds: Predicate) -> frozenset[str]:
    """The owners of the objects for which a predicate holds."""
    return frozenset(each.owner for each in objects if holds(each))


def packages(scene: EnvironmentFacts | ProcessView, owners: Collection[str]) -> tuple[str, ...]:
    """The owners that are distributions, sorted; a folder is named, but never blamed."""
    return tuple(sorted(scene.package_names.intersection(owners)))


def text(owners: Collection[str]) -> str:
    """Owners, sorted, as a list in a sentence."""
    return listed(sorted(owners))


def rebuilt(owners: Collection[str], how: str) -> str:
    """The remedy of a new build."""
    return f"rebuild {text(owners)}: {how}, as the build backend of cxxrt-toolchain does"


def capsule_lines(capsules: Iterable[CapsulePointer]) -> list[str]:
    """A sentence for each pointer that passes through a capsule, at most five."""
    return [
        f"{each.opener.path} takes a pointer out of the capsule {each.name!r} of {each.maker.path}"
        for each in capsules
    ][:MOST]
