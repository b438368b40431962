"""Rules D14 and D30: one library, or one .proto file, that several packages carry."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.needs.protos import shared_libprotobuf
from cxxrt_toolchain.rules.rule import Finding, error, note, rule
from cxxrt_toolchain.wording import listed

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.objects import ObjectFacts

OWNER = (
    "Put the generated code into a shared library that one package owns and the others link",
    "Or generate it with option optimize_for = LITE_RUNTIME, which registers nothing",
)
"""What upstream advises where one .proto file is compiled into several libraries."""
_GRAFTED = re.compile(r"(?:-[0-9a-f]{8})+(?=\.so)")
"""The hash that repair tools put into the name of a library that they copy into a wheel."""
_SHOWN = 5
_MEGABYTE = 1_000_000


@rule("CXXRT-D14", "One library in several packages", on=(EnvironmentFacts,))
def duplicates(env: EnvironmentFacts) -> Iterator[Finding]:
    """What sharing would save, of grafted libraries and of those that a distribution brings."""
    rows = [(_spare(copies), stem, copies) for stem, copies in _copies(env).items()]
    rows = sorted((row for row in rows if row[0] >= _MEGABYTE), key=lambda row: (-row[0], row[1]))
    if not rows:
        return
    saved = sum(row[0] for row in rows)
    shown = [
        f"{stem} in {listed(sorted(copies))} ({spare / _MEGABYTE:.0f} MB)"
        for spare, stem, copies in rows[:_SHOWN]
    ]
    more = f", and {len(rows) - _SHOWN} others" if len(rows) > _SHOWN else ""
    yield note(
        f"{saved / _MEGABYTE:.0f} MB are further copies of libraries that several packages carry, "
        f"each with its own state: {', '.join(shown)}{more}",
        libraries=tuple(each.path for _, _, copies in rows for each in copies.values()),
        evidence=tuple(
            f"{each.path} has {each.size} bytes"
            for _, _, copies in rows[:_SHOWN]
            for each in copies.values()
        ),
        remedies=tuple(_remedies(rows[:_SHOWN])),
    )


@rule("CXXRT-D30", "A .proto file that several packages register", on=(EnvironmentFacts,))
def registered_twice(env: EnvironmentFacts) -> Iterator[Finding]:
    """Generated code of one file in objects of several packages that share a libprotobuf."""
    users: dict[tuple[str, str], list[ObjectFacts]] = defaultdict(list)
    for each in env.packaged():
        for name in each.protos:
            users[shared_libprotobuf(each.facts), name].append(each)
    for (library, name), objects in sorted(users.items()):
        packages = sorted({env.package_of(each.path) or each.path for each in objects})
        if len(packages) > 1:
            yield error(
                f"{name} is compiled into {listed(packages)}, which share {library}; "
                "a process that imports both ends",
                culprits=tuple(packages),
                libraries=tuple(each.path for each in objects),
                evidence=tuple(f"{each.path} has the descriptor of {name}" for each in objects),
                remedies=OWNER,
            )


def _copies(env: EnvironmentFacts) -> dict[str, dict[str, ObjectFacts]]:
    """Name of a library to the packages that carry it, each with its largest file of that name."""
    found: dict[str, dict[str, ObjectFacts]] = defaultdict(dict)
    grafted = set()
    for member in env.members:
        for each in member.objects:
            stem, mangled = _GRAFTED.subn("", _file(each))
            stem = stem.partition(".so")[0]
            if each.copy_of is None and stem.startswith("lib"):
                known = found[stem].setdefault(member.name, each)
                found[stem][member.name] = max(known, each, key=lambda copy: copy.size)
                grafted |= {stem} if mangled else set()
    return {stem: found[stem] for stem in found if stem in grafted and len(found[stem]) > 1}


def _spare(copies: dict[str, ObjectFacts]) -> int:
    """Bytes beyond the largest copy."""
    sizes = [each.size for each in copies.values()]
    return sum(sizes) - max(sizes)


def _remedies(rows: list[tuple[int, str, dict[str, ObjectFacts]]]) -> Iterator[str]:
    """For libraries with a row: repaired wheels take them from one distribution."""
    from cxxrt_toolchain.abi.provider import provided_copy

    for _, stem, copies in rows:
        names = [name for each in copies.values() for name in (each.name, _file(each))]
        if row := provided_copy(*names):
            users = listed(sorted(copies))
            yield f"'cxxrt repair' makes wheels of {users} that take {stem} from {row.distribution}"


def _file(found: ObjectFacts) -> str:
    return found.path.rpartition("/")[2]
