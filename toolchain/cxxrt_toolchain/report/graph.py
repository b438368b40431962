"""The facts and findings of an environment -> its `Diagnosis`.

In: `EnvironmentFacts` and what the rules found. Out: packages, the libraries that play a part, and
the edges between them. No judgement here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.libraries import Package, Places
from cxxrt_toolchain.report.diagnosis import Diagnosis, Edge, Relation, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cxxrt_toolchain.facts.environment import EnvironmentFacts, Member
    from cxxrt_toolchain.rules.rule import Finding


def draw(facts: EnvironmentFacts, findings: tuple[Finding, ...]) -> Diagnosis:
    """Everything that was seen, as the page and the tables want it."""
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
    parts = {name for found in findings for name in (*found.culprits, *found.victims)}
    for distribution in facts.environment.distributions:
        if distribution.name in counts or distribution.name in parts:
            yield Package(
                name=distribution.name,
                version=distribution.version,
                objects=counts.get(distribution.name, 0),
                location=distribution.location,
            )


def _edges(facts: EnvironmentFacts, members: Iterable[Member]) -> Iterator[Edge]:
    """Who brings which runtime, and whose runtime each package would use."""
    for member in members:
        node = f"package:{member.name}"
        for each in member.objects:
            if each.copy_of is not None or each.static:
                yield Edge(source=node, target=each.path, relation=Relation.OWNS)
        inside = {each.name: each.path for each in member.objects if each.copy_of}
        used: dict[str, int] = {}
        for each in member.objects:
            for name in each.facts.needed:
                target = facts.own.get((each.path, name)) or inside.get(name)
                if target is None and (found := facts.candidates.get(name)):
                    target = found[0].path
                if target and target in facts.by_path and facts.by_path[target].copy_of:
                    used[target] = used.get(target, 0) + 1
        for target, count in sorted(used.items()):
            yield Edge(source=node, target=target, relation=Relation.NEEDS, count=count)
