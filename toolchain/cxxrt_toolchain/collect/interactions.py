"""The C++ symbols and capsule pointers that objects of different owners exchange.

Reads files only if an object has a private runtime or string ABI (`Traits`) and another owner's
object can interact with it: it links to its library, imports its symbols, or names the same
capsule. An object that cannot be read is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.answers import NO_NAMES, Answers
from cxxrt_toolchain.elf.sections import read_constants
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.interactions import (
    NO_INTERACTIONS,
    CapsulePointer,
    Crossing,
    InteractingObject,
    Interactions,
    differ_in_cudart,
    differ_in_libstdcxx,
    differ_in_strings,
)
from cxxrt_toolchain.facts.symbols import belongs_to_libstdcxx
from cxxrt_toolchain.facts.traits import capsules

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.reader import SparseElf

_STDCXX, _CUDART = RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCUDART
_LARGEST_TABLE = 1 << 20
_Names = tuple[str, ...]


def find_interactions(objects: Iterable[InteractingObject], answers: Answers) -> Interactions:
    """The interactions of some objects, without the copies of runtimes.

    Of libraries with one name, an object finds its owner's own, else the first.
    """
    objects = tuple(objects)
    if not _special(objects):
        return NO_INTERACTIONS
    return Interactions(
        objects=objects,
        crossings=tuple(_crossings(objects, answers)),
        capsules=tuple(_capsule_pointers(objects, answers)),
    )


def _differ(one: InteractingObject, other: InteractingObject) -> bool:
    return one.owner != other.owner and (
        differ_in_libstdcxx(one, other)
        or differ_in_strings(one, other)
        or differ_in_cudart(one, other)
    )


def _crossings(objects: tuple[InteractingObject, ...], answers: Answers) -> Iterator[Crossing]:
    libraries = {each.name: each for each in reversed(objects)}
    owned = {(each.owner, each.name) for each in objects}
    special = _special(objects)
    provided = {each.name for each in objects if id(each.traits) in special}
    for user in objects:
        traits = user.traits
        if not traits.unprovided and id(traits) not in special and provided.isdisjoint(user.needed):
            continue  # neither it nor what it needs differs from the rest
        names = [name for name in user.needed if (user.owner, name) not in owned]
        linked = [libraries[name] for name in names if name in libraries]
        yield from _crossing(user, linked, _needed, answers)
        if traits.unprovided:
            yield from _crossing(user, objects, partial(_wanted, objects=objects), answers)


def _special(objects: Iterable[InteractingObject]) -> frozenset[int]:
    """The ids of those traits by which an object differs from the rest; many objects share one."""
    traits = {id(each.traits): each.traits for each in objects}
    return frozenset(n for n, each in traits.items() if each.hidden or each.has_private_abi)


def _crossing(
    user: InteractingObject,
    providers: Iterable[InteractingObject],
    names: Callable[[InteractingObject, Answers], frozenset[str]],
    answers: Answers,
) -> Iterator[Crossing]:
    foreign = [each for each in providers if _differ(user, each)]
    wanted = names(user, answers) if foreign else frozenset()
    for provider in foreign:
        symbols = tuple(sorted(answers.exported(provider.place, wanted)))
        if symbols:
            hides_cudart = differ_in_cudart(user, provider)
            kernels = _kernels(provider, symbols, answers) if hides_cudart else ()
            yield Crossing(user=user, provider=provider, symbols=symbols, kernels=kernels)


def _wanted(
    user: InteractingObject, answers: Answers, objects: Iterable[InteractingObject]
) -> frozenset[str]:
    """The symbols that it expects from an ``RTLD_GLOBAL`` library, without its own package's."""
    names = frozenset(user.traits.unprovided)
    for each in objects:
        if each.owner == user.owner:
            names -= answers.exported(each.place, names)
    return names


def _needed(user: InteractingObject, answers: Answers) -> frozenset[str]:
    """The C++ names that it needs, without the standard library's."""

    def names(elf: SparseElf) -> tuple[str, ...]:
        found = (each.name for each in elf.undefined())
        return tuple(n for n in found if n.startswith("_Z") and not belongs_to_libstdcxx(n))

    found = answers.ask(user.place, "C++ needed", (), names, NO_NAMES)
    return frozenset(found)


def _kernels(
    asked: InteractingObject, symbols: tuple[str, ...], answers: Answers
) -> tuple[str, ...]:
    """The kernels among some functions: those that the object registers with its libcudart.

    Registration is by name, so that the names are among its constants.
    """

    def registered(elf: SparseElf) -> tuple[str, ...]:
        constants = b"".join(read_constants(elf.image))
        return tuple(name for name in symbols if name.encode() + b"\0" in constants)

    return answers.ask(asked.place, "kernels", symbols, registered, NO_NAMES)


def _capsule_pointers(
    objects: tuple[InteractingObject, ...], answers: Answers
) -> Iterator[CapsulePointer]:
    named = [each for each in objects if each.traits.made or each.traits.opened]
    wanted = {name for each in named for name in (*each.traits.made, *each.traits.opened)}
    others = {each.path: _capsules(each, wanted, answers) for each in objects if wanted}
    for one in named:
        for other in objects:
            made, opened = others[other.path]
            if other.owner == one.owner or other.traits.strings == one.traits.strings == "old":
                continue
            for name in sorted(opened.intersection(one.traits.made)):
                yield CapsulePointer(maker=one, opener=other, name=name)
            for name in sorted(made.intersection(one.traits.opened)) if other not in named else ():
                yield CapsulePointer(maker=other, opener=one, name=name)


def _capsules(
    asked: InteractingObject, wanted: Collection[str], answers: Answers
) -> tuple[frozenset[str], frozenset[str]]:
    """The result of `capsules`, if the object has one of the names among its constants."""

    def names(elf: SparseElf) -> tuple[_Names, _Names]:
        table = elf.name_table(_LARGEST_TABLE)
        if table is None or b"PyCapsule_" not in table:
            return (), ()
        constants = b"".join(read_constants(elf.image))
        if not any(name.encode() + b"\0" in constants for name in wanted):
            return (), ()
        made, opened = capsules(elf)
        return tuple(made), tuple(opened)

    made, opened = answers.ask(asked.place, "capsules", wanted, names, (NO_NAMES, NO_NAMES))
    return frozenset(made), frozenset(opened)
