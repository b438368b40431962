"""The rules about runtimes and strings that packages keep to themselves: H5, H7 and D13.

In: `Interactions` of an environment or a process. Out: findings, unsorted. What symbols of two
packages prove is a warning; what may happen through pointers is a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.interactions import (
    differ_in_cudart,
    differ_in_libstdcxx,
    differ_in_strings,
)
from cxxrt_toolchain.facts.symbols import spells_old_string
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.wording import listed, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from cxxrt_toolchain.facts.interactions import (
        CapsulePointer,
        Crossing,
        InteractingObject,
        Interactions,
    )

_DYNAMIC = "link libstdc++ dynamically"
_SHARED = "use nvcc's --cudart=shared"
_NEW_STRING = "compile with -D_GLIBCXX_USE_CXX11_ABI=1"
_MOST = 5
_WHOLE_INTERFACE = 100

Packages = frozenset[str]
"""Names of distributions: an owner that is a folder is named and never blamed."""


def check_interactions(
    interactions: Interactions, packages: Packages, mismatched: Collection[tuple[str, str]] = ()
) -> Iterator[Finding]:
    """Everything that this module knows.

    Args:
        interactions: Who meets whom.
        packages: The owners that are distributions.
        mismatched: (User, provider) of which D11 says more already.
    """
    yield from _runtimes_cross(interactions, packages)
    yield from _runtimes_apart(interactions, packages)
    yield from _kernels_cross(interactions, packages)
    yield from _kernels_apart(interactions, packages)
    told = {frozenset(pair) for pair in mismatched}
    yield from _strings_cross(interactions, packages, told)
    told |= {_owners_of(pair) for pair in _pairs(interactions.crossings, differ_in_strings)}
    yield from _strings_apart(interactions, packages, told)


def _hides_stdcxx(each: InteractingObject) -> bool:
    return RuntimeFamily.LIBSTDCXX in each.traits.hidden


def _hides_cudart(each: InteractingObject) -> bool:
    return RuntimeFamily.LIBCUDART in each.traits.hidden


def _is_old(each: InteractingObject) -> bool:
    return each.traits.strings == "old"


def _runtimes_cross(interactions: Interactions, packages: Packages) -> Iterator[Finding]:
    """H5 where C++ symbols of one package are bound to another's."""
    for pair in _pairs(interactions.crossings, differ_in_libstdcxx):
        guilty, others = _sides(pair, _hides_stdcxx)
        yield Finding(
            rule="CXXRT-H5",
            severity=Severity.WARNING,
            message=f"{_keeps(guilty, 'libstdc++')}, and its C++ is bound to that of "
            f"{_text(others or guilty)}: an exception or an old std::string that crosses is known "
            "to one of the two runtimes only",
            culprits=_named(guilty, packages),
            victims=_named(others, packages),
            libraries=_paths(pair),
            evidence=(*_contains(_ends(pair), _hides_stdcxx, "libstdc++")[:2], *_symbols(pair)),
            remedies=(_rebuilt(guilty, _DYNAMIC),),
        )


def _runtimes_apart(interactions: Interactions, packages: Packages) -> Iterator[Finding]:
    """H5 for all others together, if there is somebody whom they could meet."""
    told = {
        owner
        for p in _pairs(interactions.crossings, differ_in_libstdcxx)
        for owner in _owners_of(p)
    }
    islands = _owners(interactions.objects, _hides_stdcxx) - told
    handed = [e for e in interactions.capsules if _hides_stdcxx(e.maker) or _hides_stdcxx(e.opener)]
    company = _owners(interactions.objects, lambda each: each.uses_cxx)
    company |= {end.owner for each in handed for end in (each.maker, each.opener)}
    if not islands or len(company) == 1:
        return
    shown = [each for each in interactions.objects if each.owner in islands]
    yield Finding(
        rule="CXXRT-H5",
        severity=Severity.NOTE,
        message=f"{_keeps(islands, 'libstdc++')}, which is safe as long as no exception and no old "
        f"std::string passes to or from {_text(company - islands) or 'the other'}",
        culprits=_named(islands, packages),
        libraries=tuple(each.path for each in shown if _hides_stdcxx(each))[:_MOST],
        evidence=tuple(
            shortened([*_contains(shown, _hides_stdcxx, "libstdc++"), *_capsules(handed)])
        ),
        remedies=(f"Nothing, unless that happens; then {_rebuilt(islands, _DYNAMIC)}",),
    )


