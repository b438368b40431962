"""Reports, verdicts, plans and diagnoses as JSON documents, by the specification's schemas."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.abi.tag import BadTagError
from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds, runtime_needs
from cxxrt_toolchain.rules.rule import CATALOGUE, Finding

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.symbols import SymbolTables
    from cxxrt_toolchain.facts.wheel import ObjectReport, SymbolSample, WheelReport
    from cxxrt_toolchain.repair.edits import Edit
    from cxxrt_toolchain.repair.plan import RepairPlan
    from cxxrt_toolchain.report.diagnosis import Diagnosis
    from cxxrt_toolchain.rules.wheel.verdict import Verdict

REPORT_SCHEMA = 1
VERDICT_SCHEMA = 2
"""2: the severity ``info`` is called ``note``; findings may be ignored, rules selected."""
PLAN_SCHEMA = 1
DIAGNOSIS_SCHEMA = 2
"""2: the severity ``info`` is called ``note``; findings may be ignored."""

_SAMPLES = (
    *("captures", "libstdcxx_strong", "libstdcxx_weak", "unique", "locale_ids", "cudart_defined"),
    *("other_runtimes", "old_strings_exported", "old_strings_needed", "old_strings_of_libstdcxx"),
    *("new_strings_exported", "new_strings_needed"),
)
_FINDING = (
    *("rule", "severity", "message", "culprits", "victims"),
    *("libraries", "evidence", "remedies", "ignored"),
)
"""The fields of a finding that concern installed packages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What became of one file that was to be judged."""

    path: Path
    verdict: Verdict | None = None
    error: str = ""
    """Why it cannot be judged."""


def checked_document(checked: Sequence[Checked]) -> dict[str, Any]:
    """What ``cxxrt check --format json`` prints."""
    return {
        "schema": VERDICT_SCHEMA,
        "wheels": [
            verdict_document(each.verdict)
            if each.verdict
            else {"schema": VERDICT_SCHEMA, "filename": each.path.name, "error": each.error}
            for each in checked
        ],
    }


def report_document(report: WheelReport, tables: SymbolTables) -> dict[str, Any]:
    """``report.schema.json``."""
    return {
        "schema": REPORT_SCHEMA,
        "filename": report.filename,
        **_fields(report.tags, "distribution", "version"),
        "tags": _fields(report.tags, "python", "abi", "platform", "label"),
        "runtime_abi": _runtime(report),
        "requires_dist": list(report.requires_dist),
        "needs": needs_document(runtime_needs(report, repaired=False), tables),
        "needs_if_repaired": needs_document(runtime_needs(report, repaired=True), tables),
        "objects": [_object(found) for found in report.every_object],
        "unreadable": [_fields(broken, "member", "reason") for broken in report.unreadable],
        "metadata_issues": list(report.metadata_issues),
    }


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """``verdict.schema.json``."""
    return {
        "schema": VERDICT_SCHEMA,
        "filename": verdict.filename,
        "judged_as": verdict.judged_as,
        "runtime_abi": verdict.runtime,
        "conforms": verdict.conforms,
        "selected": list(verdict.selected),
        "findings": [_finding(found) for found in verdict.findings],
    }


def diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """``doctor.schema.json``."""
    body = _plain(diagnosis)
    body["findings"] = [{key: row[key] for key in _FINDING} for row in body["findings"]]
    body["variables"] = dict(diagnosis.variables)
    return {"schema": DIAGNOSIS_SCHEMA, "healthy": diagnosis.healthy, **body}


def plan_document(plan: RepairPlan) -> dict[str, Any]:
    """``plan.schema.json``."""
    return {
        "schema": PLAN_SCHEMA,
        **_fields(plan, "source", "result", "possible"),
        "edits": [_edit(edit) for edit in plan.edits],
        "refusals": [
            {**_fields(each, "rule", "member", "reason"), "advice": each.unrepairable}
            for each in plan.refusals
        ],
        "notes": list(plan.notes),
    }


def needs_document(needs: RuntimeNeeds, tables: SymbolTables) -> dict[str, Any]:
    """What is needed of the runtime, and the requirement that provides it."""
    shortfall = needs.shortfall(tables, epoch=1)
    return {
        **_fields(needs, "libraries", "glibcxx"),
        "cuda": list(needs.cuda_majors),
        "openmp": needs.openmp,
        "requirement": None if shortfall else needs.requirement(tables, epoch=1),
        "shortfall": str(shortfall) if shortfall else None,
    }


def _runtime(report: WheelReport) -> str | None:
    try:
        return str(report.tags.runtime) if report.tags.runtime else None
    except BadTagError:
        return None


def _object(found: ObjectReport) -> dict[str, Any]:
    facts = found.facts
    versions: dict[str, list[str]] = {}
    for need in facts.version_needs:
        versions.setdefault(need.soname, []).append(need.version)
    return {
        "member": found.member,
        "size": found.size,
        **_fields(facts, "machine", "bits", "kind", "soname", "needed", "rpath", "runpath"),
        "version_needs": versions,
        **_fields(facts, "version_definitions", "executable_stack", "static_tls"),
        "gnu_properties": list(facts.gnu_properties),
        "copy_of": found.copy_of.value if found.copy_of else None,
        "static": [family.value for family in found.static],
        "symbols": {
            **{name: _sample(getattr(found.symbols, name)) for name in _SAMPLES},
            **_fields(found.symbols, "cudart_needed"),
        },
    }


def _fields(value: object, *names: str) -> dict[str, Any]:
    return {name: _plain(getattr(value, name)) for name in names}


def _sample(sample: SymbolSample) -> dict[str, Any]:
    return _fields(sample, "count", "examples")


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "title": CATALOGUE[found.rule].title,
        "severity": found.severity.value,
        **_fields(found, "ignored", "message", "member", "symbol", "version", "library"),
        "advice": found.remedies[0] if found.remedies else "",
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


def _edit(edit: Edit) -> dict[str, Any]:
    """The edit's fields, with its kind in front: ``ReplaceNeeded`` is ``replace-needed``."""
    kind = re.sub(r"(?<=.)(?=[A-Z])", "-", type(edit).__name__).lower()
    return {"edit": kind, **asdict(edit)}
