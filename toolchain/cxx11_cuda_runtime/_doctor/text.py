"""``python -m cxx11_cuda_runtime doctor``: a diagnosis as text or JSON.

What goes in: a ``Diagnosis``. What comes out: lines for a person, or a document of schema 1.
"""

from __future__ import annotations

import json
from dataclasses import asdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxx11_cuda_runtime._diagnosis import Diagnosis

SCHEMA = 1


def as_json(diagnosis: Diagnosis) -> str:
    """Write the document: facts and findings, keys sorted."""
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
    }
    return json.dumps(document, indent=2, sort_keys=True)


def as_text(diagnosis: Diagnosis) -> str:
    """Write the lines."""
    return "\n".join(_lines(diagnosis))


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    facts = diagnosis.facts
    yield f"cxx11-cuda-runtime {facts.version}, {facts.state}"
    yield f"  Python {facts.python}, {facts.glibc or 'no glibc'}, {len(facts.objects)} objects"
    for name, value in facts.environment:
        yield f"  {name}={value}"
    for each in facts.libraries:
        yield f"  {each.soname:<16} {each.version or '-':<7} {each.found_via:<15} {each.path}"
    for finding in diagnosis.findings:
        yield f"{finding.severity}: [{finding.rule}] {finding.message}"
        yield from (f"    - {remedy}" for remedy in finding.remedies)
    yield "healthy" if diagnosis.healthy else "not healthy"
