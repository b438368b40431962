"""What is a warning, what a note and what nothing, where packages keep a runtime or a string."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from environment_case import SITE, binary, environment

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.interactions import (
    CapsulePointer,
    Crossing,
    InteractingObject,
    Interactions,
)
from cxxrt_toolchain.facts.members import StringConflict
from cxxrt_toolchain.facts.traits import NO_TRAITS, Traits
from cxxrt_toolchain.rules.every import judge
from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.rules.rule import Finding

STDCXX, CUDART = RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCUDART
HIDDEN = Traits(hidden=(STDCXX,), made=("demo.it",))
OWN_CUDART = Traits(hidden=(CUDART,))
OLD, NEW = Traits(old_string="_ZNSs4swapERSs", made=("demo.it",)), Traits(new_strings=True)
WARNING, NOTE = Severity.WARNING, Severity.NOTE


def part(owner: str, traits: Traits = NO_TRAITS, *needed: str) -> InteractingObject:
    path = f"/site/{owner}/core.so"
    return InteractingObject(
        path=path,
        place=path,
        name=f"{owner}.so",
        owner=owner,
        needed=needed or ("libstdc++.so.6",),
        traits=traits,
    )


def crossing(
    user: InteractingObject, provider: InteractingObject, kernels: tuple[str, ...] = (), *more: str
) -> Interactions:
    symbols = ("_Z3addPf", "_Z3subPf", *more)
    found = Crossing(user=user, provider=provider, symbols=symbols, kernels=kernels)
    return Interactions(objects=(user, provider), crossings=(found,))


def capsule_pointer(maker: InteractingObject, opener: InteractingObject) -> Interactions:
    found = CapsulePointer(maker=maker, opener=opener, name="demo.it")
    return Interactions(objects=(maker, opener), capsules=(found,))


def findings(interactions: Interactions, strings: tuple[StringConflict, ...] = ()) -> list[Finding]:
    """The findings of an environment with these interactions; folders are not distributions."""
    owners = dict.fromkeys(each.owner for each in interactions.objects)
    packages = {name: [binary(f"{name}/core.so", ())] for name in owners if name[0] != "/"}
    return list(judge(environment(packages, interactions=interactions, strings=strings)))


def rows(
    interactions: Interactions, strings: tuple[StringConflict, ...] = ()
) -> list[tuple[str, Severity, tuple[str, ...], tuple[str, ...]]]:
    found = findings(interactions, strings)
    return [(each.rule, each.severity, each.culprits, each.victims) for each in found]


def test_nothing_that_meets_is_nothing() -> None:
    assert findings(Interactions()) == []
    assert findings(Interactions(objects=(part("a"), part("b", NEW)))) == []


@pytest.mark.parametrize("user_hides", [True, False])
def test_a_hidden_libstdcxx_is_a_warning_where_symbols_cross(*, user_hides: bool) -> None:
    hiding, other = part("a", HIDDEN, "libc.so.6"), part("b")
    interactions = crossing(*((hiding, other) if user_hides else (other, hiding)))
    assert rows(interactions) == [("CXXRT-H5", WARNING, ("a",), ("b",))]
    (found,) = findings(interactions)
    assert found.evidence[0] == "/site/a/core.so contains libstdc++"
    assert "takes _Z3addPf and 1 more from" in found.evidence[1]
    assert set(found.libraries) == {hiding.path, other.path}


def test_two_that_hide_one_each_are_both_at_fault() -> None:
    interactions = crossing(part("a", HIDDEN, "libc.so.6"), part("b", HIDDEN, "libc.so.6"))
    assert rows(interactions) == [("CXXRT-H5", WARNING, ("a", "b"), ())]
    assert findings(interactions)[0].message.startswith(
        "a and b contain a static libstdc++, hidden"
    )


def test_islands_are_one_note_and_none_without_company() -> None:
    alone = Interactions(
        objects=(part("a", HIDDEN, "libc.so.6"), part("plain", NO_TRAITS, "libc.so.6"))
    )
    assert findings(alone) == []
    islands = (part("a", HIDDEN, "libc.so.6"), part("b", HIDDEN, "libc.so.6"))
    assert rows(Interactions(objects=islands)) == [("CXXRT-H5", NOTE, ("a", "b"), ())]
    assert rows(Interactions(objects=(*islands, part("c")))) == [("CXXRT-H5", NOTE, ("a", "b"), ())]


def test_a_note_says_through_which_capsule_they_meet() -> None:
    (found,) = findings(
        capsule_pointer(part("a", HIDDEN, "libc.so.6"), part("b", NO_TRAITS, "libc.so.6"))
    )
    assert found.severity is NOTE
    assert "to or from b" in found.message
    assert found.evidence[1] == (
        "/site/b/core.so takes a pointer out of the capsule 'demo.it' of /site/a/core.so"
    )
    assert found.remedies[0].startswith("Nothing, unless that happens; then rebuild a: ")


def test_a_kernel_that_crosses_is_a_warning_and_other_symbols_are_not() -> None:
    user, provider = part("a", OWN_CUDART), part("b", NO_TRAITS, "libcudart.so.12")
    launched = crossing(user, provider, kernels=("_Z3addPf",))
    assert rows(launched) == [("CXXRT-H7", WARNING, ("a",), ("b",))]
    assert "a launches kernels of b" in findings(launched)[0].message
    assert rows(crossing(user, provider)) == [("CXXRT-H7", NOTE, ("a",), ())]


def test_one_libcudart_is_no_note_and_two_are() -> None:
    assert findings(Interactions(objects=(part("a", OWN_CUDART), part("b")))) == []
    both = Interactions(objects=(part("a", OWN_CUDART), part("b", OWN_CUDART)))
    assert rows(both) == [("CXXRT-H7", NOTE, ("a", "b"), ())]


def test_strings_of_both_kinds_are_a_warning_where_symbols_cross() -> None:
    interactions = crossing(part("a", OLD), part("b", NEW))
    assert rows(interactions) == [("CXXRT-D13", WARNING, ("a",), ("b",))], "in a class, perhaps"
    conflict = StringConflict(
        consumer=f"{SITE}/a/core.so", provider=f"{SITE}/b/core.so", needed="_Z1fSs", provided="_Z1f"
    )
    assert [row[0] for row in rows(interactions, (conflict,))] == ["CXXRT-D11"], "it says more"
    many = tuple(f"_Z{len(f'f{n}')}f{n}v" for n in range(100))
    whole = crossing(part("a", OLD), part("b", NEW), (), *many)
    assert rows(whole) == [("CXXRT-D13", NOTE, ("a",), ("b",))], "none of them is of a string"
    for symbol in ("_Z3putRKSs", "_Z3getB5cxx11v"):
        spelt = crossing(part("a", OLD), part("b", NEW), (), *many, symbol)
        assert rows(spelt) == [("CXXRT-D13", WARNING, ("a",), ("b",))]
    assert findings(crossing(part("a", OLD), part("b", OLD))) == []


def test_they_are_a_note_where_a_capsule_crosses() -> None:
    interactions = capsule_pointer(part("a", OLD), part("b"))
    assert rows(interactions) == [("CXXRT-D13", NOTE, ("a",), ())]
    assert rows(capsule_pointer(part("b"), part("a", OLD))) == rows(interactions)
    both = Interactions(
        objects=interactions.objects,
        crossings=crossing(part("a", OLD), part("b", NEW)).crossings,
        capsules=interactions.capsules,
    )
    assert rows(both) == [("CXXRT-D13", WARNING, ("a",), ("b",))]


def test_a_folder_is_named_and_never_blamed() -> None:
    interactions = crossing(part("/opt/lib", HIDDEN, "libc.so.6"), part("b"))
    assert rows(interactions) == [("CXXRT-H5", WARNING, (), ("b",))]
    assert "/opt/lib contains a static libstdc++" in findings(interactions)[0].message
