"""The nodes and links that the page draws of a `Diagnosis`, in three columns.

Culprits, victims, libraries in findings and copies of runtimes have their own nodes; other
libraries are grouped by package, and packages that use the same runtimes are one node.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from cxxrt_toolchain.report.diagnosis import Diagnosis, Edge, Relation
from cxxrt_toolchain.report.page.cast import Cast, Role, owned

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.libraries import Library, Package

_SMALLEST_GROUP = 3
_STATIC = 2
"""Rank of a library with a runtime linked in, after those that findings name."""
_ALONE_IN_ALL = 48
_ALONE_PER_PACKAGE = 4
_EXAMPLES = 5


class Column(IntEnum):
    """Columns from left to right."""

    PACKAGES = 0
    LIBRARIES = 1
    RUNTIMES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A package, a library, or a group of them."""

    key: str
    column: Column
    block: str
    """Nodes of one block are adjacent: a runtime's family, a library's package."""
    role: Role | None
    packages: tuple[Package, ...] = ()
    libraries: tuple[Library, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """All edges of one relation between two nodes."""

    source: str
    target: str
    relation: Relation
    count: int
    symbols: tuple[str, ...]
    serious: bool
    """A capture that an error or a warning names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes, links, and what is left out."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    idle: tuple[Package, ...]
    """Packages with native code that use none of the runtimes."""
    unshown: tuple[Library, ...]
    """Runtimes with one copy that no finding names."""


def draw_graph(diagnosis: Diagnosis) -> Graph:
    """The graph of a diagnosis."""
    cast = Cast(diagnosis)
    nodes = _Sorter(cast).nodes()
    node_of = {member: key for key, members in nodes.items() for member in members}
    links = _links(diagnosis, cast, node_of)
    kept = _related([_node(key, members, cast) for key, members in nodes.items()], links)
    keys = {node.key for node in kept}
    shown = {package.name for node in kept for package in node.packages}
    runtimes = [library for library in diagnosis.libraries if library.family]
    return Graph(
        nodes=tuple(sorted(kept, key=lambda node: _order(node, cast))),
        links=tuple(link for link in links if link.source in keys and link.target in keys),
        idle=tuple(package for package in diagnosis.packages if package.name not in shown),
        unshown=tuple(library for library in runtimes if library.path not in cast.runtimes),
    )


class _Sorter:
    """Assigns packages and libraries to nodes."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._prominent = cast.prominent()
        self._alone = set(self._stand_alone())

    def nodes(self) -> dict[str, list[str]]:
        """The ids of packages and libraries by node key."""
        nodes: dict[str, list[str]] = {}
        node_of: dict[str, str] = {}
        for key, members in self._package_nodes():
            nodes[key] = members
            node_of |= dict.fromkeys(members, key)
        for path in self._cast.runtimes:
            nodes[path] = [path]
        for path, library in self._cast.libraries.items():
            if library.family:
                continue
            owner = self._cast.owner(path)
            if path in self._alone:
                nodes[path] = [path]
            elif owner is None:
                nodes.setdefault(f"libraries:{library.origin.value}", []).append(path)
            elif owner in node_of:
                nodes.setdefault(f"libraries:{node_of[owner]}", []).append(path)
        return nodes

    def _package_nodes(self) -> Iterator[tuple[str, list[str]]]:
        alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for node in self._cast.packages:
            uses = tuple(sorted(self._cast.uses.get(node, ())))
            if node in self._prominent:
                yield node, [node]
            elif uses:
                alike[uses].append(node)
        for uses, members in alike.items():
            if len(members) < _SMALLEST_GROUP:
                yield from ((node, [node]) for node in members)
            else:
                yield f"packages:{'|'.join(uses)}", members

    def _stand_alone(self) -> Iterator[str]:
        """Libraries with their own node: a few for each package, captured ones first.

        With very many prominent packages, only libraries that a finding names.
        """
        limit = min(_ALONE_PER_PACKAGE, _ALONE_IN_ALL // max(1, len(self._prominent)))
        telling: dict[str | None, list[tuple[int, str]]] = defaultdict(list)
        for path, library in self._cast.libraries.items():
            named, captured = path in self._cast.evidence, path in self._cast.captured
            owner = self._cast.owner(path)
            static = bool(library.static) and owner in self._prominent
            if not library.family and (named or static):
                telling[owner].append((0 if captured else 1 if named else _STATIC, path))
        for found in telling.values():
            found.sort(key=lambda each: each[0])
            room = limit or (1 if found[0][0] < _STATIC else 0)
            yield from (path for _, path in found[:room])


def _links(diagnosis: Diagnosis, cast: Cast, node_of: Mapping[str, str]) -> list[Link]:
    """Edges between nodes, added up by relation."""
    together: dict[tuple[str, str, Relation], list[Edge]] = defaultdict(list)
    others = (edge for edge in diagnosis.edges if edge.relation is not Relation.OWNS)
    for edge in (*owned(diagnosis).values(), *others):
        source, target = node_of.get(edge.source), node_of.get(edge.target)
        if source is None or target is None or source == target:
            continue
        if edge.relation in {Relation.NEEDS, Relation.OPENS} and not _telling(edge, cast):
            continue
        together[source, target, edge.relation].append(edge)
    return [
        Link(
            source=source,
            target=target,
            relation=relation,
            count=sum(edge.count for edge in edges),
            symbols=tuple(dict.fromkeys(name for edge in edges for name in edge.symbols))[
                :_EXAMPLES
            ],
            serious=any(map(cast.is_capture, edges)),
        )
        for (source, target, relation), edges in together.items()
    ]


def _telling(edge: Edge, cast: Cast) -> bool:
    """Whether an edge leads to a runtime, to evidence, or to a library with a runtime inside."""
    if edge.target in cast.runtimes or edge.target in cast.evidence:
        return True
    library = cast.libraries.get(edge.target)
    return bool(library and library.static) and edge.source not in cast.packages


def _related(nodes: list[Node], links: list[Link]) -> list[Node]:
    """The nodes without groups of libraries that only their owner links to, and those owners."""
    others = [link for link in links if link.relation is not Relation.OWNS]
    kept = {end for link in others for end in (link.source, link.target)}
    kept |= {node.key for node in nodes if node.role or node.column is Column.RUNTIMES}
    linked = {link.source for link in links if link.target in kept}
    return [node for node in nodes if node.key in kept | linked]


def _node(key: str, members: list[str], cast: Cast) -> Node:
    packages = tuple(cast.packages[each] for each in members if each in cast.packages)
    libraries = tuple(cast.libraries[each] for each in members if each in cast.libraries)
    column = Column.PACKAGES if packages else Column.LIBRARIES
    block = key
    if libraries:
        first = libraries[0]
        block = f"package:{first.package}" if first.package else first.origin.value
        if first.path in cast.runtimes and first.family:
            column, block = Column.RUNTIMES, first.family.value
        elif key.startswith("libraries:packages:"):
            block = key.removeprefix("libraries:")
    role = cast.role(members[0]) if len(members) == 1 else None
    return Node(
        key=key, column=column, block=block, role=role, packages=packages, libraries=libraries
    )


def _order(node: Node, cast: Cast) -> tuple[int, int, int]:
    """Sort key: culprits, worst first, then victims, then the order of the diagnosis."""
    name = node.packages[0].name if node.packages else ""
    rank = cast.culprits.index(name) if name in cast.culprits else 0
    return (node.column, list(Role).index(node.role) if node.role else len(Role), rank)
