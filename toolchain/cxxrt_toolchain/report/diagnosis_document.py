"""A `Diagnosis` -> its JSON document, schema ``doctor.schema.json`` of the specification.

In: values. Out: dictionaries of JSON types, keys as the schema names them. Writes nothing.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxxrt_toolchain.report.diagnosis import Diagnosis

SCHEMA = 1
_FINDING = (
    *("rule", "severity", "message", "culprits", "victims"),
    *("libraries", "evidence", "remedies"),
)
"""The fields of a finding that concern installed packages."""


def diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The document of ``cxxrt doctor --json``."""
    body = _plain(diagnosis)
    body["findings"] = [{key: row[key] for key in _FINDING} for row in body["findings"]]
    return {"schema": SCHEMA, "healthy": diagnosis.healthy} | {
        **body,
        "variables": dict(diagnosis.variables),
    }


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        named = getattr(value, "_asdict", None)
        if named is not None:
            return {name: _plain(each) for name, each in named().items()}
        return [_plain(each) for each in value]
    return value
