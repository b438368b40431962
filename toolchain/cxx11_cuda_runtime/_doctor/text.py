"""A ``Diagnosis`` as text or JSON, for ``python -m cxx11_cuda_runtime doctor``."""

from __future__ import annotations

import json
from dataclasses import asdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxx11_cuda_runtime._diagnosis import Diagnosis

SCHEMA = 2
"""Version of ``diagnosis.schema.json``."""


def as_json(diagnosis: Diagnosis) -> str:
    """The document, with sorted keys."""
    facts = asdict(diagnosis.facts)
    document = {
        "schema": SCHEMA,
        "healthy": diagnosis.healthy,
        "process": {
            **{key: facts[key] for key in ("state", "version", "python", "glibc")},
            "environment": dict(diagnosis.facts.environment),
        },
        "libraries": facts["libraries"],
        "objects": facts["objects"],
        "findings": [asdict(finding) for finding in diagnosis.findings],
        "full_doctor": facts["full_doctor"],
    }
    return json.dumps(document, indent=2, sort_keys=True)


def as_text(diagnosis: Diagnosis) -> str:
    """The lines for a person."""
    return "\n".join(_lines(diagnosis))


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    facts = diagnosis.facts
    owners = {each.path: each.distribution for each in facts.objects if each.distribution}
    yield f"cxx11-cuda-runtime {facts.version}, {facts.state}"
    yield f"  Python {facts.python}, {facts.glibc or 'no glibc'}, {len(facts.objects)} objects"
    for name, value in facts.environment:
        yield f"  {name}={value}"
    rows: list[tuple[str, str, str, str]] = [
        (each.soname, each.version, each.found_via, each.path) for each in facts.libraries
    ]
    known = {row[3] for row in rows}
    others = [each for each in facts.objects if each.is_runtime and each.path not in known]
    rows += [(each.soname, "", "another", each.path) for each in others]
    for soname, version, found_via, path in rows:
        owner = f" ({owners[path]})" if path in owners else ""
        yield f"  {soname:<16} {version or '-':<7} {found_via:<15} {path}{owner}"
    for finding in diagnosis.findings:
        yield f"{finding.severity}: [{finding.rule}] {finding.message}"
        yield from (f"    - {remedy}" for remedy in finding.remedies)
    if facts.full_doctor:
        yield f"copies, captured symbols, OpenMP, CUDA: {facts.full_doctor}"
    yield "the runtime itself is healthy" if diagnosis.healthy else "not healthy"
