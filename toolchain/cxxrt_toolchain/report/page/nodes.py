"""The graph as text: each node with all of its links.

In: the graph that `svg` draws. Out: markup, one entry for each node. The script shows an entry
beside the drawing when its node is chosen; without a script the drawing links to it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cxxrt_toolchain.report.demangle import readable
from cxxrt_toolchain.report.diagnosis import Relation
from cxxrt_toolchain.report.page.graph import Column
from cxxrt_toolchain.report.page.markup import EMPTY, Html, code, element, joined, lines
from cxxrt_toolchain.report.page.names import kind_of, note, title
from cxxrt_toolchain.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxxrt_toolchain.report.page.graph import Graph, Link, Node
    from cxxrt_toolchain.report.page.names import Names

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
_NOUNS = {Relation.NEEDS: "object", Relation.OPENS: "object", Relation.BINDS: "symbol"}


def node_texts(graph: Graph, names: Names) -> Html:
    """One entry for each node, in the order of the drawing."""
    touching: dict[str, list[Link]] = defaultdict(list)
    for link in graph.links:
        touching[link.source].append(link)
        touching[link.target].append(link)
    used = _used(graph, names)
    return element(
        "div",
        Html("\n"),
        lines(_entry(node, touching[node.key], used, names) for node in graph.nodes),
        class_="nodes",
    )


def _used(graph: Graph, names: Names) -> dict[str, list[str]]:
    """The runtimes that the libraries of a package get, by the package's node."""
    owner = {link.target: link.source for link in graph.links if link.relation is Relation.OWNS}
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for link in graph.links:
        wanted = link.relation in {Relation.NEEDS, Relation.OPENS}
        if wanted and names.node(link.target).column is Column.RUNTIMES and link.source in owner:
            found[owner[link.source]][link.target] = None
    return {key: list(runtimes) for key, runtimes in found.items()}


def _entry(node: Node, links: list[Link], used: dict[str, list[str]], names: Names) -> Html:
    anchor = names.anchor(node.key)
    kind = kind_of(node)
    role = f" · {node.role.value}" if node.role else ""
    rows = [_gets(used.get(node.key, ()), names)]
    for relation in Relation:
        forth = [link for link in links if link.relation is relation and link.source == node.key]
        back = [link for link in links if link.relation is relation and link.target == node.key]
        rows += [_row(_FORTH[relation], [(each, each.target) for each in forth], names)]
        rows += [_row(_BACK[relation], [(each, each.source) for each in back], names)]
    return element(
        "div",
        element("p", f"{kind}{role}", class_="kind"),
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
        row = names.library_row(path)
        place = element("a", code(path), href=f"#{row}")
        return joined([element("p", note(node), class_="quiet"), element("p", place)])
    members = [element("li", _member(name, names)) for name in _members(node)]
    return element("ul", *members, class_="members")


def _members(node: Node) -> list[str]:
    return [each.name for each in node.packages] or [each.path for each in node.libraries]


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
        target = element("a", _full(names.node(end)), href=f"#{names.anchor(end)}")
        symbols = [
            element("li", element("code", readable(symbol), title=symbol))
            for symbol in link.symbols
        ]
        examples = element("ul", *symbols, class_="symbols") if symbols else EMPTY
        items.append(element("li", target, count, examples))
    return element("div", element("dt", word), element("dd", element("ul", *items)))


def _gets(runtimes: Sequence[str], names: Names) -> Html:
    if not runtimes:
        return EMPTY
    items = [
        element("li", element("a", _full(names.node(key)), href=f"#{names.anchor(key)}"))
        for key in runtimes
    ]
    return element("div", element("dt", "Its libraries get"), element("dd", element("ul", *items)))


def _full(node: Node) -> str:
    if len(node.libraries) == 1:
        library = node.libraries[0]
        return f"{library.soname} of {library.package or library.origin.value}"
    return f"{title(node)} {note(node)}" if node.libraries else title(node)
