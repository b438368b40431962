"""Titles, notes and anchors of the packages, libraries and nodes on the page.

In: a diagnosis and its graph. Out: texts and anchors. Anchors are numbers in the order of the
diagnosis, so that they contain no name of an environment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.libraries import Origin
from cxxrt_toolchain.report.page.graph import Column
from cxxrt_toolchain.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.facts.libraries import Library
    from cxxrt_toolchain.report.diagnosis import Diagnosis
    from cxxrt_toolchain.report.page.graph import Graph, Node

_ORIGINS = {
    Origin.WHEEL: "wheel",
    Origin.RUNTIME: "runtime wheel",
    Origin.CONDA: "conda",
    Origin.INTERPRETER: "interpreter",
    Origin.SYSTEM: "system",
    Origin.OTHER: "elsewhere",
}


class Names:
    """Anchors of packages, libraries and nodes."""

    def __init__(self, diagnosis: Diagnosis, graph: Graph) -> None:
        self._package_rows = {each.name: f"p{at}" for at, each in enumerate(diagnosis.packages, 1)}
        self._library_rows = {each.path: f"l{at}" for at, each in enumerate(diagnosis.libraries, 1)}
        self.libraries = {each.path: each for each in diagnosis.libraries}
        self.packages = {each.name: each for each in diagnosis.packages}
        paths = sorted(self.libraries, key=len, reverse=True)
        self._paths = re.compile(
            "|".join(f"{re.escape(path)}(?![^\\s,;:)])" for path in paths) or "(?!)"
        )
        self._anchors = {node.key: f"n{at}" for at, node in enumerate(graph.nodes, 1)}
        self._nodes = {node.key: node for node in graph.nodes}
        self._drawn = {
            member: node.key
            for node in graph.nodes
            for member in (*(p.name for p in node.packages), *(lib.path for lib in node.libraries))
        }

    def spans(self, text: str) -> Iterator[tuple[str, str | None]]:
        """The pieces of a text: (words, None), or (file name, path) for a library's path."""
        at = 0
        for match in self._paths.finditer(text):
            yield text[at : match.start()], None
            yield match[0].rpartition("/")[2], match[0]
            at = match.end()
        yield text[at:], None

    def package_row(self, name: str) -> str | None:
        """Anchor in the table of packages."""
        return self._package_rows.get(name)

    def library_row(self, path: str) -> str | None:
        """Anchor in the table of libraries."""
        return self._library_rows.get(path)

    def anchor(self, key: str) -> str:
        """Anchor of a node in the drawing; its text has ``t`` before it."""
        return self._anchors[key]

    def node(self, key: str) -> Node:
        """A node of the graph."""
        return self._nodes[key]

    def place(self, member: str) -> str | None:
        """The link to a package or library: in the graph, else in a table, else None."""
        if member in self._drawn:
            return f"#{self._anchors[self._drawn[member]]}"
        row = self._package_rows.get(member) or self._library_rows.get(member)
        return f"#{row}" if row else None


def whence(library: Library) -> str:
    """The origin of a library, for a sentence."""
    if library.origin is Origin.SYSTEM:
        return "the system"
    if library.origin is Origin.OTHER:
        return "elsewhere"
    return f"the {_ORIGINS[library.origin]}"


def origin_word(library: Library) -> str:
    """The origin in a table's cell."""
    return _ORIGINS[library.origin]


def title(node: Node) -> str:
    """The first line of a node."""
    if node.packages:
        one = len(node.packages) == 1
        return node.packages[0].name if one else counted(len(node.packages), "package")
    if len(node.libraries) == 1:
        return node.libraries[0].soname
    return counted(len(node.libraries), "library", "libraries")


def note(node: Node) -> str:
    """The second line of a node: version, number of objects, runtimes inside, owner."""
    if len(node.packages) == 1:
        package = node.packages[0]
        return f"{package.version} · {counted(package.objects, 'object')}"
    if node.packages:
        return listed([package.name for package in node.packages])
    if len(node.libraries) > 1:
        many = sum(bool(library.static) for library in node.libraries)
        return f"of {_owner(node)}" + (f" · runtime inside {many}" if many else "")
    library = node.libraries[0]
    inside = "static " + ", ".join(family.value for family in library.static)
    said = [library.version] if library.version else []
    said += [inside] if library.static else []
    said += [library.package or origin_word(library)]
    said += ["deleted"] if library.deleted else []
    return " · ".join(said)


def kind_of(node: Node) -> str:
    """The kind of a node, in one word."""
    if len(node.packages) + len(node.libraries) > 1:
        return "Group"
    return {Column.PACKAGES: "Package", Column.LIBRARIES: "Library", Column.RUNTIMES: "Runtime"}[
        node.column
    ]


def spoken(node: Node) -> str:
    """The label of a node for screen readers."""
    role = f", {node.role.value}" if node.role else ""
    order = node.libraries[0].order if len(node.libraries) == 1 else None
    place = f", number {order + 1} in the load order" if order is not None else ""
    return f"{kind_of(node)} {title(node)}{role}, {note(node)}{place}"


def _owner(node: Node) -> str:
    owners = {library.package or whence(library) for library in node.libraries}
    return owners.pop() if len(owners) == 1 else counted(len(owners), "package")
