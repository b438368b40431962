"""Rules about symbols of libstdc++ that a package exports or has captured: H8 and D21.

M1 is a mechanism of the catalogue.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.families import LIBSTDCXX, RuntimeFamily
from cxxrt_toolchain.facts.process import ProcessView, names_of
from cxxrt_toolchain.facts.symbols import CAPTURES, CATEGORIES
from cxxrt_toolchain.rules.remedies import runtime_first
from cxxrt_toolchain.rules.rule import Finding, Severity, rule
from cxxrt_toolchain.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.facts.environment import Member
    from cxxrt_toolchain.facts.objects import ObjectFacts

_ONCE = frozenset({"__once_proxy", "_ZSt11__once_call", "_ZSt15__once_callable"})
_CALLS_ONCE = "GLIBCXX_3.4.11"
"""Version node of std::call_once and std::future."""
# Sanitizers and profilers interpose these functions on purpose and call the originals.
_INTERCEPTORS = re.compile(r"lib(?:a|t|ub|l|m|hwa)san|libclang_rt|libheaptrack|libjemalloc")


@rule("CXXRT-H8", "Exports symbols that libstdc++ refers to", on=(EnvironmentFacts,))
def exported_captures(env: EnvironmentFacts) -> Iterator[Finding]:
    """An error only for ``std::call_once``, which is proven to crash."""
    needed = frozenset(name for other in env.members for name in other.needed)
    for member in env.members:
        yield from _exported(env, member, needed)


def _exported(env: EnvironmentFacts, member: Member, needed: frozenset[str]) -> Iterator[Finding]:
    capturing = [
        each
        for each in member.objects
        if each.captures and not each.facts.version_definitions and LIBSTDCXX in member.needed
    ]
    if not capturing:
        return
    is_once = any(not _ONCE.isdisjoint(each.captures) for each in capturing)
    users = [
        each.name
        for each in env.other_cxx_users(member)
        if not is_once or any(map(_calls_once, each.users(LIBSTDCXX)))
    ]
    # A library that no object needs is one for users to preload or to link.
    is_loaded = any(e.name in needed or not e.name.startswith("lib") for e in capturing)
    if env.activated or not users:
        severity = Severity.NOTE
    elif is_once:
        severity = Severity.ERROR
    else:
        severity = Severity.WARNING if is_loaded else Severity.NOTE
    other = f"Import another package that uses C++ before {member.name}"
    yield Finding(
        severity=severity,
        message=f"{member.name} exports symbols that libstdc++ looks up by name; if it is imported "
        "before other packages that use C++, libstdc++ calls its definitions",
        culprits=(member.name,),
        victims=() if severity is Severity.NOTE else tuple(users),
        libraries=tuple(each.path for each in capturing[:5]),
        evidence=tuple(
            f"{each.path} exports {', '.join(each.captures[:3])}" for each in capturing[:3]
        ),
        remedies=(*runtime_first(env), other),
    )


def _calls_once(user: ObjectFacts) -> bool:
    return any(
        need.version == _CALLS_ONCE and need.soname == LIBSTDCXX
        for need in user.facts.version_needs
    )


@rule("CXXRT-D21", "libstdc++ is captured by a package", on=(ProcessView,))
def captured(view: ProcessView) -> Iterator[Finding]:
    """References of a libstdc++ to its own symbols are bound to another package (M1)."""
    if view.bindings is None:
        return
    copies = {table.path for table in view.bindings.locales}
    copies |= {each.path for each in view.of_family(RuntimeFamily.LIBSTDCXX)}
    grouped: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for (holder, target), rows in view.bindings.pairs.items():
        is_runtime = view.by_path[holder].family is RuntimeFamily.LIBSTDCXX
        own = view.package_of(holder)
        if target in copies or not is_runtime or (own and own == view.package_of(target)):
            continue
        named = [(target, row.name) for row in rows if not row.unique]
        grouped.setdefault((holder, view.group(target)), []).extend(named)
    for (holder, _), named in grouped.items():
        if named:
            yield _captured(view, holder, named)


def _captured(view: ProcessView, holder: str, named: list[tuple[str, str]]) -> Finding:
    critical = [row for row in named if row[1] in CAPTURES and not _is_interceptor(row[0])]
    categories = [row for row in named if row[1] in CATEGORIES]
    shown = critical or categories or named
    target = shown[0][0]
    serious = bool(critical or categories)
    if critical:
        severity, what = Severity.ERROR, "call_once or exceptions"
    elif categories:
        severity, what = Severity.WARNING, (
            "error categories, which are compared by address: an error code of std::filesystem "
            "then equals no std::errc elsewhere"
        )  # fmt: skip
    else:
        severity, what = Severity.NOTE, "code without state"
    users = view.users(view.by_path[holder])
    return Finding(
        severity=severity,
        message=f"{view.label(target)} has captured {counted(len(named), 'symbol')} of {holder} "
        f"({what}): {target} exports them and was loaded first",
        culprits=names_of(view, [target]) if serious else (),
        victims=tuple(n for n in users if n != view.package_of(target)) if serious else (),
        libraries=(holder, *dict.fromkeys(path for path, _ in shown)),
        evidence=tuple(f"{name} is bound to {path}" for path, name in shown[:5]),
        remedies=runtime_first(view) if serious else (),
    )


def _is_interceptor(path: str) -> bool:
    return bool(_INTERCEPTORS.match(path.rpartition("/")[2]))