def _kernels_cross(interactions: Interactions, packages: Packages) -> Iterator[Finding]:
    """H7 where a kernel of one package is launched by another."""
    launches = [each for each in interactions.crossings if each.kernels]
    for pair in _pairs(launches, differ_in_cudart):
        guilty, others = _sides(pair, _hides_cudart)
        yield Finding(
            rule="CXXRT-H7",
            severity=Severity.WARNING,
            message=f"{_keeps(guilty, 'libcudart')}, and {_text({e.user.owner for e in pair})} "
            f"launches kernels of {_text({e.provider.owner for e in pair})}: the launch "
            "configuration stays in the launcher's",
            culprits=_named(guilty, packages),
            victims=_named(others, packages),
            libraries=_paths(pair),
            evidence=(
                *_contains(_ends(pair), _hides_cudart, "libcudart")[:2],
                *(f"{each.provider.path} registers {each.kernels[0]}" for each in pair[:1]),
                *_symbols(pair)[:1],
            ),
            remedies=(_rebuilt(guilty, _SHARED),),
        )


def _kernels_apart(interactions: Interactions, packages: Packages) -> Iterator[Finding]:
    """H7 for all others together, if there are several libcudarts."""
    launches = [each for each in interactions.crossings if each.kernels]
    told = {owner for pair in _pairs(launches, differ_in_cudart) for owner in _owners_of(pair)}
    islands = _owners(interactions.objects, _hides_cudart) - told
    if not islands or len(_owners(interactions.objects, lambda each: each.uses_cudart)) == 1:
        return
    shown = [each for each in interactions.objects if each.owner in islands]
    yield Finding(
        rule="CXXRT-H7",
        severity=Severity.NOTE,
        message=f"{_keeps(islands, 'libcudart')}, which is safe as long as no package launches "
        "kernels that another one defines",
        culprits=_named(islands, packages),
        libraries=tuple(each.path for each in shown if _hides_cudart(each))[:_MOST],
        evidence=tuple(shortened(_contains(shown, _hides_cudart, "libcudart"))),
        remedies=(f"Nothing, unless that happens; then {_rebuilt(islands, _SHARED)}",),
    )


def _strings_cross(
    interactions: Interactions, packages: Packages, told: Collection[frozenset[str]]
) -> Iterator[Finding]:
    """D13 where C++ of one package is bound to another's; a note if strings are none of it."""
    for pair in _pairs(interactions.crossings, differ_in_strings):
        if _owners_of(pair) in told:
            continue
        guilty, others = _sides(pair, _is_old)
        yield Finding(
            rule="CXXRT-D13",
            severity=Severity.WARNING if _may_be_of_strings(pair) else Severity.NOTE,
            message=f"{_text(guilty)} is compiled for the old std::string and {_text(others)} for "
            "the new one, and C++ of one is bound to that of the other: a struct with a string in "
            "it has two layouts",
            culprits=_named(guilty, packages),
            victims=_named(others, packages),
            libraries=_paths(pair),
            evidence=(*_spelling(_ends(pair))[:2], *_symbols(pair)),
            remedies=(_rebuilt(guilty, _NEW_STRING),),
        )


