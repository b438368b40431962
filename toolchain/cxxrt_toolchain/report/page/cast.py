"""Roles of packages and libraries of a `Diagnosis`: culprit, victim, evidence, uses a runtime."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.families import OPENMP_FAMILIES, RuntimeFamily
from cxxrt_toolchain.report.diagnosis import Diagnosis, Edge, Relation
from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.libraries import Library, Package

_ALWAYS = OPENMP_FAMILIES | {RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCXX, RuntimeFamily.LIBCUDART}
"""Families that are drawn even if there is one copy that no finding names."""
_IF_SEVERAL = {RuntimeFamily.LIBGCC, RuntimeFamily.LIBATOMIC}
"""Families that are drawn if there are two copies; all others only if a finding names them."""
_FEW_PACKAGES = 12
"""Up to this number, every package has its own node."""


class Role(Enum):
    """The role of a node in a finding."""

    CULPRIT = "culprit"
    VICTIM = "victim"
    EVIDENCE = "evidence"


class Cast:
    """Roles of the nodes of a diagnosis."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self.packages: dict[str, Package] = {each.node: each for each in diagnosis.packages}
        self.libraries: dict[str, Library] = {each.node: each for each in diagnosis.libraries}
        serious = [found for found in diagnosis.findings if found.severity is not Severity.NOTE]
        self.culprits = list(dict.fromkeys(name for found in serious for name in found.culprits))
        """The culprits of the worst finding come first."""
        self.victims = {name for found in serious for name in found.victims}
        self.evidence = {path for found in serious for path in found.libraries}
        copies = Counter(lib.family for lib in diagnosis.libraries)
        drawn = _ALWAYS | {family for family in _IF_SEVERAL if copies[family] > 1}
        self.runtimes: dict[str, Library] = {
            lib.path: lib
            for lib in diagnosis.libraries
            if lib.family in drawn or (lib.family and lib.path in self.evidence)
        }
        self._named = [frozenset(found.libraries) for found in serious]
        captures = filter(self.is_capture, diagnosis.edges)
        self.captured = {end for edge in captures for end in (edge.source, edge.target)}
        """Libraries at both ends of a capture that a finding names."""
        self.uses = self._uses(diagnosis)

    def is_capture(self, edge: Edge) -> bool:
        """Whether an error or a warning names both ends of a binding."""
        ends = {edge.source, edge.target}
        return edge.relation is Relation.BINDS and any(ends <= named for named in self._named)

    def _uses(self, diagnosis: Diagnosis) -> Mapping[str, set[str]]:
        """The runtimes that a package or its libraries need, by package node."""
        found: dict[str, set[str]] = defaultdict(set)
        for edge in (*diagnosis.edges, *owned(diagnosis).values()):
            owner = self.owner(edge.source)
            if owner and edge.target in self.runtimes:
                found[owner].add(edge.target)
        return found

    def owner(self, node: str) -> str | None:
        """The package node that is or owns a node; None if there is no such package."""
        if node in self.packages:
            return node
        library = self.libraries.get(node)
        owner = f"package:{library.package}" if library and library.package else None
        return owner if owner in self.packages else None

    def prominent(self) -> set[str]:
        """Package nodes that are not grouped."""
        named = {f"package:{name}" for name in (*self.culprits, *self.victims)}
        owners = {self.owner(node) for node in self.evidence | self.runtimes.keys()}
        found = named | {owner for owner in owners if owner}
        if len(self.uses) <= _FEW_PACKAGES:
            found |= self.uses.keys()
        return found & self.packages.keys()

    def role(self, node: str) -> Role | None:
        """The worst role of a node in errors and warnings."""
        if package := self.packages.get(node):
            if package.name in self.culprits:
                return Role.CULPRIT
            return Role.VICTIM if package.name in self.victims else None
        if node not in self.evidence:
            return None
        blamed = self.libraries[node].package in self.culprits
        return Role.CULPRIT if blamed else Role.EVIDENCE


def owned(diagnosis: Diagnosis) -> dict[tuple[str, str], Edge]:
    """The edges from packages to their libraries, recorded or by `Library.package`."""
    owners = (
        (f"package:{each.package}", each.path) for each in diagnosis.libraries if each.package
    )
    found = {ends: Edge(*ends, Relation.OWNS) for ends in owners}
    recorded = (edge for edge in diagnosis.edges if edge.relation is Relation.OWNS)
    return found | {(edge.source, edge.target): edge for edge in recorded}
