"""Coordinates of the boxes and links of the drawing, in its units.

`layout` decides on order and height; this module on columns, sizes, and the side of a box that a
link starts from.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

from cxxrt_toolchain.report.diagnosis import Relation
from cxxrt_toolchain.report.page.graph import Column, Graph, Link, Node
from cxxrt_toolchain.report.page.layout import Box, Gaps, arrange

WIDTHS = {Column.PACKAGES: 180, Column.LIBRARIES: 212, Column.RUNTIMES: 248}
_GUTTERS = {Column.PACKAGES: 64, Column.LIBRARIES: 132, Column.RUNTIMES: 0}
_WIDE_GUTTER = 260
_ARC_MARGIN, _MARGIN, _TOP = 96, 4, 44
_HEIGHT, _TAG, _BEND_HEIGHT, _FAMILY_HEAD = 46, 16, 14, 22
_PORT = 9
_GAPS = Gaps(within=8, between=16)

Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A link with the coordinates of its start, bends and end."""

    link: Link
    start: tuple[float, float]
    bends: tuple[tuple[float, float, float], ...]
    """From x, to x, at y."""
    end: tuple[float, float]


class Plan:
    """The coordinates of a drawing."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes = {node.key: node for node in graph.nodes}
        used = {node.column for node in graph.nodes}
        all_there = len(used) == len(Column)
        self.lefts: dict[Column, float] = {}
        x = float(_MARGIN)
        for column in sorted(used):
            self.lefts[column] = x
            x += WIDTHS[column] + (_GUTTERS[column] if all_there else _WIDE_GUTTER)
        runtimes = {node.key for node in graph.nodes if node.column is Column.RUNTIMES}
        inner = any({link.source, link.target} <= runtimes for link in graph.links)
        right = max((left + WIDTHS[column] for column, left in self.lefts.items()), default=0.0)
        self.width = right + (_ARC_MARGIN if inner else _MARGIN)
        self._tops = arrange(*self._boxes(), _GAPS)
        heights = {node.key: self.height(node) for node in graph.nodes}
        ends = (top + heights.get(key, _BEND_HEIGHT) for key, top in self._tops.items())
        self.bottom = _TOP + _MARGIN + max(ends, default=0.0)

    def _step(self, link: Link) -> int:
        return self._nodes[link.target].column - self._nodes[link.source].column

    def _bends(self, link: Link) -> bool:
        return abs(self._step(link)) > 1 and Column.LIBRARIES in self.lefts

    def _boxes(self) -> tuple[list[list[Box]], list[tuple[str, str]]]:
        """The boxes and links for `layout`, with a box for each link that crosses a column."""
        columns: dict[Column, list[Box]] = {column: [] for column in self.lefts}
        for node in self._graph.nodes:
            head = _FAMILY_HEAD if node.column is Column.RUNTIMES else 0
            box = Box(key=node.key, height=self.height(node), block=node.block, head=head)
            columns[node.column].append(box)
        pairs: dict[tuple[str, str], None] = {}
        for link in self._graph.links:
            if not self._bends(link):
                pairs[link.source, link.target] = None
                continue
            bend = _bend(link)
            if (link.source, bend) not in pairs:
                block = self._nodes[link.source].block
                columns[Column.LIBRARIES].append(Box(key=bend, height=_BEND_HEIGHT, block=block))
            pairs |= {(link.source, bend): None, (bend, link.target): None}
        return list(columns.values()), list(pairs)

    def height(self, node: Node) -> float:
        """The height of a box."""
        return _HEIGHT + _TAG if node.role else _HEIGHT

    def corner(self, node: Node) -> tuple[float, float]:
        """Left and top of a box."""
        return self.lefts[node.column], self._tops[node.key] + _TOP

    def families(self) -> list[tuple[str, int, float, float]]:
        """Heading of each block of runtimes: family, copies, x, y."""
        blocks: dict[str, list[float]] = defaultdict(list)
        for node in self._graph.nodes:
            if node.column is Column.RUNTIMES:
                blocks[node.block].append(self.corner(node)[1])
        x = self.lefts.get(Column.RUNTIMES, 0)
        return [(family, len(tops), x, min(tops)) for family, tops in blocks.items()]

    def degree(self, key: str) -> int:
        """The number of links of a node."""
        return sum(key in {link.source, link.target} for link in self._graph.links)

    def lines(self) -> list[Line]:
        """The links, with their ends spread over the sides of the boxes."""
        ports: dict[tuple[str, Side], list[tuple[float, int]]] = defaultdict(list)
        for at, link in enumerate(self._graph.links):
            for mine, other, side in self._ends(link):
                beyond = self._bend_height(link) if self._bends(link) else self._middle(other)
                ports[mine, side].append((beyond, at))
        heights = {}
        for (key, side), found in ports.items():
            offsets = self._spread(self._nodes[key], len(found))
            for (_, at), offset in zip(sorted(found), offsets, strict=True):
                heights[key, side, at] = self._middle(key) + offset
        return [self._routed(at, link, heights) for at, link in enumerate(self._graph.links)]

    def _ends(self, link: Link) -> tuple[tuple[str, str, Side], tuple[str, str, Side]]:
        step = self._step(link)
        leaves: Side = "left" if step < 0 else "right"
        arrives: Side = "left" if step > 0 else "right"
        return (link.source, link.target, leaves), (link.target, link.source, arrives)

    def _middle(self, key: str) -> float:
        node = self._nodes[key]
        return self.corner(node)[1] + self.height(node) / 2

    def _spread(self, node: Node, count: int) -> list[float]:
        step = min(_PORT, (self.height(node) - 2 * _PORT) / max(1, count - 1))
        return [(at - (count - 1) / 2) * step for at in range(count)]

    def _routed(self, at: int, link: Link, heights: dict[tuple[str, Side, int], float]) -> Line:
        (source, _, leaves), (target, _, arrives) = self._ends(link)
        bends: tuple[tuple[float, float, float], ...] = ()
        if self._bends(link):
            x = self.lefts[Column.LIBRARIES]
            way = (x, x + WIDTHS[Column.LIBRARIES])
            first, last = way if self._step(link) > 0 else way[::-1]
            bends = ((first, last, self._bend_height(link)),)
        return Line(
            link=link,
            start=(self._edge(source, leaves), heights[source, leaves, at]),
            bends=bends,
            end=(self._edge(target, arrives), heights[target, arrives, at]),
        )

    def _bend_height(self, link: Link) -> float:
        """Where a link crosses the middle column; each relation has its own height."""
        shift = 4.0 * (list(Relation).index(link.relation) - 1)
        return self._tops[_bend(link)] + _TOP + _BEND_HEIGHT / 2 + shift

    def _edge(self, key: str, side: Side) -> float:
        column = self._nodes[key].column
        return self.lefts[column] + (WIDTHS[column] if side == "right" else 0)


def _bend(link: Link) -> str:
    return f"{link.source}\n{link.target}"


def bulge(line: Line) -> float:
    """The width of the arc of a link within one column."""
    return min(42, 24 + abs(line.end[1] - line.start[1]) / 8)
