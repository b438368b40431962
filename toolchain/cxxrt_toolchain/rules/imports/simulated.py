"""A message of the loader, explained by what the environment's rules say of the same object.

The simulation of the loader (`facts.loading`) knows which file was to serve the object, and why
another one does; the message names the object only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.rules.imports.loader_messages import STACK, UNDEFINED, VERSION
from cxxrt_toolchain.rules.remedies import imported_before
from cxxrt_toolchain.rules.rule import Finding, Severity, error, judge

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.environment import EnvironmentFacts
    from cxxrt_toolchain.facts.imports.run import ImportScene

_RULES = (
    (VERSION, ("CXXRT-D10", "CXXRT-D3")),
    (UNDEFINED, ("CXXRT-D10", "CXXRT-P7", "CXXRT-D6", "CXXRT-D11")),
    (STACK, ("CXXRT-H12",)),
)
"""A kind of message, and the rules that explain it."""


def explained(text: str, scene: ImportScene, said: list[Finding]) -> list[Finding]:
    """The findings of a message, with the environment's in their place where there is one."""
    facts = scene.facts
    for pattern, rules in _RULES if facts else ():
        if facts and (match := pattern.search(text)):
            known = judge(facts, only=rules)
            same = (each for each in known if _is_about(each, match, facts))
            overtaken = _overtaken(scene, facts, match) if pattern is UNDEFINED else ()
            found = next(iter(same), None) or next(iter(overtaken), None)
            if found is not None:
                evidence = (match[0], *found.evidence)
                return [replace(found, severity=Severity.ERROR, evidence=evidence)]
            break
    return said


def _is_about(found: Finding, match: re.Match[str], facts: EnvironmentFacts) -> bool:
    """Whether it is about the object of a message, which may be named by its SONAME."""
    by = match["by"]
    if "/" not in by:
        return any(path.endswith(f"/{by}") for path in found.libraries)
    return by in found.libraries and facts.package_of(by) in (*found.culprits, *found.victims)


def _overtaken(
    scene: ImportScene, facts: EnvironmentFacts, match: re.Match[str]
) -> Iterator[Finding]:
    """Alone the object gets what it needs; here another package's library came first."""
    by, symbol, view = match["by"], match["name"], scene.view
    mapped = {each.soname: each for each in reversed(view.libraries)}
    rows = (each.edges[by] for each in facts.loads.opened if by in each.edges)
    for name, alone in next(rows, {}).items():
        library, owner = mapped.get(name), facts.package_of(alone)
        if library is not None and library.package and library.package != owner:
            user = facts.package_of(by)
            yield error(
                f"{facts.label(by)} needs {symbol}, and {library.path} lacks it: "
                f"{view.label(library.path)} was imported before, and alone it gets {alone}",
                rule="CXXRT-D3",
                culprits=(library.package,),
                victims=(user,) if user else (),
                libraries=(by, library.path, alone),
                remedies=(imported_before(user or "it", library.package),),
            )