def _strings_apart(
    interactions: Interactions, packages: Packages, told: Collection[frozenset[str]]
) -> Iterator[Finding]:
    """D13 where a capsule crosses; what is in it, shows nowhere."""
    grouped: dict[tuple[str, str], list[CapsulePointer]] = {}
    for each in interactions.capsules:
        for old, new in ((each.maker, each.opener), (each.opener, each.maker)):
            if _is_old(old) and frozenset((old.owner, new.owner)) not in told:
                grouped.setdefault((old.owner, new.owner), []).append(each)
    for (owner, other), rows in sorted(grouped.items()):
        ends = [end for each in rows for end in (each.maker, each.opener)]
        yield Finding(
            rule="CXXRT-D13",
            severity=Severity.NOTE,
            message=f"{owner} is compiled for the old std::string, and nothing shows that {other} "
            "is, too; they exchange pointers, and a struct with a string in it would have two "
            "layouts",
            culprits=_named({owner}, packages),
            libraries=tuple(dict.fromkeys(each.path for each in ends))[:_MOST],
            evidence=(*_spelling([each for each in ends if _is_old(each)])[:1], *_capsules(rows)),
            remedies=(f"Nothing, unless that happens; then {_rebuilt({owner}, _NEW_STRING)}",),
        )


def _pairs(
    crossings: Iterable[Crossing], differ: Callable[[InteractingObject, InteractingObject], bool]
) -> list[list[Crossing]]:
    """The crossings that a rule is about, by the two owners."""
    grouped: dict[frozenset[str], list[Crossing]] = {}
    for each in crossings:
        if differ(each.user, each.provider):
            grouped.setdefault(_owners_of([each]), []).append(each)
    return [grouped[owners] for owners in sorted(grouped, key=sorted)]


def _ends(pair: Iterable[Crossing]) -> list[InteractingObject]:
    return [end for each in pair for end in (each.user, each.provider)]


def _owners_of(pair: Iterable[Crossing]) -> frozenset[str]:
    return frozenset(each.owner for each in _ends(pair))


def _owners(
    objects: Iterable[InteractingObject], holds: Callable[[InteractingObject], bool]
) -> set[str]:
    return {each.owner for each in objects if holds(each)}


def _sides(
    pair: Iterable[Crossing], is_at_fault: Callable[[InteractingObject], bool]
) -> tuple[set[str], set[str]]:
    """The owners at fault, and those that are not."""
    guilty = _owners(_ends(pair), is_at_fault)
    return guilty, set(_owners_of(pair)) - guilty


def _named(owners: Collection[str], packages: Packages) -> tuple[str, ...]:
    return tuple(sorted(packages.intersection(owners)))


def _text(owners: Collection[str]) -> str:
    return listed(sorted(owners))


def _keeps(owners: Collection[str], library: str) -> str:
    verb, whose = ("has", "its") if len(owners) == 1 else ("have", "their")
    return f"{_text(owners)} {verb} a {library} of {whose} own, linked in and hidden"


def _paths(pair: Iterable[Crossing]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.path for each in _ends(pair)))[:_MOST]


def _contains(
    objects: Iterable[InteractingObject], holds: Callable[[InteractingObject], bool], library: str
) -> list[str]:
    paths = dict.fromkeys(each.path for each in objects if holds(each))
    return [f"{path} contains {library}" for path in paths]


def _symbols(pair: Iterable[Crossing]) -> tuple[str, ...]:
    rows = [
        f"{each.user.path} takes {each.symbols[0]}"
        + (f" and {len(each.symbols) - 1} more" if len(each.symbols) > 1 else "")
        + f" from {each.provider.path}"
        for each in pair
    ]
    return tuple(rows[:2])


def _may_be_of_strings(pair: Iterable[Crossing]) -> bool:
    """Whether strings may be what crosses.

    A class may have one inside, which shows nowhere; but an interface of a hundred functions of
    which none takes a string is not made of them.
    """
    names = [name for each in pair for name in each.symbols]
    spelt = any("cxx11" in name or spells_old_string(name) for name in names)
    return spelt or len(names) < _WHOLE_INTERFACE


def _spelling(objects: Iterable[InteractingObject]) -> list[str]:
    rows = (f"{each.path} uses {each.traits.old_string or 'std::__cxx11'}" for each in objects)
    return list(dict.fromkeys(rows))


def _capsules(capsules: Iterable[CapsulePointer]) -> list[str]:
    return [
        f"{each.opener.path} takes out what {each.maker.path} puts into a capsule {each.name!r}"
        for each in capsules
    ][:_MOST]


def _rebuilt(owners: Collection[str], how: str) -> str:
    return f"have {_text(owners)} rebuilt: {how}, as the build backend of cxxrt-toolchain does"
