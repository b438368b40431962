"""Reports, verdicts and diagnoses as JSON documents, by the specification's schemas.

In: frozen values. Out: dictionaries and lists in a stable order. The keys are the schemas'.
"""

from __future__ import annotations

from dataclasses import asdict, fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.abi.tag import BadTagError
from cxxrt_toolchain.facts.needs import runtime_needs
from cxxrt_toolchain.rules.titles import RULES

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.symbols import SymbolTables
    from cxxrt_toolchain.facts.needs import RuntimeNeeds
    from cxxrt_toolchain.facts.wheel import ObjectReport, SymbolSample, WheelReport
    from cxxrt_toolchain.report.diagnosis import Diagnosis
    from cxxrt_toolchain.rules.rule import Finding
    from cxxrt_toolchain.rules.wheel.verdict import Verdict

SCHEMA = 1
DIAGNOSIS_SCHEMA = 2
"""2: the severity ``info`` is called ``note``."""

_SAMPLES = (
    "captures",
    "libstdcxx_strong",
    "libstdcxx_weak",
    "unique",
    "locale_ids",
    "cudart_defined",
    "other_runtimes",
    "old_strings_exported",
    "old_strings_needed",
    "old_strings_of_libstdcxx",
    "new_strings_exported",
    "new_strings_needed",
)

_FINDING = (
    *("rule", "severity", "message", "culprits", "victims"),
    *("libraries", "evidence", "remedies"),
)
"""The fields of a finding that concern installed packages."""


def report_document(report: WheelReport, tables: SymbolTables) -> dict[str, Any]:
    """``report.schema.json``."""
    return {
        "schema": SCHEMA,
        "filename": report.filename,
        "distribution": report.tags.distribution,
        "version": report.tags.version,
        "tags": {
            "python": list(report.tags.python),
            "abi": list(report.tags.abi),
            "platform": list(report.tags.platform),
            "label": report.tags.label,
        },
        "runtime_abi": _runtime(report),
        "requires_dist": list(report.requires_dist),
        "needs": needs_document(runtime_needs(report, repaired=False), tables),
        "needs_if_repaired": needs_document(runtime_needs(report, repaired=True), tables),
        "objects": [_object(found) for found in report.objects],
        "unreadable": [asdict(broken) for broken in report.unreadable],
        "metadata_issues": list(report.metadata_issues),
    }


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """``verdict.schema.json``."""
    return {
        "schema": SCHEMA,
        "filename": verdict.filename,
        "judged_as": verdict.judged_as,
        "runtime_abi": verdict.runtime,
        "conforms": verdict.conforms,
        "findings": [_finding(found) for found in verdict.findings],
    }


def diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """``doctor.schema.json``."""
    body = _plain(diagnosis)
    body["findings"] = [{key: row[key] for key in _FINDING} for row in body["findings"]]
    return {"schema": DIAGNOSIS_SCHEMA, "healthy": diagnosis.healthy} | {
        **body,
        "variables": dict(diagnosis.variables),
    }


def needs_document(needs: RuntimeNeeds, tables: SymbolTables) -> dict[str, Any]:
    """What is needed of the runtime, and the requirement that provides it."""
    shortfall = needs.shortfall(tables, epoch=1)
    return {
        "libraries": list(needs.libraries),
        "glibcxx": needs.glibcxx,
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
        "machine": facts.machine,
        "bits": facts.bits,
        "kind": facts.kind,
        "soname": facts.soname,
        "needed": list(facts.needed),
        "rpath": facts.rpath,
        "runpath": facts.runpath,
        "version_needs": versions,
        "version_definitions": list(facts.version_definitions),
        "executable_stack": facts.executable_stack,
        "static_tls": facts.static_tls,
        "gnu_properties": list(facts.gnu_properties),
        "copy_of": found.copy_of.value if found.copy_of else None,
        "static": [family.value for family in found.static],
        "symbols": {
            **{name: _sample(getattr(found.symbols, name)) for name in _SAMPLES},
            "cudart_needed": list(found.symbols.cudart_needed),
        },
    }


def _sample(sample: SymbolSample) -> dict[str, Any]:
    return {"count": sample.count, "examples": list(sample.examples)}


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "title": RULES[found.rule],
        "severity": found.severity.value,
        "message": found.message,
        "member": found.member,
        "symbol": found.symbol,
        "version": found.version,
        "library": found.library,
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
