"""The rules about runtime libraries that are missing or too old for a package: D1, D2, D12.

In: `EnvironmentFacts`. Out: findings, unsorted. Too old is mechanism M3 of the catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import LIBSTDCXX, newest, numbers
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.installed import VARIABLE_STEPS
from cxxrt_toolchain.facts.libraries import RUNTIME_DISTRIBUTION
from cxxrt_toolchain.rules.remedies import ACTIVATE, libstdcxx_first, upgrade
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.wording import listed, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.facts.environment import EnvironmentFacts, Member
    from cxxrt_toolchain.facts.objects import ObjectFacts

_ONCE = ("__once_proxy", "_ZSt11__once_call", "_ZSt15__once_callable")
_CALLS_ONCE = "GLIBCXX_3.4.11"
"""The version node of the three; whoever uses std::call_once or std::future needs it."""
_VERSIONED = ("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1")
_GLIBCXX = "GLIBCXX_"


def check_age(facts: EnvironmentFacts) -> Iterator[Finding]:
    """Everything that this module knows."""
    yield from _too_old(facts)
    yield from _own_libstdcxx(facts)


def _too_old(facts: EnvironmentFacts) -> Iterator[Finding]:
    """D1 and D12."""
    for member in facts.members:
        for name in _VERSIONED:
            served = facts.served(member, name)
            lacking: dict[str, list[ObjectFacts]] = {}
            for user in member.users(name):
                if (user.path, name) in facts.own:
                    continue  # it brings one: D2
                if not served:
                    lacking.setdefault("", []).append(user)
                for node in _missing(user, name, served):
                    lacking.setdefault(node, []).append(user)
            if not lacking:
                continue
            yield (
                _nowhere(facts, member, name, lacking[""])
                if not served
                else _older(facts, member, name, lacking)
            )


def _missing(user: ObjectFacts, name: str, served: tuple[ObjectFacts, ...]) -> set[str]:
    """The version nodes that no library that it may get defines."""
    needed = {n.version for n in user.facts.version_needs if n.soname == name and not n.weak}
    lacks = [needed.difference(each.facts.version_definitions) for each in served]
    return min(lacks, key=len, default=set())


def _nowhere(
    facts: EnvironmentFacts, member: Member, name: str, users: list[ObjectFacts]
) -> Finding:
    return Finding(
        rule="CXXRT-D12",
        severity=Severity.ERROR if name == LIBSTDCXX else Severity.WARNING,
        message=f"{member.name} needs {name}, which the loader finds nowhere",
        culprits=(member.name,),
        victims=(member.name,),
        libraries=tuple(each.path for each in users[:5]),
        evidence=tuple(f"{each.path} needs {name}" for each in users[:3]),
        remedies=(
            libstdcxx_first(facts.environment.interpreter.python, ""),
            f"Install {name} with the system's package manager",
        ),
    )


def _older(
    facts: EnvironmentFacts, member: Member, name: str, lacking: dict[str, list[ObjectFacts]]
) -> Finding:
    worst = max(lacking, key=lambda node: (_prefix(node), numbers(node, _prefix(node))))
    user = lacking[worst][0]
    found = next(iter(facts.candidates.get(name, ())), None)
    better = [
        each.path
        for each in facts.candidates.get(name, ())[1:]
        if worst in facts.outside[each.path].facts.version_definitions
    ]
    where = f"{found.path} (by {found.step.value})" if found else "the runtime wheel's"
    newest_here = newest(facts.served(member, name), _prefix(worst)) or "no such versions"
    variable = found.step.value if found and better and found.step in VARIABLE_STEPS else ""
    places = [each.path for each in lacking[worst][:4]] + ([found.path] if found else [])
    return Finding(
        rule="CXXRT-D1",
        severity=Severity.ERROR,
        message=f"{member.name} needs {worst}, and the {name} that it gets has no such version",
        culprits=() if variable else (member.name,),
        victims=(member.name,),
        libraries=tuple(places),
        evidence=(
            f"{user.path} needs {worst} of {name}",
            f"{where} defines {newest_here}",
            *(f"{each} has it, but comes later in the search" for each in better[:1]),
        ),
        remedies=_newer(facts, member, name, worst, variable),
    )


def _newer(
    facts: EnvironmentFacts, member: Member, name: str, worst: str, variable: str
) -> tuple[str, ...]:
    """How a package gets a newer library."""
    vendored = facts.vendored(name)
    if variable:
        first = f"Unset {variable}, or take the older {name} off it"
    elif vendored is None:
        first = libstdcxx_first(facts.environment.interpreter.python, "")
    elif worst in vendored.facts.version_definitions:
        first = ACTIVATE
    else:
        first = upgrade(RUNTIME_DISTRIBUTION)
    return (first, f"Install a release of {member.name} for older systems")


def _prefix(node: str) -> str:
    return node.rpartition("_")[0] + "_"


def _own_libstdcxx(facts: EnvironmentFacts) -> Iterator[Finding]:
    """D2: the same SONAME in a package; whichever is loaded first serves the whole process."""
    default = facts.libstdcxx
    for member in facts.members:
        for copy in member.copies(RuntimeFamily.LIBSTDCXX):
            if copy.name != LIBSTDCXX:
                continue
            after = {
                each.name: node
                for each in facts.other_cxx_users(member)
                if (node := _highest(each, (copy,))) and not facts.activated
            }
            served = facts.served(member, LIBSTDCXX)
            before = _highest(member, served) if default is not None or facts.activated else ""
            yield _order(facts, member, copy, after, before)


def _highest(member: Member, served: tuple[ObjectFacts, ...]) -> str:
    """The highest version that a distribution needs and does not get; empty for none."""
    nodes = {n for user in member.users(LIBSTDCXX) for n in _missing(user, LIBSTDCXX, served)}
    return max(nodes, key=lambda node: numbers(node, _prefix(node)), default="")


def _order(
    facts: EnvironmentFacts,
    member: Member,
    copy: ObjectFacts,
    after: dict[str, str],
    before: str,
) -> Finding:
    served = facts.served(member, LIBSTDCXX)
    own = newest((copy,), _GLIBCXX)
    evidence = [f"{copy.path} defines {own}"]
    evidence += [f"{each.path} defines {newest((each,), _GLIBCXX)}" for each in served]
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
        rule="CXXRT-D2",
        severity=Severity.WARNING if after or before else Severity.NOTE,
        message=message,
        culprits=(member.name,),
        victims=tuple(sorted(after)) or ((member.name,) if before else ()),
        libraries=(copy.path, *(each.path for each in served)),
        evidence=tuple(shortened(evidence)),
        remedies=facts.remedies(f"cxxrt repair the wheel of {member.name}"),
    )
