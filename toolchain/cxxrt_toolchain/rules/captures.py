"""Rules about packages whose definitions replace those of libstdc++ for libstdc++ itself: H8, D21.

M1 is a mechanism of the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.families import LIBSTDCXX, RuntimeFamily
from cxxrt_toolchain.facts.process import ProcessView, names_of
from cxxrt_toolchain.facts.symbols import CAPTURES, CATEGORIES, ONCE
from cxxrt_toolchain.rules.remedies import runtime_first
from cxxrt_toolchain.rules.rule import Finding, Severity, rule
from cxxrt_toolchain.wording import counted, listed

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.bindings import Bound
    from cxxrt_toolchain.facts.members import Member
    from cxxrt_toolchain.facts.objects import ObjectFacts

_CALLS_ONCE = "GLIBCXX_3.4.11"
"""Version node of std::call_once and std::future."""
_FILESYSTEM = "GLIBCXX_3.4.26"
"""Version node of std::filesystem; before, it was a static library."""
# Sanitizers and profilers interpose these functions on purpose and call the originals.
_INTERCEPTORS = re.compile(r"lib(?:a|t|ub|l|m|hwa)san|libclang_rt|libheaptrack|libjemalloc")
_TABLES = ("_ZTV", "_ZTT", "_ZTC", "_ZTI", "_ZTS")


@rule("CXXRT-H8", "Exports symbols that libstdc++ refers to", on=(EnvironmentFacts,))
def exported_captures(env: EnvironmentFacts) -> Iterator[Finding]:
    """A note where no other package uses what is captured."""
    for member in env.members:
        yield from _exported(env, member)
        yield from _exported_categories(env, member)


def _exported(env: EnvironmentFacts, member: Member) -> Iterator[Finding]:
    capturing = [
        each
        for each in member.objects
        if each.captures and not each.facts.version_definitions and LIBSTDCXX in member.needed
    ]
    if not capturing:
        return
    names = {name for each in capturing for name in each.captures}
    users = [
        each.name
        for each in env.other_cxx_users(member)
        if ONCE.isdisjoint(names) or any(map(_calls_once, each.users(LIBSTDCXX)))
    ]
    severity = Severity.NOTE
    if users and not env.activated:
        severity = severity_of_captures(names, [each.name for each in capturing], env.needed)
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


def severity_of_captures(
    captures: Iterable[str], exporters: Iterable[str], needed: Collection[str]
) -> Severity:
    """H8 where other packages use C++: only ``std::call_once`` is proven to crash.

    A library that no object needs is one for users to preload or to link: a note.
    """
    if not ONCE.isdisjoint(captures):
        return Severity.ERROR
    loaded = any(name in needed or not name.startswith("lib") for name in exporters)
    return Severity.WARNING if loaded else Severity.NOTE


def _exported_categories(env: EnvironmentFacts, member: Member) -> Iterator[Finding]:
    """A warning only if another package uses std::filesystem, which reports by error codes."""
    objects = [e for e in member.objects if e.categories and not e.facts.version_definitions]
    others = [
        each.name
        for each in env.other_cxx_users(member)
        if any(_needs_node(user, _FILESYSTEM) for user in each.users(LIBSTDCXX))
    ]
    if objects and LIBSTDCXX in member.needed:
        acts = bool(others) and not env.activated
        yield Finding(
            f"{member.name} exports libstdc++'s error categories; if it is imported before other "
            "packages that use C++, an error code of std::filesystem equals no std::errc there",
            severity=Severity.WARNING if acts else Severity.NOTE,
            culprits=(member.name,) if acts else (),
            victims=tuple(others) if acts else (),
            libraries=tuple(each.path for each in objects[:5]),
            evidence=tuple(f"{each.path} exports {each.categories[0]}" for each in objects[:3]),
            remedies=runtime_first(env) if acts else (),
        )


def _calls_once(user: ObjectFacts) -> bool:
    return _needs_node(user, _CALLS_ONCE)


def _needs_node(user: ObjectFacts, node: str) -> bool:
    return any(e.version == node and e.soname == LIBSTDCXX for e in user.facts.version_needs)


@rule("CXXRT-D21", "libstdc++ is captured by a package", on=(ProcessView,))
def captured(view: ProcessView) -> Iterator[Finding]:
    """References of a libstdc++ to its own symbols are bound to another package (M1)."""
    if view.bindings is None:
        return
    copies = {table.path for table in view.bindings.locales}
    copies |= {each.path for each in view.of_family(RuntimeFamily.LIBSTDCXX)}
    grouped: dict[tuple[str, str], list[tuple[str, Bound]]] = {}
    for (holder, target), rows in view.bindings.pairs.items():
        is_runtime = view.by_path[holder].family is RuntimeFamily.LIBSTDCXX
        own = view.package_of(holder)
        if target in copies or not is_runtime or (own and own == view.package_of(target)):
            continue
        named = [(target, row) for row in rows if not row.unique]
        grouped.setdefault((holder, view.group(target)), []).extend(named)
    for (holder, _), named in grouped.items():
        if named:
            yield _captured(view, holder, named)


def _captured(view: ProcessView, holder: str, named: list[tuple[str, Bound]]) -> Finding:
    critical = [e for e in named if e[1].name in CAPTURES and not _is_interceptor(e[0])]
    categories = [e for e in named if e[1].name in CATEGORIES]
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
        severity, what = Severity.NOTE, _kinds([row for _, row in named])
    users = view.users(view.by_path[holder])
    return Finding(
        severity=severity,
        message=f"{view.label(target)} has captured {counted(len(named), 'symbol')} of {holder} "
        f"({what}): {target} exports them and was loaded first",
        culprits=names_of(view, [target]) if serious else (),
        victims=tuple(n for n in users if n != view.package_of(target)) if serious else (),
        libraries=(holder, *dict.fromkeys(path for path, _ in shown)),
        evidence=tuple(f"{row.name} is bound to {path}" for path, row in shown[:5]),
        remedies=runtime_first(view) if serious else (),
    )


def _kinds(rows: list[Bound]) -> str:
    """What is captured where no part is known to do harm; whether data has state is not known."""
    tables = [row for row in rows if row.name.startswith(_TABLES)]
    variables = [row for row in rows if row.data and row not in tables]
    functions = len(rows) - len(tables) - len(variables)
    kinds = ((functions, "function"), (len(tables), "table"), (len(variables), "variable"))
    return listed([counted(number, noun) for number, noun in kinds if number])


def _is_interceptor(path: str) -> bool:
    return bool(_INTERCEPTORS.match(path.rpartition("/")[2]))
