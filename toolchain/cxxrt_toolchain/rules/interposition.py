"""The rule about definitions of one package that replace those of another: D22.

M4 is a mechanism of the catalogue.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import as_number, version_tuple
from cxxrt_toolchain.facts.libraries import Origin
from cxxrt_toolchain.facts.process import ProcessView, names_of
from cxxrt_toolchain.rules.remedies import imported_before
from cxxrt_toolchain.rules.rule import Finding, Severity, rule
from cxxrt_toolchain.wording import counted

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.bindings import Bound

_NAMESPACE = re.compile(r"_Z(?:T[VTIS]|GV|Th\w*?_|Tv\w*?_)?Z?N?[KVrRO]*(?P<std>S[tabsiod])?")
_LENGTH = re.compile(r"([0-9]+)")
_GCC = re.compile(r"GCC: \([^)]*\) (\d+)\.(\d+)")
_STABLE_GCC = (5, 0)
"""GCC's C++11 library was experimental before 5: its templates changed between releases."""
# Repair tools add eight digits of a hash; a release has at least two numbers.
_LIBRARY = re.compile(r"(?P<name>lib[\w+-]*?)(?:[-.][0-9a-f]{8})?\.so\.(?P<version>\d+(?:\.\d+)+)")
_MANY = 3


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
