"""Rules about libraries that are missing or too old for a package: D1, D2, D8, D12 and L104.

M3 (too old) is a mechanism of the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.families import LIBSTDCXX, RuntimeFamily
from cxxrt_toolchain.facts.installed import VARIABLE_STEPS
from cxxrt_toolchain.facts.libraries import RUNTIME_DISTRIBUTION, Origin, newest, numbers
from cxxrt_toolchain.facts.process import ProcessView, names_of
from cxxrt_toolchain.rules.remedies import (
    ACTIVATE,
    INSTALL,
    RUN,
    newer_runtime,
    repaired,
    runtime_first,
    upgrade,
    without,
)
from cxxrt_toolchain.rules.rule import Finding, Severity, error, note, rule, warning
from cxxrt_toolchain.wording import listed, shortened

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.members import Member
    from cxxrt_toolchain.facts.objects import ObjectFacts

_VERSIONED = (LIBSTDCXX, "libgcc_s.so.1", "libgomp.so.1")
_GLIBCXX = "GLIBCXX_"
_GLIBC = "GLIBC_"


@rule("CXXRT-D1", "A package needs a newer runtime library than it gets", on=(EnvironmentFacts,))
def too_old(env: EnvironmentFacts) -> Iterator[Finding]:
    """No library that may serve the package defines a version that it needs (M3)."""
    for member in env.members:
        for name in _VERSIONED:
            lacking: dict[str, ObjectFacts] = {}
            served = env.served(member, name)
            for user in _users(env, member, name) if served else ():
                for node in _missing(user, name, served):
                    lacking.setdefault(node, user)
            if lacking:
                yield _older(env, member, name, lacking)


@rule("CXXRT-D12", "A runtime library is nowhere to be found", on=(EnvironmentFacts,))
def absent(env: EnvironmentFacts) -> Iterator[Finding]:
    """Neither the machine nor the package nor the runtime wheel has the library."""
    for member in env.members:
        for name in _VERSIONED:
            users = () if env.served(member, name) else tuple(_users(env, member, name))
            if users:
                yield Finding(
                    severity=Severity.ERROR if name == LIBSTDCXX else Severity.WARNING,
                    message=f"{member.name} needs {name}, which the loader does not find",
                    culprits=(member.name,),
                    victims=(member.name,),
                    libraries=tuple(each.path for each in users[:5]),
                    evidence=tuple(f"{each.path} needs {name}" for each in users[:3]),
                    remedies=(
                        *runtime_first(env),
                        f"Install {name} with the system's package manager",
                    ),
                )


def _users(env: EnvironmentFacts, member: Member, name: str) -> Iterable[ObjectFacts]:
    """The objects that need a library and have no own copy of it, which is a matter of D2."""
    early = env.early(name)
    return (user for user in member.users(name) if early or (user.path, name) not in env.own)


def _missing(user: ObjectFacts, name: str, served: tuple[ObjectFacts, ...]) -> set[str]:
    """The needed version nodes that the best of the libraries does not define."""
    needed = {n.version for n in user.facts.version_needs if n.soname == name and not n.weak}
    lacks = [needed.difference(each.facts.version_definitions) for each in served]
    return min(lacks, key=len, default=set())


def _older(
    env: EnvironmentFacts, member: Member, name: str, lacking: dict[str, ObjectFacts]
) -> Finding:
    worst = max(lacking, key=lambda node: (_prefix(node), numbers(node, _prefix(node))))
    user = lacking[worst]
    places = env.candidates.get(name, ())
    found = next(iter(places), None)
    better = [
        each.path
        for each in places[1:]
        if worst in env.outside[each.path].facts.version_definitions
    ]
    where = f"{found.path} (by {found.step.value})" if found else "the runtime wheel's"
    early = env.early(name)
    preload, by = env.loads.preloaded.get(early, ("", ""))
    if not any(worst in e.facts.version_definitions for e in env.served_later(member, name)):
        preload = ""  # it would be missing without it, too
    if early:
        why = f"{preload} needs it" if preload != early else "it is named there"
        where = f"{early}, which every process starts with"
        where += f" because of {by} ({why})," if preload else ","
    newest_here = _newest(env.served(member, name), _prefix(worst)) or "no such versions"
    variable = found.step.value if found and better and found.step in VARIABLE_STEPS else ""
    if preload:
        variable = by
    return error(
        f"{member.name} needs {worst}, which the {name} that it gets does not define",
        culprits=() if variable else (member.name,),
        victims=(member.name,),
        libraries=tuple(filter(None, (user.path, early or (found.path if found else ""), preload))),
        evidence=(
            f"{user.path} needs {worst} of {name}",
            f"{where} defines {newest_here}",
            *(f"{each} defines it, but comes later in the search" for each in better[:1]),
        ),
        remedies=_newer(env, member, name, worst, variable, preload),
    )


def _newer(
    env: EnvironmentFacts, member: Member, name: str, worst: str, variable: str, preload: str
) -> tuple[str, ...]:
    vendored = env.vendored(name)
    first: tuple[str, ...]
    if preload:
        first = _before(env, name, worst, preload, variable)
    elif variable:
        first = (without(variable, f"the older {name}"),)
    elif vendored and worst in vendored.facts.version_definitions:
        first = (ACTIVATE,)
    else:
        first = (newer_runtime(name, worst),)
        if vendored is None and first[0] == upgrade(RUNTIME_DISTRIBUTION):
            first = runtime_first(env)
    return (*first, f"Install a release of {member.name} for older systems")


def _before(env: EnvironmentFacts, name: str, worst: str, preload: str, by: str) -> tuple[str, ...]:
    """What comes before a preloaded library, or instead of it."""
    vendored, remove = env.vendored(name), without(by, preload)
    install = "" if vendored else f"{INSTALL} && "
    if not (vendored and worst in vendored.facts.version_definitions):
        newer = newer_runtime(name, worst)
        if newer != upgrade(RUNTIME_DISTRIBUTION):
            return (newer, remove)
        install = f"{newer} && " if vendored else install
    place = f"LD_PRELOAD={vendored.path}:{preload}" if vendored and not install else ""
    run = f"{install}{RUN}"
    return (run, *([f"Start Python with {place}"] if place else []), remove)


def _newest(objects: tuple[ObjectFacts, ...], prefix: str) -> str:
    return newest((node for e in objects for node in e.facts.version_definitions), prefix)


def _prefix(node: str) -> str:
    return node.rpartition("_")[0] + "_"


@rule("CXXRT-D2", "A package brings its own libstdc++.so.6", on=(EnvironmentFacts,))
def own_libstdcxx(env: EnvironmentFacts) -> Iterator[Finding]:
    """Of two libraries with one SONAME the one that is loaded first serves the whole process."""
    for member in env.members:
        for copy in member.copies(RuntimeFamily.LIBSTDCXX):
            if copy.name == LIBSTDCXX:
                after = {
                    each.name: node
                    for each in env.other_cxx_users(member)
                    if (node := _highest(each, (copy,))) and not env.activated
                }
                served = env.served(member, LIBSTDCXX)
                yield _order(env, member, copy, after, _highest(member, served) if served else "")


def _highest(member: Member, served: tuple[ObjectFacts, ...]) -> str:
    """The highest version that a distribution needs and does not get; empty for none."""
    nodes = {n for user in member.users(LIBSTDCXX) for n in _missing(user, LIBSTDCXX, served)}
    return max(nodes, key=lambda node: numbers(node, _prefix(node)), default="")


def _order(
    env: EnvironmentFacts, member: Member, copy: ObjectFacts, after: dict[str, str], before: str
) -> Finding:
    served = env.served(member, LIBSTDCXX)
    own = _newest((copy,), _GLIBCXX)
    evidence = [f"{copy.path} defines {own}"]
    evidence += [f"{each.path} defines {_newest((each,), _GLIBCXX)}" for each in served]
    evidence += [f"{name} needs {node}" for name, node in sorted(after.items())]
    if before:
        evidence.append(f"{member.name} needs {before}")
    if after:
        message = f"{member.name} brings an older libstdc++; imported first, it breaks " + listed(
            sorted(after)
        )
    elif before:
        message = f"{member.name} brings a newer libstdc++ and works only if it is imported first"
    else:
        message = f"{member.name} brings a libstdc++.so.6; the first one that is loaded serves all"
    return Finding(
        severity=Severity.WARNING if after or before else Severity.NOTE,
        message=message,
        culprits=(member.name,),
        victims=tuple(sorted(after)) or ((member.name,) if before else ()),
        libraries=(copy.path, *(each.path for each in served)),
        evidence=shortened(evidence),
        # Repaired, it gets the runtime's, unless what is imported before has loaded an older one.
        remedies=(*runtime_first(env), *([] if before else [repaired(env, member.name)])),
    )


@rule("CXXRT-D8", "A package needs a newer glibc", on=(EnvironmentFacts,))
def old_glibc(env: EnvironmentFacts) -> Iterator[Finding]:
    """An object needs a version of glibc that the interpreter's glibc does not have."""
    glibc = env.environment.interpreter.glibc
    here = numbers(_GLIBC + glibc, _GLIBC)
    for member in env.members if here else ():
        floors = [
            (numbers(need.version, _GLIBC), each.path)
            for each in member.objects
            for need in each.facts.version_needs
            if not need.weak
        ]
        floor, path = max(floors, key=lambda row: row[0], default=((), ""))
        if floor > here:
            needed = ".".join(map(str, floor))
            yield error(
                f"{member.name} needs glibc {needed}; this machine has {glibc}",
                culprits=(member.name,),
                victims=(member.name,),
                libraries=(path,),
                evidence=(f"{path} needs GLIBC_{needed}",),
                remedies=(
                    f"Install an older {member.name}, or one that is built for this machine",
                    "Use a newer distribution or container",
                ),
            )


