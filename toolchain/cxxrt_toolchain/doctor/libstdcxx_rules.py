"""The rules about libstdc++ in an environment: too old, twice, brought along, captured.

In: `EnvironmentFacts`. Out: findings, unsorted. M1 to M3 are the mechanisms of the catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.audit.families import RuntimeFamily
from cxxrt_toolchain.audit.findings import Severity
from cxxrt_toolchain.doctor.diagnosis import Finding
from cxxrt_toolchain.doctor.environment_facts import LIBSTDCXX, newest, numbers
from cxxrt_toolchain.doctor.search import VARIABLE_STEPS
from cxxrt_toolchain.doctor.wording import ACTIVATE, INSTALL, listed, shortened, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.doctor.encoding import ObjectFacts
    from cxxrt_toolchain.doctor.environment_facts import EnvironmentFacts, Member

_ONCE = ("__once_proxy", "_ZSt11__once_call", "_ZSt15__once_callable")
_CALLS_ONCE = "GLIBCXX_3.4.11"
"""The version node of the three; whoever uses std::call_once or std::future needs it."""
_VERSIONED = ("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1")
_GLIBCXX = "GLIBCXX_"


def check_libstdcxx(facts: EnvironmentFacts) -> Iterator[Finding]:
    """Everything that this module knows."""
    yield from _too_old(facts)
    yield from _second_copies(facts)
    yield from _own_libstdcxx(facts)
    yield from _captures(facts)


def _company(facts: EnvironmentFacts, but: Member) -> list[Member]:
    """The other distributions that use the one libstdc++.so.6 of the process."""
    return [each for each in facts.members if each is not but and LIBSTDCXX in each.needed]


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
                _nowhere(member, name, lacking[""])
                if not served
                else _older(facts, member, name, lacking)
            )


def _missing(user: ObjectFacts, name: str, served: tuple[ObjectFacts, ...]) -> set[str]:
    """The version nodes that no library that it may get defines."""
    needed = {n.version for n in user.facts.version_needs if n.soname == name and not n.weak}
    lacks = [needed.difference(each.facts.version_definitions) for each in served]
    return min(lacks, key=len, default=set())


def _nowhere(member: Member, name: str, users: list[ObjectFacts]) -> Finding:
    return Finding(
        rule="CXXRT-D12",
        severity=Severity.ERROR if name == LIBSTDCXX else Severity.WARNING,
        message=f"{member.name} needs {name}, which the loader finds nowhere",
        culprits=(member.name,),
        victims=(member.name,),
        libraries=tuple(each.path for each in users[:5]),
        evidence=tuple(f"{each.path} needs {name}" for each in users[:3]),
        remedies=(INSTALL, ACTIVATE),
    )


def _older(
    facts: EnvironmentFacts, member: Member, name: str, lacking: dict[str, list[ObjectFacts]]
) -> Finding:
    worst = max(lacking, key=lambda node: (node.rpartition("_")[0], numbers(node, _prefix(node))))
    user = lacking[worst][0]
    found = facts.candidates[name][0] if facts.candidates.get(name) else None
    better = [
        each.path
        for each in facts.candidates.get(name, ())[1:]
        if worst in facts.outside[each.path].facts.version_definitions
    ]
    where = f"{found.path} (by {found.step.value})" if found else "the runtime wheel's"
    evidence = [
        f"{user.path} needs {worst} of {name}",
        f"{where} defines {newest(facts.served(member, name), _prefix(worst)) or 'older ones'}",
        *(f"{each} has it, but comes later in the search" for each in better[:1]),
    ]
    disturbed = found is not None and found.step in VARIABLE_STEPS and better
    vendored = facts.vendored(name)
    return Finding(
        rule="CXXRT-D1",
        severity=Severity.ERROR,
        message=f"{member.name} needs {worst}, and the {name} that it gets has no such version",
        culprits=() if disturbed else (member.name,),
        victims=(member.name,),
        libraries=tuple(
            dict.fromkeys(
                (*(each.path for each in lacking[worst][:4]), *([found.path] if found else []))
            )
        ),
        evidence=tuple(evidence),
        remedies=(
            f"Unset {found.step.value} or take the older {name} off it"
            if found is not None and disturbed
            else INSTALL,
            upgrade(member.name)
            if vendored is not None and worst not in vendored.facts.version_definitions
            else ACTIVATE,
        ),
    )


def _prefix(node: str) -> str:
    return node.rpartition("_")[0] + "_"


def _second_copies(facts: EnvironmentFacts) -> Iterator[Finding]:
    """H1 under another name, and H4: a whole second libstdc++ (mechanism M2)."""
    for member in facts.members:
        renamed = [
            each
            for each in member.copies(RuntimeFamily.LIBSTDCXX)
            if each.name != LIBSTDCXX and each.locale_ids
        ]
        static = [each for each in member.objects if RuntimeFamily.LIBSTDCXX in each.static]
        company = [each.name for each in _company(facts, member)]
        if LIBSTDCXX in member.needed:
            company.append(member.name)
        for rule, copies, what in (
            ("CXXRT-H1", renamed, "brings a private libstdc++"),
            ("CXXRT-H4", static, "has a libstdc++ linked in and exports it"),
        ):
            if copies:
                yield _second(facts, member, copies, company, rule, what)


def _second(
    facts: EnvironmentFacts,
    member: Member,
    copies: list[ObjectFacts],
    company: list[str],
    rule: str,
    what: str,
) -> Finding:
    harmless = facts.activated or not company
    if facts.activated:
        message = f"{member.name} {what}; the shared runtime is loaded before it and serves it"
    elif company:
        message = (
            f"{member.name} {what} beside the process's: whichever is used second prints empty "
            "numbers or crashes"
        )
    else:
        message = f"{member.name} {what}; no other package here uses C++"
    return Finding(
        rule=rule,
        severity=Severity.INFO if harmless else Severity.ERROR,
        message=message,
        culprits=(member.name,),
        victims=() if harmless else tuple(sorted(company)),
        libraries=tuple(each.path for each in copies[:5]),
        evidence=tuple(
            f"{each.path} is {each.name} and exports {each.locale_ids[0]}"
            if each.copy_of
            else f"{each.path} exports {each.locale_ids[0]}"
            for each in copies[:3]
        ),
        remedies=(
            f"{INSTALL}, then {ACTIVATE}",
            f"cxxrt repair the wheel of {member.name}",
        ),
    )


def _own_libstdcxx(facts: EnvironmentFacts) -> Iterator[Finding]:
    """D2: the same SONAME in a package; whichever is loaded first serves the whole process."""
    default = facts.libstdcxx
    for member in facts.members:
        for copy in member.copies(RuntimeFamily.LIBSTDCXX):
            if copy.name != LIBSTDCXX:
                continue
            after = {
                each.name: node
                for each in _company(facts, member)
                if (node := _highest(each, (copy,))) and not facts.activated
            }
            served = facts.served(member, LIBSTDCXX)
            before = _highest(member, served) if default is not None or facts.activated else ""
            yield _order(member, copy, after, before, served)


def _highest(member: Member, served: tuple[ObjectFacts, ...]) -> str:
    """The highest version that a distribution needs and does not get; empty for none."""
    nodes = {n for user in member.users(LIBSTDCXX) for n in _missing(user, LIBSTDCXX, served)}
    return max(nodes, key=lambda node: numbers(node, _prefix(node)), default="")


def _order(
    member: Member,
    copy: ObjectFacts,
    after: dict[str, str],
    before: str,
    served: tuple[ObjectFacts, ...],
) -> Finding:
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
        severity=Severity.WARNING if after or before else Severity.INFO,
        message=message,
        culprits=(member.name,),
        victims=tuple(sorted(after)) or ((member.name,) if before else ()),
        libraries=(copy.path, *(each.path for each in served)),
        evidence=tuple(shortened(evidence)),
        remedies=(f"{INSTALL}, then {ACTIVATE}", f"cxxrt repair the wheel of {member.name}"),
    )


def _captures(facts: EnvironmentFacts) -> Iterator[Finding]:
    """H8 (mechanism M1): only what is proven to crash, ``std::call_once``, is an error."""
    for member in facts.members:
        capturing = [
            each
            for each in member.objects
            if each.captures and not each.facts.version_definitions and LIBSTDCXX in member.needed
        ]
        names = sorted({name for each in capturing for name in each.captures})
        if not names:
            continue
        once = any(name in _ONCE for name in names)
        company = [
            each.name
            for each in _company(facts, member)
            if not once or any(_calls_once(user) for user in each.users(LIBSTDCXX))
        ]
        if facts.activated or not company:
            severity = Severity.INFO
        else:
            severity = Severity.ERROR if once else Severity.WARNING
        yield Finding(
            rule="CXXRT-H8",
            severity=severity,
            message=f"{member.name} exports symbols that libstdc++ looks up by name; imported "
            "before anything else that uses C++, it takes them over",
            culprits=(member.name,),
            victims=() if severity is Severity.INFO else tuple(company),
            libraries=tuple(each.path for each in capturing[:5]),
            evidence=tuple(
                f"{each.path} exports {', '.join(each.captures[:3])}" for each in capturing[:3]
            ),
            remedies=(
                f"{INSTALL}, then {ACTIVATE}",
                f"Import another package that uses C++ before {member.name}",
            ),
        )


def _calls_once(user: ObjectFacts) -> bool:
    return any(
        need.version == _CALLS_ONCE and need.soname == LIBSTDCXX
        for need in user.facts.version_needs
    )
