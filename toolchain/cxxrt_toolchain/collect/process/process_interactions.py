"""What is loaded in a process -> where objects with a runtime or a string of their own meet others.

In: its libraries, what they need, and the traits that were kept of their files, as text. Out:
`Interactions`, also as plain types that can be kept. In most processes there are none.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.collect.interactions import find_interactions
from cxxrt_toolchain.facts.interactions import (
    NO_INTERACTIONS,
    CapsulePointer,
    Crossing,
    InteractingObject,
    Interactions,
)
from cxxrt_toolchain.facts.objects import decode_traits, encode_traits
from cxxrt_toolchain.facts.traits import NO_TRAITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cxxrt_toolchain.collect.answers import Answers
    from cxxrt_toolchain.facts.libraries import Library
    from cxxrt_toolchain.facts.traits import Traits


def traits_text(traits: Traits) -> str:
    """One line without tabs; empty where there are none, and the same for most C++ objects."""
    row = encode_traits(traits)
    return json.dumps(row, separators=(",", ":")) if row else ""


def _traits(text: str) -> Traits:
    return decode_traits(json.loads(text)) if text else NO_TRAITS


def objects_of(
    rows: Iterable[tuple[Library, str]], needed: Mapping[str, tuple[str, ...]], root: str
) -> tuple[InteractingObject, ...]:
    """What is loaded, as far as it may meet others.

    Args:
        rows: All whose file can be read, in load order where it is known, each with its
            `traits_text`.
        needed: ``DT_NEEDED`` by path.
        root: What stands before a path of the process, here.
    """
    known = cache(_traits)
    return tuple(
        InteractingObject(
            path=each.path,
            place=root + each.path,
            name=each.soname,
            owner=each.package or each.path.rpartition("/")[0],
            needed=needed.get(each.path, ()),
            traits=known(text),
        )
        for each, text in rows
        if each.family is None
    )


def find_in_process(objects: tuple[InteractingObject, ...], answers: Answers) -> Interactions:
    """Who meets whom.

    Args:
        objects: All that is loaded.
        answers: What their files answered before.
    """
    met = find_interactions(objects, answers)
    answers.save()
    return met


def encode_interactions(met: Interactions) -> tuple[Any, ...]:
    """As plain types; empty where there is nothing to judge."""
    if not met.objects:
        return ()
    numbers = {id(part): number for number, part in enumerate(met.objects)}
    crossings = tuple(
        (numbers[id(each.user)], numbers[id(each.provider)], each.symbols, each.kernels)
        for each in met.crossings
    )
    capsules = tuple(
        (numbers[id(each.maker)], numbers[id(each.opener)], each.name) for each in met.capsules
    )
    return crossings, capsules


def decode_interactions(
    rows: tuple[Any, ...], objects: tuple[InteractingObject, ...]
) -> Interactions:
    """What `encode_interactions` made of them, for the same objects."""
    if not rows:
        return NO_INTERACTIONS
    crossings, capsules = rows
    return Interactions(
        objects=objects,
        crossings=tuple(
            Crossing(
                user=objects[user], provider=objects[provider], symbols=symbols, kernels=kernels
            )
            for user, provider, symbols, kernels in crossings
        ),
        capsules=tuple(
            CapsulePointer(maker=objects[maker], opener=objects[opener], name=name)
            for maker, opener, name in capsules
        ),
    )
