"""Rules about runtimes that are linked into an object and hidden: H5 and H7.

What symbols of two packages prove is a warning; what may happen through pointers is a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.interactions import by_owners, differ_in_cudart, differ_in_libstdcxx
from cxxrt_toolchain.rules.remedies import BOTH, Scene, capsule_pointers, crossing_symbols, rebuilt
from cxxrt_toolchain.rules.rule import Finding, note, rule, warning
from cxxrt_toolchain.wording import listed, shortened

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from cxxrt_toolchain.facts.interactions import CapsulePointer, CrossingGroup, InteractingObject


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
        libraries=tuple(dict.fromkeys(each.path for each in group.objects))[:5],
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
        libraries=tuple(each.path for each in shown)[:5],
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
