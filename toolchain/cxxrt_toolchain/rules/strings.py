"""Rules about packages that were compiled with different ``std::string`` ABIs: D11 and D13."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.interactions import by_owners, differ_in_strings
from cxxrt_toolchain.facts.symbols import spells_old_string
from cxxrt_toolchain.rules.remedies import BOTH, Scene, capsule_pointers, crossing_symbols, rebuilt
from cxxrt_toolchain.rules.rule import Finding, Severity, error, note, rule
from cxxrt_toolchain.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cxxrt_toolchain.facts.environment import StringConflict
    from cxxrt_toolchain.facts.interactions import CapsulePointer, CrossingGroup, InteractingObject

_NEW_STRING = "compile with -D_GLIBCXX_USE_CXX11_ABI=1"
_WHOLE_INTERFACE = 100


@rule("CXXRT-D11", "Two packages spell std::string differently", on=(EnvironmentFacts,))
def string_conflict(env: EnvironmentFacts) -> Iterator[Finding]:
    """One finding for two packages, with one function as evidence."""
    pairs: dict[tuple[str, str], StringConflict] = {}
    for each in env.strings:
        consumer = env.package_of(each.consumer) or each.consumer
        provider = env.package_of(each.provider) or each.provider
        pairs.setdefault((consumer, provider), each)
    for (consumer, provider), each in sorted(pairs.items()):
        old = "__cxx11" not in each.needed
        yield error(
            f"{consumer} is compiled for the {'old' if old else 'new'} std::string, "
            f"{provider} for the {'new' if old else 'old'} one",
            culprits=(consumer,),
            victims=(consumer,),
            libraries=tuple(dict.fromkeys((each.consumer, each.provider))),
            evidence=(
                f"{each.consumer} needs {each.needed}",
                f"{each.provider} exports {each.provided}",
            ),
            remedies=(
                f"Install a build of {consumer} for this {provider}",
                f"Build it with -D_GLIBCXX_USE_CXX11_ABI={1 if old else 0}",
            ),
        )


@rule("CXXRT-D13", "Packages that exchange C++ were compiled with different string ABIs", on=BOTH)
def string_layouts(scene: Scene) -> Iterator[Finding]:
    """Packages with symbols or capsules between them, unless D11 reports the two already."""
    crossing = by_owners(scene.interactions.crossings, differ_in_strings)
    for group in crossing:
        if group.owners not in scene.string_conflicts:
            yield _crossing(scene, group)
    reported = scene.string_conflicts | {group.owners for group in crossing}
    grouped: dict[tuple[str, str], list[CapsulePointer]] = {}
    for each in scene.interactions.capsules:
        for old, new in ((each.maker, each.opener), (each.opener, each.maker)):
            if _is_old(old) and frozenset((old.owner, new.owner)) not in reported:
                grouped.setdefault((old.owner, new.owner), []).append(each)
    for (owner, other), rows in sorted(grouped.items()):
        yield _exchanging(scene, owner, other, rows)


def _is_old(each: InteractingObject) -> bool:
    return each.traits.strings == "old"


def _crossing(scene: Scene, group: CrossingGroup) -> Finding:
    guilty = {each.owner for each in group.objects if _is_old(each)}
    others = group.owners - guilty
    return Finding(
        severity=Severity.WARNING if _may_pass_strings(group) else Severity.NOTE,
        message=f"{listed(sorted(guilty))} is compiled for the old std::string and "
        f"{listed(sorted(others))} for the "
        "new one, and C++ symbols of one are bound to those of the other: a struct that contains "
        "a string has two layouts",
        culprits=tuple(sorted(scene.package_names & guilty)),
        victims=tuple(sorted(scene.package_names & others)),
        libraries=tuple(dict.fromkeys(each.path for each in group.objects))[:5],
        evidence=(*_spelling(group.objects)[:2], *crossing_symbols(group.crossings)),
        remedies=(rebuilt(guilty, _NEW_STRING),),
    )


def _exchanging(scene: Scene, owner: str, other: str, rows: list[CapsulePointer]) -> Finding:
    ends = [end for each in rows for end in (each.maker, each.opener)]
    return note(
        f"{owner} is compiled for the old std::string, and no symbol of {other} shows the "
        "same; they exchange pointers, and a struct that contains a string would have two layouts",
        culprits=(owner,) if owner in scene.package_names else (),
        libraries=tuple(dict.fromkeys(each.path for each in ends))[:5],
        evidence=(
            *_spelling([each for each in ends if _is_old(each)])[:1],
            *capsule_pointers(rows),
        ),
        remedies=(f"Nothing, unless that happens; then {rebuilt({owner}, _NEW_STRING)}",),
    )


def _may_pass_strings(group: CrossingGroup) -> bool:
    """Whether strings may be among what crosses.

    A class may contain one, which no symbol shows; but an interface of a hundred functions, none
    of which takes a string, does not pass strings.
    """
    names = [name for each in group.crossings for name in each.symbols]
    spelt = any("cxx11" in name or spells_old_string(name) for name in names)
    return spelt or len(names) < _WHOLE_INTERFACE


def _spelling(objects: Iterable[InteractingObject]) -> list[str]:
    rows = (f"{each.path} uses {each.traits.old_string or 'std::__cxx11'}" for each in objects)
    return list(dict.fromkeys(rows))
