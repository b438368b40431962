"""What the lines and marks of the drawing mean: those that are in it, and no others.

In: a graph. Out: markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.report.diagnosis import Relation
from cxxrt_toolchain.report.page.cast import Role
from cxxrt_toolchain.report.page.findings import icon
from cxxrt_toolchain.report.page.markup import Html, element

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.report.page.graph import Graph

_LINES = (
    (Relation.OWNS, False, "brings"),
    (Relation.NEEDS, False, "needs"),
    (Relation.OPENS, False, "opens at run time"),
    (Relation.BINDS, False, "symbols bound to"),
    (Relation.BINDS, True, "symbols captured by"),
)


def legend(graph: Graph) -> Html:
    """The list above the drawing."""
    return element(
        "ul", *_items(graph), class_="legend", aria_label="What the lines and marks mean"
    )


def _items(graph: Graph) -> Iterator[Html]:
    drawn = {(link.relation, link.serious) for link in graph.links}
    for relation, serious, words in _LINES:
        if (relation, serious) in drawn:
            path = element(
                "path",
                class_=f"link {relation.value}{' serious' if serious else ''}",
                d="M1 6h31",
            )
            yield element(
                "li", element("svg", path, width=34, height=12, aria_hidden="true"), f" {words}"
            )
    roles = {node.role for node in graph.nodes}
    for role in Role:
        if role in roles:
            yield element("li", icon(role.value), f" {role.value}")
    if any(lib.order is not None for node in graph.nodes for lib in node.libraries):
        yield element("li", element("b", "#3"), " third to be loaded")
    if any(link.count > 1 and link.relation is Relation.NEEDS for link in graph.links):
        yield element("li", element("b", "12"), " by so many objects")
