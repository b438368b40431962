"""Captured runtimes, damaged locale tables: what the bindings mean.

In: a `ProcessView`. Out: findings of D20 (M2), D21 (M1), D22 (M4, by `interposition_rules`), and of
L101 and L103 for copies of libstdc++ that wait for their turn or are inert. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.libraries import Origin
from cxxrt_toolchain.facts.process import LIBSTDCXX, ProcessView, names_of
from cxxrt_toolchain.facts.symbols import CAPTURES, CATEGORIES
from cxxrt_toolchain.rules.interposition import interpositions
from cxxrt_toolchain.rules.remedies import ACTIVATE, libstdcxx_first
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.facts.bindings import Bindings, LocaleTable

RULES = frozenset({"CXXRT-D20", "CXXRT-D21", "CXXRT-D22"})
"""What only the memory shows."""
# A sanitizer or a profiler takes these over on purpose, and passes on what it gets.
_INTERCEPTORS = re.compile(r"lib(?:a|t|ub|l|m|hwa)san|libclang_rt|libheaptrack|libjemalloc")


def findings(view: ProcessView) -> Iterator[Finding]:
    """Everything that the bindings show."""
    if view.bindings is None:
        return
    yield from _locales(view, view.bindings)
    yield from _captures(view, view.bindings)
    yield from interpositions(view, view.bindings)


def runtime_first(view: ProcessView) -> tuple[str, ...]:
    """The remedy for M1, M2 and M3: one libstdc++, the newest, before everything else."""
    return (ACTIVATE if view.runtime_version else libstdcxx_first(view.python, ""),)


def _locales(view: ProcessView, bindings: Bindings) -> Iterator[Finding]:
    tables = bindings.locales
    damaged = [table for table in tables if table.collisions]
    private = [table for table in tables if _is_private(view, table)]
    for table in damaged:
        yield _damaged(view, table, [each for each in private if each.bound_to == each.path])
    for table in private:
        if table in damaged:
            continue
        if table.bound_to != table.path:
            yield _inert(view, table)
        elif not any(each is not table for each in damaged):
            yield _waiting(view, table, tables)


def _is_private(view: ProcessView, table: LocaleTable) -> bool:
    library = view.by_path.get(table.path)
    if library is None or library.soname == LIBSTDCXX:
        return False
    # One that looks only into itself (-Bsymbolic) meets no other: a hidden copy (H5).
    is_static = RuntimeFamily.LIBSTDCXX in library.static
    return is_static or library.family is RuntimeFamily.LIBSTDCXX


def _rule(view: ProcessView, path: str) -> str:
    library = view.by_path.get(path)
    is_copy = library is not None and library.family is RuntimeFamily.LIBSTDCXX
    return "CXXRT-L101" if is_copy else "CXXRT-L103"


def _damaged(view: ProcessView, table: LocaleTable, private: list[LocaleTable]) -> Finding:
    others = [each for each in view.bindings.locales if each is not table] if view.bindings else []
    guilty = private or [
        each
        for each in (table, *others)
        if view.by_path[each.path].origin in {Origin.WHEEL, Origin.CONDA}
    ]
    culprits = names_of(view, [each.path for each in guilty])
    victims = _users(view, table)
    files = names_of(
        view,
        [e.path for e in guilty if view.by_path[e.path].family is RuntimeFamily.LIBSTDCXX],
    )  # what is linked in, no edit takes out
    brings = " and ".join(view.label(each.path) for each in guilty) or "another library"
    return Finding(
        rule="CXXRT-D20",
        severity=Severity.ERROR,
        message=f"The locale table of {table.path} is damaged, because {brings} brings another "
        "libstdc++: numbers print as nothing, parse as 0, or crash",
        culprits=culprits,
        victims=tuple(name for name in victims if name not in culprits),
        libraries=(table.path, *(each.path for each in others)),
        evidence=(
            ", ".join(f"{facet} = {number}" for facet, number in table.numbers),
            f"the same number twice: {', '.join(table.collisions)}",
        ),
        remedies=(
            *runtime_first(view),
            *(f"repair its wheel: cxxrt repair -w DIR {_wheel(name)}" for name in files[:1]),
        ),
    )


def _wheel(name: str) -> str:
    return f"{name.replace('-', '_')}-*.whl"


def _users(view: ProcessView, table: LocaleTable) -> tuple[str, ...]:
    library = view.by_path.get(table.path)
    return view.users(library) if library else ()


def _inert(view: ProcessView, table: LocaleTable) -> Finding:
    return Finding(
        rule=_rule(view, table.path),
        severity=Severity.NOTE,
        message=f"{view.label(table.path)} brings a libstdc++ of its own, {table.path}; it is "
        f"inert, because {table.bound_to} came first and is global",
        libraries=(table.path, table.bound_to),
    )


def _waiting(view: ProcessView, table: LocaleTable, tables: tuple[LocaleTable, ...]) -> Finding:
    others = [each for each in tables if each is not table and each.bound_to == each.path]
    state = "and is in use" if table.initialized else "and has not been used yet"
    outlook = (
        f"{others[0].path} is loaded, too, and the one that is used second breaks"
        if others
        else "the next package that brings another libstdc++ breaks, or breaks this one"
    )
    return Finding(
        rule=_rule(view, table.path),
        severity=Severity.WARNING,
        message=f"{view.label(table.path)} brings a libstdc++ of its own, {table.path}, {state}; "
        + outlook,
        culprits=names_of(view, [table.path]),
        victims=_users(view, others[0]) if others else (),
        libraries=(table.path, *(each.path for each in others)),
        evidence=(", ".join(f"{facet} = {number}" for facet, number in table.numbers),),
        remedies=runtime_first(view),
    )


def _captures(view: ProcessView, bindings: Bindings) -> Iterator[Finding]:
    copies = {table.path for table in bindings.locales}
    copies |= {each.path for each in view.of_family(RuntimeFamily.LIBSTDCXX)}
    grouped: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for (holder, target), rows in bindings.pairs.items():
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
    severity = Severity.ERROR if critical else Severity.WARNING if categories else Severity.NOTE
    if critical:
        what = "call_once or exceptions"
    elif categories:
        what = "error categories, which are told apart by their address: an error code of "
        what += "std::filesystem then equals no std::errc elsewhere"
    else:
        what = "code that carries no state"
    return Finding(
        rule="CXXRT-D21",
        severity=severity,
        message=f"{view.label(target)} has taken over {counted(len(named), 'symbol')} of {holder} "
        f"({what}): "
        f"{target} exports them and came first",
        culprits=names_of(view, [target]) if serious else (),
        victims=tuple(
            name for name in view.users(view.by_path[holder]) if name != view.package_of(target)
        )
        if serious
        else (),
        libraries=(holder, *dict.fromkeys(path for path, _ in shown)),
        evidence=tuple(f"{name} is bound to {path}" for path, name in shown[:5]),
        remedies=runtime_first(view) if serious else (),
    )


def _is_interceptor(path: str) -> bool:
    return bool(_INTERCEPTORS.match(path.rpartition("/")[2]))
