"""The graph of a process: who owns, needs, opens and captures what.

In: a `ProcessView` and what the loader said. Out: `Edge`s. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.libraries import Origin
from cxxrt_toolchain.report.diagnosis import Edge, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cxxrt_toolchain.facts.loader_trace import Event
    from cxxrt_toolchain.facts.process import ProcessView

_EXAMPLES = 5
_make = tuple.__new__
"""An `Edge` of all of its fields in half of its own time; a process has a thousand."""


def edges_of(view: ProcessView, events: Iterable[Event] = ()) -> tuple[Edge, ...]:
    """All edges, by relation."""
    events = tuple(events)
    opened = _opens(view, events) if events else ()
    return (*_owns(view), *_needs(view), *opened, *_binds(view))


def _owns(view: ProcessView) -> list[Edge]:
    nodes = {each.name: each.node for each in view.packages}
    relation = Relation.OWNS
    return [
        _make(Edge, (nodes[each.package], each.path, relation, 1, ()))
        for each in view.libraries
        if each.package in nodes
    ]


def _needs(view: ProcessView) -> list[Edge]:
    """As the loader resolved them: the first object with the SONAME."""
    first = {each.soname: each.path for each in reversed(view.libraries)}
    found = {
        names: [first[name] for name in names if name in first]
        for names in set(view.needed.values())
    }
    relation = Relation.NEEDS
    return [
        _make(Edge, (source, target, relation, 1, ()))
        for source, names in view.needed.items()
        for target in found[names]
        if target != source
    ]


def _opens(view: ProcessView, events: Iterable[Event]) -> Iterator[Edge]:
    """Without what the interpreter opens for an import, which is every extension module."""
    by_name = {each.path: each for each in view.libraries}
    by_name |= {each.soname: each for each in reversed(view.libraries)}
    seen = set()
    for event in events:
        source, target = by_name.get(event.by), by_name.get(event.name)
        if source is None or target is None or (source.path, target.path) in seen:
            continue
        if event.by and event.kind.value == "opened" and source.origin is not Origin.INTERPRETER:
            seen.add((source.path, target.path))
            yield Edge(source=source.path, target=target.path, relation=Relation.OPENS)


def _binds(view: ProcessView) -> Iterator[Edge]:
    """Across packages, or into and out of a runtime; what one package does inside is its own."""
    if view.bindings is None:
        return
    for (source, target), rows in view.bindings.pairs.items():
        if source not in view.by_path or target not in view.by_path:
            continue
        if view.group(source) == view.group(target):
            continue
        yield Edge(
            source=source,
            target=target,
            relation=Relation.BINDS,
            count=len(rows),
            symbols=tuple(row.name for row in rows[:_EXAMPLES]),
        )
