"""A `Graph` as inline SVG with its legend: boxes in three columns, and links between them.

Colours and fonts are in the style sheet. Every box is a link to its text, so that the drawing works
without scripts and with the keyboard; the script finds the ends of links by the ``data-``
attributes. A drawing cannot measure a font: texts are shortened by the widths of a wide one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, takewhile
from unicodedata import east_asian_width

from cxxrt_toolchain.report.diagnosis import Relation
from cxxrt_toolchain.report.page.cast import Role
from cxxrt_toolchain.report.page.findings import icon
from cxxrt_toolchain.report.page.graph import Column, Graph, Node
from cxxrt_toolchain.report.page.markup import EMPTY, Html, element, lines, visible
from cxxrt_toolchain.report.page.nodes import Names, note, spoken, title
from cxxrt_toolchain.report.page.plan import WIDTHS, Line, Plan, bulge
from cxxrt_toolchain.wording import counted

_HEADINGS = {
    Column.PACKAGES: "Packages",
    Column.LIBRARIES: "Libraries",
    Column.RUNTIMES: "Runtimes",
}
_LINES = (
    (Relation.OWNS, False, "brings"),
    (Relation.NEEDS, False, "needs"),
    (Relation.OPENS, False, "opens at run time"),
    (Relation.BINDS, False, "symbols bound to"),
    (Relation.BINDS, True, "symbols captured by"),
)
_PADDING = 12
_ELLIPSIS = "…"
_NARROW = frozenset("ijlftrI.,:;'|!·/()[]- ")
_WIDE = frozenset("mwMW@%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Font:
    """What decides on the width of a text."""

    size: float
    fixed: bool = False
    """Every character is 0.605 of the size wide."""
    bold: bool = False

    def width(self, text: str) -> float:
        """The estimated width of a text."""
        return sum(self._share(char) for char in text) * self.size * (1.14 if self.bold else 1)

    def _share(self, char: str) -> float:
        if east_asian_width(char) in "FW":
            return 1.2
        if self.fixed:
            return 0.605
        if char in _NARROW:
            return 0.38
        if char in _WIDE:
            return 0.95
        return 0.7 if char.isupper() else 0.62


_BOLD, _MONO, _SMALL = Font(size=13, bold=True), Font(size=12, fixed=True), Font(size=11)
"""Fonts of names, of libraries' names and of notes; the style sheet has the same sizes."""


def graph_svg(graph: Graph, names: Names) -> Html:
    """The SVG element of the graph."""
    plan = Plan(graph)
    heads = [
        element("text", _HEADINGS[column], x=x, y=18, class_="column")
        for column, x in plan.lefts.items()
    ]
    families = [_family(*each) for each in plan.families()]
    paths = [_line(line, names) for line in plan.lines()]
    labels = [_label(line, plan, names) for line in plan.lines()]
    boxes = [_node(node, plan, names) for node in graph.nodes]
    return element(
        "svg",
        Html("\n"),
        lines([*heads, *families, *paths, *labels, *boxes]),
        id="graph",
        class_="graph",
        viewBox=f"0 0 {plan.width:g} {plan.bottom:.1f}",
        width=plan.width,
        height=plan.bottom,
        role="group",
        aria_label="Packages, their libraries and the runtimes that these use",
    )


