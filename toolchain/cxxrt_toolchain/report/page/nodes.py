"""Names, notes and anchors of what the page shows, and its graph as text.

Anchors are numbers in the order of the diagnosis, so that they contain no name of an environment.
The text has one entry for each node; the script shows it beside the drawing when the node is
chosen, and without a script the drawing links to it.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from cxxrt_toolchain.facts.libraries import Library, Origin
from cxxrt_toolchain.report.demangle import readable
from cxxrt_toolchain.report.diagnosis import Diagnosis, Relation
from cxxrt_toolchain.report.page.graph import Column, Graph, Link, Node
from cxxrt_toolchain.report.page.markup import EMPTY, Html, code, element, joined, lines
from cxxrt_toolchain.wording import counted, listed

_ORIGINS = {
    Origin.WHEEL: "wheel",
    Origin.RUNTIME: "runtime wheel",
    Origin.CONDA: "conda",
    Origin.INTERPRETER: "interpreter",
    Origin.SYSTEM: "system",
    Origin.OTHER: "elsewhere",
}
_FORTH = {
    Relation.OWNS: "Brings",
    Relation.NEEDS: "Needs",
    Relation.OPENS: "Opens at run time",
    Relation.BINDS: "Has symbols bound to",
}
_BACK = {
    Relation.OWNS: "Brought by",
    Relation.NEEDS: "Needed by",
    Relation.OPENS: "Opened by",
    Relation.BINDS: "Captures symbols of",
}
_KINDS = {Column.PACKAGES: "Package", Column.LIBRARIES: "Library", Column.RUNTIMES: "Runtime"}
_NOUNS = {Relation.NEEDS: "object", Relation.OPENS: "object", Relation.BINDS: "symbol"}


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
    word = _ORIGINS[library.origin]
    return word if library.origin is Origin.OTHER else f"the {word}"


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
    return _KINDS[node.column]


def spoken(node: Node) -> str:
    """The label of a node for screen readers."""
    role = f", {node.role.value}" if node.role else ""
    order = node.libraries[0].order if len(node.libraries) == 1 else None
    place = f", number {order + 1} in the load order" if order is not None else ""
    return f"{kind_of(node)} {title(node)}{role}, {note(node)}{place}"


def _owner(node: Node) -> str:
    owners = {library.package or whence(library) for library in node.libraries}
    return owners.pop() if len(owners) == 1 else counted(len(owners), "package")


def node_texts(graph: Graph, names: Names) -> Html:
    """One entry for each node, in the order of the drawing."""
    touching: dict[str, list[Link]] = defaultdict(list)
    for link in graph.links:
        touching[link.source].append(link)
        touching[link.target].append(link)
    used = _used(graph, names)
    entries = (_entry(node, touching[node.key], used, names) for node in graph.nodes)
    return element("div", Html("\n"), lines(entries), class_="nodes")


def _used(graph: Graph, names: Names) -> dict[str, list[str]]:
    """The runtimes that the libraries of a package get, by the package's node."""
    owner = {link.target: link.source for link in graph.links if link.relation is Relation.OWNS}
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for link in graph.links:
        wanted = link.relation in {Relation.NEEDS, Relation.OPENS}
        if wanted and names.node(link.target).column is Column.RUNTIMES and link.source in owner:
            found[owner[link.source]][link.target] = None
    return {key: [*runtimes] for key, runtimes in found.items()}


def _entry(node: Node, links: list[Link], used: dict[str, list[str]], names: Names) -> Html:
    anchor = names.anchor(node.key)
    kind = kind_of(node) + (f" · {node.role.value}" if node.role else "")
    rows = [_gets(used.get(node.key, ()), names)]
    for relation in Relation:
        forth = [link for link in links if link.relation is relation and link.source == node.key]
        back = [link for link in links if link.relation is relation and link.target == node.key]
        rows += [_row(_FORTH[relation], [(each, each.target) for each in forth], names)]
        rows += [_row(_BACK[relation], [(each, each.source) for each in back], names)]
    return element(
        "div",
        element("p", kind, class_="kind"),
        element("h3", element("a", title(node), href=f"#{anchor}")),
        _self(node, names),
        element("dl", *rows) if links else EMPTY,
        id=f"t{anchor}",
        class_="entry",
    )


def _self(node: Node, names: Names) -> Html:
    """The node's note and links to its rows in the tables."""
    if len(node.packages) + len(node.libraries) == 1:
        if node.packages:
            return element("p", note(node), class_="quiet")
        path = node.libraries[0].path
        place = element("a", code(path), href=f"#{names.library_row(path)}")
        return joined([element("p", note(node), class_="quiet"), element("p", place)])
    members = [each.name for each in node.packages] or [each.path for each in node.libraries]
    items = [element("li", _member(name, names)) for name in members]
    return element("ul", *items, class_="members")


def _member(member: str, names: Names) -> Html:
    row = names.package_row(member) or names.library_row(member)
    library = names.libraries.get(member)
    return element("a", library.soname if library else member, href=f"#{row}")


def _row(word: str, ends: list[tuple[Link, str]], names: Names) -> Html:
    if not ends:
        return EMPTY
    items = []
    for link, end in ends:
        noun = _NOUNS.get(link.relation)
        single = link.count == 1 and link.relation is not Relation.BINDS
        count = f" ({counted(link.count, noun)})" if noun and not single else ""
        codes = [element("code", readable(symbol), title=symbol) for symbol in link.symbols]
        symbols = [element("li", each) for each in codes]
        examples = element("ul", *symbols, class_="symbols") if symbols else EMPTY
        items.append(element("li", _end(end, names), count, examples))
    return _named(word, items)


def _gets(runtimes: Sequence[str], names: Names) -> Html:
    items = [element("li", _end(key, names)) for key in runtimes]
    return _named("Its libraries get", items) if items else EMPTY


def _named(word: str, items: Sequence[Html]) -> Html:
    return element("div", element("dt", word), element("dd", element("ul", *items)))


def _end(key: str, names: Names) -> Html:
    return element("a", _full(names.node(key)), href=f"#{names.anchor(key)}")


def _full(node: Node) -> str:
    if len(node.libraries) == 1:
        library = node.libraries[0]
        return f"{library.soname} of {library.package or library.origin.value}"
    return f"{title(node)} {note(node)}" if node.libraries else title(node)
