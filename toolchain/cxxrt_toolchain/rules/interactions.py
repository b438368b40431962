"""Rules about packages that exchange C++ with different runtimes or string ABIs: H5, H7, D11, D13.

What symbols of two packages prove is a warning; what may happen through pointers is a note.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.interactions import (
    CapsulePointer,
    CrossingGroup,
    InteractingObject,
    by_owners,
    differ_in_cudart,
    differ_in_libstdcxx,
    differ_in_strings,
)
from cxxrt_toolchain.facts.symbols import spells_old_string
from cxxrt_toolchain.rules.remedies import BOTH, Scene, capsule_pointers, crossing_symbols, rebuilt
from cxxrt_toolchain.rules.rule import Finding, Severity, error, note, rule, warning
from cxxrt_toolchain.wording import listed, shortened

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.members import StringConflict


class _Runtime(NamedTuple):
    """What the two rules differ in."""

    family: RuntimeFamily
    danger: str
    """What must not happen between packages with separate copies."""
    remedy: str


_STDCXX = _Runtime(
    RuntimeFamily.LIBSTDCXX,
    "no exception and no old std::string passes to or from",
    "link libstdc++ dynamically",
)
_CUDART = _Runtime(
    RuntimeFamily.LIBCUDART, "no kernel is launched by or defined in", "use nvcc's --cudart=shared"
)
_NEW_STRING = "compile with -D_GLIBCXX_USE_CXX11_ABI=1"
_WHOLE_INTERFACE = 100


@rule("CXXRT-H5", "Statically linked libstdc++, hidden", on=BOTH)
def hidden_libstdcxx(scene: Scene) -> Iterator[Finding]:
    """A warning if C++ symbols cross; one note for all other packages if others use C++."""
    groups = by_owners(scene.interactions.crossings, differ_in_libstdcxx)
    for group in groups:
        guilty = _hiding(group.objects, _STDCXX)
        what = (
            f"its C++ symbols are bound to those of {_text(group.owners - guilty or guilty)}: an "
            "exception or an old std::string that crosses is known to only one of the two runtimes"
        )
        yield _crossing(scene, _STDCXX, group, what, crossing_symbols(group.crossings))
    objects = scene.interactions.objects
    capsules = [
        each for each in scene.interactions.capsules if _hiding((each.maker, each.opener), _STDCXX)
    ]
    users = {each.owner for each in objects if each.uses_cxx}
    users |= {end.owner for each in capsules for end in (each.maker, each.opener)}
    yield from _separate(scene, _STDCXX, groups, users, capsules)


@rule("CXXRT-H7", "Statically linked libcudart, hidden", on=BOTH)
def hidden_cudart(scene: Scene) -> Iterator[Finding]:
    """A warning if a package launches another's kernel; one note for all other packages."""
    launches = [each for each in scene.interactions.crossings if each.kernels]
    groups = by_owners(launches, differ_in_cudart)
    for group in groups:
        first = group.crossings[0]
        what = (
            f"{_text({each.user.owner for each in group.crossings})} launches kernels of "
            f"{_text({each.provider.owner for each in group.crossings})}: the launch "
            "configuration stays in the launcher's libcudart"
        )
        registers = f"{first.provider.path} registers {first.kernels[0]}"
        evidence = (registers, *crossing_symbols([first]))
        yield _crossing(scene, _CUDART, group, what, evidence)
    users = {each.owner for each in scene.interactions.objects if each.uses_cudart}
    yield from _separate(scene, _CUDART, groups, users)


def _hiding(objects: Iterable[InteractingObject], runtime: _Runtime) -> frozenset[str]:
    return frozenset(each.owner for each in objects if runtime.family in each.traits.hidden)


def _crossing(
    scene: Scene, runtime: _Runtime, group: CrossingGroup, what: str, evidence: tuple[str, ...]
) -> Finding:
    guilty = _hiding(group.objects, runtime)
    return warning(
        f"{_contain(guilty, runtime)}, and {what}",
        culprits=_packages(scene, guilty),
        victims=_packages(scene, group.owners - guilty),
        libraries=_places(group.objects),
        evidence=(*_contained(group.objects, runtime)[:2], *evidence),
        remedies=(rebuilt(guilty, runtime.remedy),),
    )


def _separate(
    scene: Scene,
    runtime: _Runtime,
    groups: Iterable[CrossingGroup],
    users: Collection[str],
    capsules: Iterable[CapsulePointer] = (),
) -> Iterator[Finding]:
    """One note about all hidden copies that no warning is about, if other packages have one."""
    objects = scene.interactions.objects
    rest = _hiding(objects, runtime) - {name for each in groups for name in each.owners}
    if not rest or len(users) < 2:  # noqa: PLR2004 - a package alone exchanges nothing
        return
    shown = [
        each for each in objects if each.owner in rest and runtime.family in each.traits.hidden
    ]
    yield note(
        f"{_contain(rest, runtime)}, which is safe as long as {runtime.danger} "
        f"{_text({*users} - rest) or 'the other'}",
        culprits=_packages(scene, rest),
        libraries=_places(shown),
        evidence=shortened([*_contained(shown, runtime), *capsule_pointers(capsules)]),
        remedies=(f"Nothing, unless that happens; then {rebuilt(rest, runtime.remedy)}",),
    )


def _contain(owners: Collection[str], runtime: _Runtime) -> str:
    verb = "contains" if len(owners) == 1 else "contain"
    return f"{_text(owners)} {verb} a static {runtime.family.value}, hidden"


def _contained(objects: Iterable[InteractingObject], runtime: _Runtime) -> list[str]:
    paths = dict.fromkeys(each.path for each in objects if runtime.family in each.traits.hidden)
    return [f"{path} contains {runtime.family.value}" for path in paths]


def _packages(scene: Scene, owners: Collection[str]) -> tuple[str, ...]:
    """The owners that are distributions; a folder is named, but never blamed."""
    return tuple(sorted(scene.package_names.intersection(owners)))


def _text(owners: Collection[str]) -> str:
    return listed(sorted(owners))


def _places(objects: Iterable[InteractingObject]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.path for each in objects))[:5]


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
            yield _crossing_strings(scene, group)
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


def _crossing_strings(scene: Scene, group: CrossingGroup) -> Finding:
    guilty = {each.owner for each in group.objects if _is_old(each)}
    others = group.owners - guilty
    return Finding(
        severity=Severity.WARNING if _may_pass_strings(group) else Severity.NOTE,
        message=f"{_text(guilty)} is compiled for the old std::string and "
        f"{_text(others)} for the "
        "new one, and C++ symbols of one are bound to those of the other: a struct that contains "
        "a string has two layouts",
        culprits=_packages(scene, guilty),
        victims=_packages(scene, others),
        libraries=_places(group.objects),
        evidence=(*_spelling(group.objects)[:2], *crossing_symbols(group.crossings)),
        remedies=(rebuilt(guilty, _NEW_STRING),),
    )


def _exchanging(scene: Scene, owner: str, other: str, rows: list[CapsulePointer]) -> Finding:
    ends = [end for each in rows for end in (each.maker, each.opener)]
    return note(
        f"{owner} is compiled for the old std::string, and no symbol of {other} shows the "
        "same; they exchange pointers, and a struct that contains a string would have two layouts",
        culprits=_packages(scene, {owner}),
        libraries=_places(ends),
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
