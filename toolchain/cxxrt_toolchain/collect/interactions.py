"""Where objects of different owners meet, if one of them has a runtime or a string of its own.

In: `Part`s, from an environment or a process. Out: `Meetings`. Files are read only where an object
is particular (see `Traces`) and another owner's can get hold of it: it needs its library, it counts
on its symbols, or both name the same capsule. An object that cannot be read again is passed over.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.answers import NO_NAMES
from cxxrt_toolchain.elf.sections import read_constants
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.interactions import (
    NO_MEETINGS,
    Crossing,
    Handover,
    Meetings,
    Part,
    differ_in_cudart,
    differ_in_libstdcxx,
    differ_in_strings,
)
from cxxrt_toolchain.facts.symbols import belongs_to_libstdcxx
from cxxrt_toolchain.facts.traits import capsules

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from cxxrt_toolchain.collect.answers import Answers
    from cxxrt_toolchain.elf.reader import SparseElf

_STDCXX, _CUDART = RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCUDART
_LARGEST_TABLE = 1 << 20
_Names = tuple[str, ...]


def meet(parts: Iterable[Part], answers: Answers) -> Meetings:
    """Find out who meets whom.

    Args:
        parts: Without the copies of runtimes. Of those with one name, an object finds its owner's
            own, else the first.
        answers: What their files answered before.
    """
    parts = tuple(parts)
    if not _special(parts):
        return NO_MEETINGS
    return Meetings(
        parts=parts,
        crossings=tuple(_crossings(parts, answers)),
        handovers=tuple(_handovers(parts, answers)),
    )


def _differ(one: Part, other: Part) -> bool:
    return one.owner != other.owner and (
        differ_in_libstdcxx(one, other)
        or differ_in_strings(one, other)
        or differ_in_cudart(one, other)
    )


def _crossings(parts: tuple[Part, ...], answers: Answers) -> Iterator[Crossing]:
    libraries = {each.name: each for each in reversed(parts)}
    owned = {(each.owner, each.name) for each in parts}
    special = _special(parts)
    provided = {each.name for each in parts if id(each.traces) in special}
    for user in parts:
        traces = user.traces
        if not traces.loose and id(traces) not in special and provided.isdisjoint(user.needed):
            continue  # neither it nor what it needs differs from the rest
        names = [name for name in user.needed if (user.owner, name) not in owned]
        linked = [libraries[name] for name in names if name in libraries]
        yield from _crossing(user, linked, _needed, answers)
        if traces.loose:
            yield from _crossing(user, parts, partial(_wanted, parts=parts), answers)


def _special(parts: Iterable[Part]) -> frozenset[int]:
    """The ids of those traces by which an object differs from the rest; many objects share one."""
    traces = {id(each.traces): each.traces for each in parts}
    return frozenset(n for n, each in traces.items() if each.hidden or each.is_particular)


def _crossing(
    user: Part,
    providers: Iterable[Part],
    names: Callable[[Part, Answers], frozenset[str]],
    answers: Answers,
) -> Iterator[Crossing]:
    foreign = [each for each in providers if _differ(user, each)]
    wanted = names(user, answers) if foreign else frozenset()
    for provider in foreign:
        symbols = tuple(sorted(answers.exported(provider.place, wanted)))
        if symbols:
            asked = differ_in_cudart(user, provider)
            kernels = _kernels(provider, symbols, answers) if asked else ()
            yield Crossing(user=user, provider=provider, symbols=symbols, kernels=kernels)


def _wanted(user: Part, answers: Answers, parts: Iterable[Part]) -> frozenset[str]:
    """What it counts on somebody for, and its own owner has not."""
    names = frozenset(user.traces.loose)
    for each in parts:
        if each.owner == user.owner:
            names -= answers.exported(each.place, names)
    return names


def _needed(user: Part, answers: Answers) -> frozenset[str]:
    """The C++ names that it needs and that are nobody's of the standard library."""

    def names(elf: SparseElf) -> tuple[str, ...]:
        found = (each.name for each in elf.undefined())
        return tuple(n for n in found if n.startswith("_Z") and not belongs_to_libstdcxx(n))

    found = answers.ask(user.place, "C++ needed", (), names, NO_NAMES)
    return frozenset(found)


def _kernels(part: Part, symbols: tuple[str, ...], answers: Answers) -> tuple[str, ...]:
    """The functions that the object registers with its libcudart, which it does by their names."""

    def registered(elf: SparseElf) -> tuple[str, ...]:
        constants = b"".join(read_constants(elf.image))
        return tuple(name for name in symbols if name.encode() + b"\0" in constants)

    return answers.ask(part.place, "kernels", symbols, registered, NO_NAMES)


def _handovers(parts: tuple[Part, ...], answers: Answers) -> Iterator[Handover]:
    named = [each for each in parts if each.traces.made or each.traces.opened]
    wanted = {name for each in named for name in (*each.traces.made, *each.traces.opened)}
    others = {each.path: _capsules(each, wanted, answers) for each in parts if wanted}
    for part in named:
        for other in parts:
            made, opened = others[other.path]
            if other.owner == part.owner or other.traces.strings == part.traces.strings == "old":
                continue
            for name in sorted(opened.intersection(part.traces.made)):
                yield Handover(maker=part, opener=other, name=name)
            for name in sorted(made.intersection(part.traces.opened)) if other not in named else ():
                yield Handover(maker=other, opener=part, name=name)


def _capsules(
    part: Part, wanted: Collection[str], answers: Answers
) -> tuple[frozenset[str], frozenset[str]]:
    """As `capsules`, for an object that has one of the names among its constants."""

    def names(elf: SparseElf) -> tuple[_Names, _Names]:
        table = elf.name_table(_LARGEST_TABLE)
        if table is None or b"PyCapsule_" not in table:
            return (), ()
        constants = b"".join(read_constants(elf.image))
        if not any(name.encode() + b"\0" in constants for name in wanted):
            return (), ()
        made, opened = capsules(elf)
        return tuple(made), tuple(opened)

    made, opened = answers.ask(part.place, "capsules", wanted, names, (NO_NAMES, NO_NAMES))
    return frozenset(made), frozenset(opened)