@rule("CXXRT-L104", "An older libstdc++ was loaded first", on=(ProcessView,))
def older_first(view: ProcessView) -> Iterator[Finding]:
    """A warning if a newer copy was loaded later, else a note that names the one in use (M3)."""
    copies = [each for each in view.of_family(RuntimeFamily.LIBSTDCXX) if each.soname == LIBSTDCXX]
    if not copies or not copies[0].version:
        return
    first = copies[0]
    bringer = view.bringer(first)
    by = f", brought by {bringer}" if bringer else ""
    by += f" of {view.label(bringer)}" if view.package_of(bringer) else ""
    highest = max((each.version for each in copies), key=_number)
    if _number(first.version) < _number(highest):
        yield warning(
            f"{first.path} ({first.version}) was loaded first{by}; packages that need "
            f"versions up to {highest} fail to import or get another copy",
            culprits=names_of(view, [first.path]) or names_of(view, [bringer] if bringer else []),
            libraries=tuple(path for path in (first.path, bringer) if path),
            remedies=runtime_first(view),
        )
    elif first.origin is not Origin.RUNTIME:
        installed = view.runtime_version
        older = _number(first.version) < _number(installed)
        yield note(
            f"The process's libstdc++ is {first.path} ({first.version}){by}"
            + (f"; the installed runtime has {installed}" if older else ""),
            libraries=(first.path,),
            remedies=runtime_first(view) if older else (),
        )


def _number(node: str) -> tuple[int, ...]:
    return numbers(node, _GLIBCXX)
