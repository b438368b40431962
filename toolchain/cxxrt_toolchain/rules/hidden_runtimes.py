"""Rules about runtimes that are linked into an object and hidden: H5 and H7.

What symbols of two packages prove is a warning; what may happen through pointers is a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.interactions import differ_in_cudart, differ_in_libstdcxx
from cxxrt_toolchain.facts.process import ProcessView
from cxxrt_toolchain.rules.interactions import (
    MOST,
    capsule_lines,
    groups,
    owners_of,
    packages,
    rebuilt,
    text,
)
from cxxrt_toolchain.rules.rule import Finding, Severity, rule
from cxxrt_toolchain.wording import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from cxxrt_toolchain.facts.interactions import InteractingObject

    Scene = EnvironmentFacts | ProcessView

_DYNAMIC = "link libstdc++ dynamically"
_SHARED = "use nvcc's --cudart=shared"


def _hides_stdcxx(each: InteractingObject) -> bool:
    return RuntimeFamily.LIBSTDCXX in each.traits.hidden


def _hides_cudart(each: InteractingObject) -> bool:
    return RuntimeFamily.LIBCUDART in each.traits.hidden


@rule("CXXRT-H5", "Statically linked libstdc++, hidden", on=(EnvironmentFacts, ProcessView))
def hidden_libstdcxx(scene: Scene) -> Iterator[Finding]:
    """A warning if C++ symbols cross; one note for all other packages if others use C++."""
    crossing = groups(scene.interactions.crossings, differ_in_libstdcxx)
    for group in crossing:
        guilty, others = group.sides(_hides_stdcxx)
        yield Finding(
            severity=Severity.WARNING,
            message=f"{_contain(guilty, 'libstdc++')}, and its C++ symbols are bound to those of "
            f"{text(others or guilty)}: an exception or an old std::string that crosses is known "
            "to only one of the two runtimes",
            culprits=packages(scene, guilty),
            victims=packages(scene, others),
            libraries=group.paths,
            evidence=(*_contained(group.objects, _hides_stdcxx, "libstdc++")[:2], *group.symbols),
            remedies=(rebuilt(guilty, _DYNAMIC),),
        )
    objects = scene.interactions.objects
    rest = owners_of(objects, _hides_stdcxx) - {name for each in crossing for name in each.owners}
    capsules = [
        each
        for each in scene.interactions.capsules
        if _hides_stdcxx(each.maker) or _hides_stdcxx(each.opener)
    ]
    users = owners_of(objects, lambda each: each.uses_cxx)
    users |= {end.owner for each in capsules for end in (each.maker, each.opener)}
    if rest and len(users) > 1:
        shown = [each for each in objects if each.owner in rest]
        yield Finding(
            severity=Severity.NOTE,
            message=f"{_contain(rest, 'libstdc++')}, which is safe as long as no exception and no "
            f"old std::string passes to or from {text(users - rest) or 'the other'}",
            culprits=packages(scene, rest),
            libraries=tuple(each.path for each in shown if _hides_stdcxx(each))[:MOST],
            evidence=shortened(
                [*_contained(shown, _hides_stdcxx, "libstdc++"), *capsule_lines(capsules)]
            ),
            remedies=(f"Nothing, unless that happens; then {rebuilt(rest, _DYNAMIC)}",),
        )


@rule("CXXRT-H7", "Statically linked libcudart, hidden", on=(EnvironmentFacts, ProcessView))
def hidden_cudart(scene: Scene) -> Iterator[Finding]:
    """A warning if a package launches another's kernel; one note for all other packages."""
    launches = [each for each in scene.interactions.crossings if each.kernels]
    crossing = groups(launches, differ_in_cudart)
    for group in crossing:
        guilty, others = group.sides(_hides_cudart)
        rows = group.crossings
        yield Finding(
            severity=Severity.WARNING,
            message=f"{_contain(guilty, 'libcudart')}, and {text({e.user.owner for e in rows})} "
            f"launches kernels of {text({e.provider.owner for e in rows})}: the launch "
            "configuration stays in the launcher's libcudart",
            culprits=packages(scene, guilty),
            victims=packages(scene, others),
            libraries=group.paths,
            evidence=(
                *_contained(group.objects, _hides_cudart, "libcudart")[:2],
                f"{rows[0].provider.path} registers {rows[0].kernels[0]}",
                *group.symbols[:1],
            ),
            remedies=(rebuilt(guilty, _SHARED),),
        )
    objects = scene.interactions.objects
    rest = owners_of(objects, _hides_cudart) - {name for each in crossing for name in each.owners}
    if rest and len(owners_of(objects, lambda each: each.uses_cudart)) > 1:
        shown = [each for each in objects if each.owner in rest]
        yield Finding(
            severity=Severity.NOTE,
            message=f"{_contain(rest, 'libcudart')}, which is safe as long as no package launches "
            "kernels that another one defines",
            culprits=packages(scene, rest),
            libraries=tuple(each.path for each in shown if _hides_cudart(each))[:MOST],
            evidence=shortened(_contained(shown, _hides_cudart, "libcudart")),
            remedies=(f"Nothing, unless that happens; then {rebuilt(rest, _SHARED)}",),
        )


def _contain(owners: Collection[str], library: str) -> str:
    verb = "contains" if len(owners) == 1 else "contain"
    return f"{text(owners)} {verb} a static {library}, hidden"


def _contained(
    objects: Iterable[InteractingObject], hides: Callable[[InteractingObject], bool], library: str
) -> list[str]:
    paths = dict.fromkeys(each.path for each in objects if hides(each))
    return [f"{path} contains {library}" for path in paths]
