"""The rules about a libstdc++ that is there twice or captured: H1, H4 and H8 in company.

In: `EnvironmentFacts`. Out: findings, unsorted. M1 and M2 are mechanisms of the catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import LIBSTDCXX
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.rules.rule import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.facts.environment import EnvironmentFacts, Member
    from cxxrt_toolchain.facts.objects import ObjectFacts

_ONCE = ("__once_proxy", "_ZSt11__once_call", "_ZSt15__once_callable")
_CALLS_ONCE = "GLIBCXX_3.4.11"
"""The version node of the three; whoever uses std::call_once or std::future needs it."""
_VERSIONED = ("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1")
_GLIBCXX = "GLIBCXX_"


def check_libstdcxx(facts: EnvironmentFacts) -> Iterator[Finding]:
    """Everything that this module knows."""
    yield from _second_copies(facts)
    yield from _captures(facts)


def _second_copies(facts: EnvironmentFacts) -> Iterator[Finding]:
    """H1 under another name, and H4: a whole second libstdc++ (mechanism M2)."""
    for member in facts.members:
        renamed = [
            each
            for each in member.copies(RuntimeFamily.LIBSTDCXX)
            if each.name != LIBSTDCXX and each.locale_ids
        ]
        static = [each for each in member.objects if RuntimeFamily.LIBSTDCXX in each.static]
        company = [each.name for each in facts.other_cxx_users(member)]
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
        severity=Severity.NOTE if harmless else Severity.ERROR,
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
        remedies=facts.remedies(
            f"cxxrt repair the wheel of {member.name}"
            if rule == "CXXRT-H1"
            else f"have {member.name} rebuilt without -static-libstdc++, which no edit can undo"
        ),
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
        needed = frozenset(name for other in facts.members for name in other.needed)

        def loaded(each: ObjectFacts, needed: frozenset[str] = needed) -> bool:
            """Not one of the libraries that a user asks for, to be preloaded or linked."""
            return each.name in needed or not each.name.startswith("lib")

        if not names:
            continue
        once = any(name in _ONCE for name in names)
        company = [
            each.name
            for each in facts.other_cxx_users(member)
            if not once or any(_calls_once(user) for user in each.users(LIBSTDCXX))
        ]
        if facts.activated or not company:
            severity = Severity.NOTE
        elif once:
            severity = Severity.ERROR
        else:
            severity = Severity.WARNING if any(map(loaded, capturing)) else Severity.NOTE
        yield Finding(
            rule="CXXRT-H8",
            severity=severity,
            message=f"{member.name} exports symbols that libstdc++ looks up by name; imported "
            "before anything else that uses C++, it takes them over",
            culprits=(member.name,),
            victims=() if severity is Severity.NOTE else tuple(company),
            libraries=tuple(each.path for each in capturing[:5]),
            evidence=tuple(
                f"{each.path} exports {', '.join(each.captures[:3])}" for each in capturing[:3]
            ),
            remedies=facts.remedies(f"Import another package that uses C++ before {member.name}"),
        )


def _calls_once(user: ObjectFacts) -> bool:
    return any(
        need.version == _CALLS_ONCE and need.soname == LIBSTDCXX
        for need in user.facts.version_needs
    )
