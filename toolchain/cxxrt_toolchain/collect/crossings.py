"""Symbols that packages need of each other's libraries, and that these lack.

Symbols are looked up by name; the whole table of an object is read only if something is missing. An
object that cannot be read is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.answers import NO_NAMES, Answers
from cxxrt_toolchain.elf.facts import Binding
from cxxrt_toolchain.facts.families import LIBSTDCXX
from cxxrt_toolchain.facts.members import Member, MissingSymbols, StringConflict
from cxxrt_toolchain.facts.symbols import spells_old_string
from cxxrt_toolchain.facts.traits import names_with

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.reader import SparseElf
    from cxxrt_toolchain.facts.objects import ObjectFacts

_NEW = "NSt7__cxx1112basic_stringI"
_TAG = "B5cxx11"
_OLD = "Ss"
_LARGEST_TABLE = 128 << 20


def differing_builds(members: Iterable[Member], answers: Answers) -> Iterator[MissingSymbols]:
    """Symbols of a package's own build of a library that another package's build lacks.

    Two packages bring a library of one SONAME and use their own; the one that is loaded first
    serves both. Only a symbol that is then missing proves that this breaks something.
    """
    brought: dict[str, list[tuple[Member, ObjectFacts]]] = {}
    for member in members:
        for each in member.objects:
            soname = each.facts.soname
            if soname and each.copy_of is None and soname in member.needed:
                brought.setdefault(soname, []).append((member, each))
    for name, places in sorted(brought.items()):
        for member, mine in places:
            for other, theirs in places:
                if other is not member and not _same_build(mine, theirs):
                    yield from _lost(member, name, (mine, theirs), answers)


def string_conflicts(members: Iterable[Member], answers: Answers) -> Iterator[StringConflict]:
    """Functions that one package needs with one ``std::string`` and another exports with the other.

    Reported if the object needs a library of the other package, and none of the libraries that it
    needs, directly or through others, exports the function in its spelling; or if it needs no
    library that could export the function, and no object exports it in its spelling.
    """
    members = tuple(members)
    yield from _unprovided_conflicts(members, answers)
    libraries = {each.name: (member, each) for member in members for each in member.objects}
    for member in members:
        for user in member.users(LIBSTDCXX):
            foreign = [
                found[1]
                for name in user.facts.needed
                if (found := libraries.get(name)) is not None and found[0] is not member
            ]
            if foreign:
                yield from _conflicts(user, foreign, libraries, answers)


def _conflicts(
    user: ObjectFacts,
    foreign: list[ObjectFacts],
    libraries: Mapping[str, tuple[Member, ObjectFacts]],
    answers: Answers,
) -> Iterator[StringConflict]:
    wanted = set(answers.ask(user.path, "strings needed", (), _strings_needed, NO_NAMES))
    for each in _closure(user, libraries):
        wanted -= answers.exported(each.path, wanted)
        if not wanted:
            return
    yield from _spelled_otherwise(user, foreign, wanted, answers)


def _unprovided_conflicts(
    members: tuple[Member, ...], answers: Answers
) -> Iterator[StringConflict]:
    """The conflicts of objects that rely on something loaded ``RTLD_GLOBAL``."""
    for member in members:
        for user in member.objects:
            wanted = set(filter(_spelling, user.traits.unprovided))
            for each in (each for other in members for each in other.objects) if wanted else ():
                wanted -= answers.exported(each.path, wanted)
            if wanted:
                foreign = [
                    each for other in members if other is not member for each in other.objects
                ]
                yield from _spelled_otherwise(user, foreign, wanted, answers)


def _spelled_otherwise(
    user: ObjectFacts, libraries: Iterable[ObjectFacts], wanted: set[str], answers: Answers
) -> Iterator[StringConflict]:
    """One function for each library that exports such a function in the other spelling."""
    for library in libraries:
        find = partial(_other_spelling, wanted=wanted)
        found = answers.ask(library.path, "spelled otherwise", wanted, find, None)
        if found is not None:
            needed, provided = found
            yield StringConflict(
                consumer=user.path, provider=library.path, needed=needed, provided=provided
            )


def _other_spelling(elf: SparseElf, wanted: Iterable[str]) -> tuple[str, str] | None:
    """A wanted function and its other spelling, if the object exports that; else None.

    The names are searched as text: of hundreds of thousands, a few have strings.
    """
    table = elf.name_table(_LARGEST_TABLE) or b""
    for is_new, mark in ((True, b"Ss"), (False, b"cxx11")):
        starts = {_start(name): name for name in sorted(wanted) if _is_new(name) is is_new}
        spelled = {
            other: starts[start]
            for other in (names_with(table, mark) if starts else ())
            if _spelling(other)
            and _is_new(other) is not is_new
            and (start := _start(other)) in starts
        }
        for other in sorted(elf.exports(spelled)):
            return spelled[other], other
    return None


def _closure(
    user: ObjectFacts, libraries: Mapping[str, tuple[Member, ObjectFacts]]
) -> Iterator[ObjectFacts]:
    """The packages' libraries that an object needs, directly or through others, breadth first."""
    seen: set[str] = set()
    row = [user]
    while row:
        names = [n for each in row for n in each.facts.needed if n in libraries and n not in seen]
        seen.update(names)
        row = [libraries[name][1] for name in dict.fromkeys(names)]
        yield from row


def _spelling(name: str) -> bool:
    return name.startswith("_Z") and (_is_new(name) or spells_old_string(name))


def _is_new(name: str) -> bool:
    return _NEW in name or _TAG in name


def _start(name: str) -> str:
    """The name up to its first ``std::string``: the same in both spellings.

    The name of a function that returns a new string has an ABI tag, too.
    """
    if _is_new(name):
        return name.replace(_TAG, "").partition(_NEW)[0]
    return name.partition(_OLD)[0] if spells_old_string(name) else name


def _lost(
    member: Member, name: str, builds: tuple[ObjectFacts, ObjectFacts], answers: Answers
) -> Iterator[MissingSymbols]:
    mine, theirs = builds
    for user in member.users(name):
        needed = answers.ask(user.path, "needed", (), _needed, NO_NAMES)
        used = answers.exported(mine.path, needed)
        lacking = _lacking(theirs.path, used, answers)
        if lacking:
            yield MissingSymbols(consumer=user.path, provider=theirs.path, symbols=lacking)
            return


def _same_build(one: ObjectFacts, other: ObjectFacts) -> bool:
    if one.facts.build_id and other.facts.build_id:
        return one.facts.build_id == other.facts.build_id
    return one.size == other.size


def _strings_needed(elf: SparseElf) -> tuple[str, ...]:
    return tuple(filter(_spelling, _needed(elf)))


def _needed(elf: SparseElf) -> tuple[str, ...]:
    """The undefined symbols of an object, without weak ones, which may stay undefined."""
    return tuple(each.name for each in elf.undefined() if each.binding is not Binding.WEAK)


def _lacking(path: str, names: Iterable[str], answers: Answers) -> tuple[str, ...]:
    wanted = frozenset(names)
    return tuple(sorted(wanted - answers.exported(path, wanted))) if wanted else ()
