"""Who meets whom in a process is kept as plain types, and comes back for the same objects."""

from __future__ import annotations

import marshal

import pytest
from process_samples import MAKER, SYSTEM, VICTIM, library, stdcxx

from cxxrt_toolchain.collect.process.process_interactions import (
    decode_interactions,
    encode_interactions,
    objects_of,
    traits_text,
)
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.interactions import (
    NO_INTERACTIONS,
    CapsulePointer,
    Crossing,
    InteractingObject,
    Interactions,
)
from cxxrt_toolchain.facts.traits import NO_TRAITS, Traits

OWN = Traits(
    hidden=(RuntimeFamily.LIBCUDART, RuntimeFamily.LIBSTDCXX),
    old_string="_Z1fSs",
    unprovided=("_Z1gv",),
    made=("maker.table",),
    opened=("other.table",),
)


def _object(path: str, traits: Traits = NO_TRAITS) -> InteractingObject:
    return InteractingObject(path, f"/root{path}", path.rpartition("/")[2], "owner", (), traits)


def _met() -> Interactions:
    # The first and the last are equal: which of them is meant is told by its place alone.
    objects = (
        _object("/a.so", OWN),
        _object("/b.so"),
        _object("/c.so", OWN),
        _object("/a.so", OWN),
    )
    first, second, third, last = objects
    return Interactions(
        objects=objects,
        crossings=(
            Crossing(user=second, provider=first, symbols=("_Z1fv", "_Z1gv"), kernels=("_Z1gv",)),
            Crossing(user=last, provider=third, symbols=("_Z1hv",)),
        ),
        capsules=(CapsulePointer(maker=first, opener=third, name="maker.table"),),
    )


def test_meetings_come_back_as_they_were() -> None:
    met = _met()
    rows = marshal.loads(marshal.dumps(encode_interactions(met)))  # noqa: S302 - our own
    again = decode_interactions(rows, met.objects)
    assert again == met
    assert again.crossings[1].user is met.objects[3]
    assert again.capsules[0].opener is met.objects[2]


def test_where_nothing_meets_nothing_is_kept() -> None:
    assert encode_interactions(NO_INTERACTIONS) == ()
    assert decode_interactions((), _met().objects) is NO_INTERACTIONS


def test_parts_that_were_compared_and_did_not_meet_are_not_nothing() -> None:
    met = Interactions(objects=_met().objects)
    rows = encode_interactions(met)
    assert rows == ((), ())
    assert decode_interactions(rows, met.objects) == met


@pytest.mark.parametrize("traits", [NO_TRAITS, OWN, Traits(new_strings=True)])
def test_traits_are_a_line_that_comes_back(traits: Traits) -> None:
    text = traits_text(traits)
    assert bool(text) is (traits != NO_TRAITS)
    assert not {"\n", "\t"}.intersection(text)
    (found,) = objects_of([(library(MAKER), text)], {}, "")
    assert found.traits == traits


def test_parts_are_all_but_the_copies_of_runtimes() -> None:
    rows = [
        (stdcxx(), ""),
        (library(MAKER), traits_text(OWN)),
        (library("/tree/loose/x.so"), ""),
        (library(VICTIM), traits_text(OWN)),
    ]
    found = objects_of(rows, {MAKER: ("libstdc++.so.6",), SYSTEM: ("libc.so.6",)}, "/elsewhere")
    assert [(each.path, each.place, each.name, each.owner) for each in found] == [
        (MAKER, f"/elsewhere{MAKER}", "core.so", "maker"),
        ("/tree/loose/x.so", "/elsewhere/tree/loose/x.so", "x.so", "/tree/loose"),
        (VICTIM, f"/elsewhere{VICTIM}", "core.so", "victim"),
    ]
    assert [each.needed for each in found] == [("libstdc++.so.6",), (), ()]
    assert found[0].traits is found[2].traits, "what differs from the rest is told by identity"
