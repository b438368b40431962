"""The graph of an environment or a process: packages, libraries, and the edges between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.libraries import Origin, Package, Places
from cxxrt_toolchain.report.diagnosis import Diagnosis, Edge, Relation, Subject

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.environment import EnvironmentFacts
    from cxxrt_toolchain.facts.imports.run import Event
    from cxxrt_toolchain.facts.members import Member
    from cxxrt_toolchain.facts.process import ProcessView
    from cxxrt_toolchain.rules.rule import Finding

_EXAMPLES = 5
"""Symbols of a binding that its edge names."""


def draw(facts: EnvironmentFacts, findings: tuple[Finding, ...]) -> Diagnosis:
    """The diagnosis of an environment, with the libraries that an edge or a finding names."""
    interpreter = facts.environment.interpreter
    members = (*facts.members, *([facts.runtime] if facts.runtime else []))
    edges = tuple(_edges(facts, members))
    paths = {edge.target for edge in edges}
    paths.update(path for found in findings for path in found.libraries)
    places = Places(environment=facts.environment)
    return Diagnosis(
        subject=Subject.ENVIRONMENT,
        title=interpreter.prefix,
        python=interpreter.python,
        executable=interpreter.executable,
        glibc=interpreter.glibc,
        variables=facts.variables,
        packages=tuple(sorted(_packages(facts, members, findings))),
        libraries=tuple(
            places.library(path, facts.by_path.get(path)) for path in sorted(paths) if path
        ),
        edges=edges,
        steps=(),
        findings=findings,
    )


def _packages(
    facts: EnvironmentFacts, members: Iterable[Member], findings: Iterable[Finding]
) -> Iterator[Package]:
    counts = {member.name: len(member.objects) for member in members}
    named = {name for found in findings for name in (*found.culprits, *found.victims)}
    for each in facts.environment.distributions:
        if each.name in counts or each.name in named:
            objects = counts.get(each.name, 0)
            yield Package(
                name=each.name, version=each.version, objects=objects, location=each.location
            )


def _edges(facts: EnvironmentFacts, members: Iterable[Member]) -> Iterator[Edge]:
    """Which runtimes each package brings, and which it would use."""
    for member in members:
        node = f"package:{member.name}"
        for each in member.objects:
            if each.copy_of is not None or each.static:
                yield Edge(node, each.path, Relation.OWNS)
        inside = {each.name: each.path for each in member.objects if each.copy_of}
        used: Counter[str] = Counter()
        for each in member.objects:
            for name in each.facts.needed:
                target = facts.own.get((each.path, name)) or inside.get(name)
                if target is None and (found := facts.candidates.get(name)):
                    target = found[0].path
                if target and target in facts.by_path and facts.by_path[target].copy_of:
                    used[target] += 1
        for target, count in sorted(used.items()):
            yield Edge(node, target, Relation.NEEDS, count)


def edges_of(view: ProcessView, events: Iterable[Event] = ()) -> tuple[Edge, ...]:
    """The edges of a process, by relation; `events` of the loader's trace tell who opened what."""
    return (*_owns(view), *_needs(view), *_opens(view, events), *_binds(view))


def _owns(view: ProcessView) -> list[Edge]:
    nodes = {each.name: each.node for each in view.packages}
    owners = ((nodes.get(each.package or ""), each.path) for each in view.libraries)
    return [Edge(owner, path, Relation.OWNS) for owner, path in owners if owner]


def _needs(view: ProcessView) -> list[Edge]:
    """Each need leads to the first object with the SONAME, as the loader resolves it."""
    first = {each.soname: each.path for each in reversed(view.libraries)}
    found = {
        names: [first[name] for name in names if name in first]
        for names in set(view.needed.values())
    }
    return [
        Edge(source, target, Relation.NEEDS)
        for source, names in view.needed.items()
        for target in found[names]
        if target != source
    ]


def _opens(view: ProcessView, events: Iterable[Event]) -> Iterator[Edge]:
    """Calls of dlopen, without the interpreter's, which open extension modules."""
    by_name = {each.path: each for each in view.libraries}
    by_name |= {each.soname: each for each in reversed(view.libraries)}
    seen = set()
    for event in events:
        source, target = by_name.get(event.by), by_name.get(event.name)
        if source is None or target is None or (source.path, target.path) in seen:
            continue
        if event.by and event.kind.value == "opened" and source.origin is not Origin.INTERPRETER:
            seen.add((source.path, target.path))
            yield Edge(source.path, target.path, Relation.OPENS)


def _binds(view: ProcessView) -> Iterator[Edge]:
    """Bindings between packages, or between a package and a runtime."""
    if view.bindings is None:
        return
    for (source, target), rows in view.bindings.pairs.items():
        known = source in view.by_path and target in view.by_path
        if known and view.group(source) != view.group(target):
            symbols = tuple(row.name for row in rows[:_EXAMPLES])
            yield Edge(source, target, Relation.BINDS, len(rows), symbols)