def _line(line: Line, names: Names) -> Html:
    (x, y), (to_x, to_y) = line.start, line.end
    words = [f"M{x:.1f} {y:.1f}"]
    if x == to_x:
        far = x + bulge(line)
        words.append(f"C{far:.1f} {y:.1f} {far:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
    else:
        for first, last, at in line.bends:
            words += [_curve(x, y, first, at), f"H{last:.1f}"]
            x, y = last, at
        words.append(_curve(x, y, to_x, to_y))
    kind, ends = _kind("link", line.link.relation, serious=line.link.serious), _ends(line, names)
    return element("path", d="".join(words), class_=kind, **ends)


def _kind(what: str, relation: Relation, *, serious: bool) -> str:
    return f"{what} {relation.value}" + " serious" * serious


def _ends(line: Line, names: Names) -> dict[str, str]:
    return {"data_s": names.anchor(line.link.source), "data_t": names.anchor(line.link.target)}


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    middle = (x + to_x) / 2
    return f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _label(line: Line, plan: Plan, names: Names) -> Html:
    """The count of a link, beside the end that has fewer links."""
    link = line.link
    if link.relation is Relation.OWNS or (link.count == 1 and link.relation is not Relation.BINDS):
        return EMPTY
    text, second = f"{link.count}", EMPTY
    (x, y), (to_x, to_y) = line.start, line.end
    if x == to_x:
        x, y, anchor = x + bulge(line) * 0.75 + 5, (y + to_y) / 2, "start"
        second = element("tspan", "symbol" if link.count == 1 else "symbols", x=x, dy=13)
        y -= 6
    elif plan.degree(link.source) <= plan.degree(link.target):
        x, anchor = (x + 16, "start") if to_x > x else (x - 16, "end")
    else:
        x, y, anchor = (to_x - 18, to_y, "end") if to_x > x else (to_x + 18, to_y, "start")
    return element(
        "text",
        text,
        second,
        x=x,
        y=f"{y + 4:.1f}",
        class_=_kind("count", link.relation, serious=link.serious),
        text_anchor=anchor,
        **_ends(line, names),
    )


def _family(name: str, copies: int, x: float, y: float) -> Html:
    said = f"{name}: {counted(copies, 'copy', 'copies')}"
    return element("text", said, x=x, y=f"{y - 9:.1f}", class_="family")


def _node(node: Node, plan: Plan, names: Names) -> Html:
    """The box of a node, which links to the node's text."""
    x, y = plan.corner(node)
    width, height = WIDTHS[node.column], plan.height(node)
    anchor = names.anchor(node.key)
    kinds = ["node", node.column.name.lower()]
    kinds += [node.role.value] if node.role else []
    kinds += ["group"] if len(node.packages) + len(node.libraries) > 1 else []
    return element(
        "a",
        element("title", spoken(node)),
        *_shape(node, width, height),
        *_words(node, width, height),
        id=anchor,
        href=f"#t{anchor}",
        class_=" ".join(kinds),
        transform=f"translate({x:g} {y:.1f})",
        aria_label=spoken(node),
    )


def _shape(node: Node, width: float, height: float) -> Iterator[Html]:
    radius = 9 if node.column is Column.PACKAGES else 2
    yield element("rect", class_="box", width=width, height=height, rx=radius)
    if node.column is Column.RUNTIMES:
        yield element("rect", class_="bar", width=5, height=height)


def _words(node: Node, width: float, height: float) -> Iterator[Html]:
    """Name, note, place in the load order and role, shortened to the box."""
    left = _PADDING + (4 if node.column is Column.RUNTIMES else 0)
    room = width - left - _PADDING
    one = node.libraries[0] if len(node.libraries) == 1 else None
    place = f"#{one.order + 1}" if one and one.order is not None else ""
    upper, lower = height - 27, height - 11
    name = fitted(title(node), room, _MONO if one else _BOLD)
    said = fitted(note(node), room - _SMALL.width(f"{place} "), _SMALL)
    yield element("text", name, class_="name", x=left, y=upper)
    yield element("text", said, class_="note", x=left, y=lower)
    if place:
        right = width - _PADDING
        yield element("text", place, class_="note", x=right, y=lower, text_anchor="end")
    if node.role:
        mark = element("use", href=f"#i-{node.role.value}", x=left, y=7, width=11, height=11)
        yield element("g", mark, class_="mark")
        yield element("text", node.role.value, class_="role", x=left + 16, y=17)


def legend(graph: Graph) -> Html:
    """What the lines and marks of the drawing mean, only those that are in it."""
    said = "What the lines and marks mean"
    return element("ul", *_items(graph), class_="legend", aria_label=said)


def _items(graph: Graph) -> Iterator[Html]:
    drawn = {(link.relation, link.serious) for link in graph.links}
    for relation, serious, words in _LINES:
        if (relation, serious) in drawn:
            path = element("path", class_=_kind("link", relation, serious=serious), d="M1 6h31")
            drawing = element("svg", path, width=34, height=12, aria_hidden="true")
            yield element("li", drawing, f" {words}")
    roles = {node.role for node in graph.nodes}
    for role in Role:
        if role in roles:
            yield element("li", icon(role.value), f" {role.value}")
    if any(lib.order is not None for node in graph.nodes for lib in node.libraries):
        yield element("li", element("b", "#3"), " third to be loaded")
    if any(link.count > 1 and link.relation is Relation.NEEDS for link in graph.links):
        yield element("li", element("b", "12"), " by so many objects")


def fitted(text: str, room: float, font: Font) -> str:
    """The text, or its start and end with an ellipsis between them."""
    text = visible(text).replace("\n", " ")
    if font.width(text) <= room:
        return text
    tail = _taken(text[::-1], room / 3, font)[::-1]
    return f"{_taken(text, room - font.width(_ELLIPSIS + tail), font)}{_ELLIPSIS}{tail}"


def _taken(text: str, room: float, font: Font) -> str:
    ends = accumulate(map(font.width, text))
    return text[: sum(1 for _ in takewhile(lambda end: end <= room, ends))]
