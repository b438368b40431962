"""Rules about definitions of one package that replace those of libstdc++ or of another package.

H8 and D21 (mechanism M1), and D22 (mechanism M4).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import as_number, version_tuple
from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.families import LIBSTDCXX, RuntimeFamily
from cxxrt_toolchain.facts.libraries import Origin
from cxxrt_toolchain.facts.process import ProcessView, names_of
from cxxrt_toolchain.facts.symbols import CAPTURES, CATEGORIES
from cxxrt_toolchain.rules.remedies import imported_before, runtime_first
from cxxrt_toolchain.rules.rule import Finding, Severity, rule
from cxxrt_toolchain.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.facts.environment import Member
    from cxxrt_toolchain.facts.objects import ObjectFacts
    from cxxrt_toolchain.facts.process import Bound

_ONCE = frozenset({"__once_proxy", "_ZSt11__once_call", "_ZSt15__once_callable"})
_CALLS_ONCE = "GLIBCXX_3.4.11"
"""Version node of std::call_once and std::future."""
# Sanitizers and profilers interpose these functions on purpose and call the originals.
_INTERCEPTORS = re.compile(r"lib(?:a|t|ub|l|m|hwa)san|libclang_rt|libheaptrack|libjemalloc")
_NAMESPACE = re.compile(r"_Z(?:T[VTIS]|GV|Th\w*?_|Tv\w*?_)?Z?N?[KVrRO]*(?P<std>S[tabsiod])?")
_LENGTH = re.compile(r"([0-9]+)")
_GCC = re.compile(r"GCC: \([^)]*\) (\d+)\.(\d+)")
_STABLE_GCC = (5, 0)
"""GCC's C++11 library was experimental before 5: its templates changed between releases."""
# Repair tools add eight digits of a hash; a release has at least two numbers.
_LIBRARY = re.compile(r"(?P<name>lib[\w+-]*?)(?:[-.][0-9a-f]{8})?\.so\.(?P<version>\d+(?:\.\d+)+)")
_MANY = 3


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


@rule("CXXRT-D22", "Definitions of one package replace those of another", on=(ProcessView,))
def interpositions(view: ProcessView) -> Iterator[Finding]:
    """One finding for each two packages (M4)."""
    if view.bindings is None:
        return
    bindings = view.bindings
    runtimes = {table.path for table in bindings.locales}
    grouped: dict[tuple[str, str], list[tuple[str, str, Bound]]] = {}
    for (holder, target), bound in bindings.pairs.items():
        if {holder, target} & runtimes or not _is_package_code(view, holder, target):
            continue
        key = (view.group(holder), view.group(target))
        if key[0] == key[1]:
            continue
        versions = _two_versions(holder, target)
        named = [row for row in bound if not row.unique and (versions or row.name.startswith("_Z"))]
        grouped.setdefault(key, []).extend((holder, target, row) for row in named)
    for rows in grouped.values():
        if rows:
            yield _interposed(view, rows)


def _is_package_code(view: ProcessView, *paths: str) -> bool:
    libraries = [view.by_path.get(path) for path in paths]
    return all(
        each is not None
        and each.family is None
        and each.origin not in {Origin.SYSTEM, Origin.INTERPRETER, Origin.RUNTIME}
        for each in libraries
    )


def _interposed(view: ProcessView, rows: list[tuple[str, str, Bound]]) -> Finding:
    counts = Counter((holder, target) for holder, target, _ in rows)
    (holder, target), _ = counts.most_common(1)[0]
    spaces = Counter(namespace_of(row.name) for _, _, row in rows)
    broken = [row for _, _, row in rows if row.incompatible]
    changed = [row for _, _, row in rows if row.mismatched and not row.layout]
    vintages = _unstable(view, holder, target) if spaces["std"] else ""
    releases = _releases(rows)
    serious = bool(broken or vintages or releases)
    top = ", ".join(f"{space} ({count})" for space, count in spaces.most_common(3))
    evidence = [f"by namespace: {top}"]
    if broken:
        mine, theirs = broken[0].sizes or (0, 0)
        evidence.append(
            f"{len(broken)} classes or variables differ in size, for example "
            f"{broken[0].name}: {counted(mine, 'byte')}, replaced by {theirs}"
        )
    if changed:
        evidence.append(f"{len(changed)} constant tables differ, for example {changed[0].name}")
    evidence += [each for each in (vintages, releases) if each]
    outlook = "they are not compatible" if serious else "nothing shows that they differ"
    return Finding(
        severity=Severity.WARNING if serious else Severity.NOTE,
        message=f"{counted(len(rows), 'definition')} of {view.label(holder)} "
        f"{'is' if len(rows) == 1 else 'are'} replaced by {'that' if len(rows) == 1 else 'those'} "
        f"of {view.label(target)}, {view.reach(holder, target)}; {outlook}",
        culprits=names_of(view, [target]) if serious else (),
        victims=names_of(view, [holder]) if serious else (),
        libraries=tuple(dict.fromkeys(path for pair in counts for path in pair)),
        evidence=tuple(evidence),
        remedies=_order_remedies(view, holder, target) if serious else (),
    )


def _releases(rows: list[tuple[str, str, Bound]]) -> str:
    """Two releases of one library: their C++ differs, their C functions are only added to."""
    for holder, target, row in rows:
        if versions := _two_versions(holder, target):
            name, mine, theirs = versions
            if row.name.startswith("_Z") or theirs < mine:
                return f"{name} {_dotted(mine)} gets definitions of {_dotted(theirs)}"
    return ""


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _two_versions(holder: str, target: str) -> tuple[str, tuple[int, ...], tuple[int, ...]] | None:
    mine, theirs = (_LIBRARY.fullmatch(path.rpartition("/")[2]) for path in (holder, target))
    if mine is None or theirs is None or mine["name"] != theirs["name"]:
        return None
    first, second = (version_tuple(each["version"]) for each in (mine, theirs))
    return None if first == second else (mine["name"], first, second)


def _order_remedies(view: ProcessView, holder: str, target: str) -> tuple[str, ...]:
    cure = "no runtime cures this: build both with hidden visibility, or with one compiler"
    if view.group_needs(holder, target):
        return (cure,)
    first, second = view.package_of(holder), view.package_of(target)
    return (imported_before(first or "the first", second or "the second"), cure)


def _unstable(view: ProcessView, holder: str, target: str) -> str:
    mine, theirs = (_newest_gcc(view.compilers.get(path, ())) for path in (holder, target))
    if mine and theirs and mine != theirs and min(mine, theirs) < _STABLE_GCC:
        return f"compiled by GCC {mine[0]}.{mine[1]} and GCC {theirs[0]}.{theirs[1]}"
    return ""


def _newest_gcc(comment: tuple[str, ...]) -> tuple[int, int] | None:
    matches = filter(None, map(_GCC.match, comment))
    return max(((as_number(match[1]), as_number(match[2])) for match in matches), default=None)


def namespace_of(name: str) -> str:
    """The outer namespaces of a mangled name: ``google::protobuf``, ``std``, else ``::``."""
    match = _NAMESPACE.match(name)
    if match is None:
        return "::"
    if match["std"]:
        return "std"
    parts: list[str] = []
    position = match.end()
    while (length := _LENGTH.match(name, position)) and len(parts) < _MANY:
        position = length.end() + as_number(length[1])
        parts.append(name[length.end() : position])
    return "::".join(parts[: min(2, len(parts) - 1)]) or "::"
