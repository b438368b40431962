"""A diagnosis as JSON keeps what its schema promises."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator
from sample_diagnosis import sample

from cxxrt_toolchain.report.documents import diagnosis_document
from cxxrt_toolchain.rules.rule import Severity


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    place = files("cxxrt_abi_tag_spec") / "schemas" / "doctor.schema.json"
    schema = json.loads(place.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_document_follows_its_schema(validator: Draft202012Validator) -> None:
    document = json.loads(json.dumps(diagnosis_document(sample())))
    validator.validate(document)
    assert document["healthy"] is False
    assert document["variables"] == {"LD_LIBRARY_PATH": "/opt/old"}
    assert document["libraries"][1]["family"] == "libstdc++"
    assert document["steps"][1]["outcome"] == "crashed"


def test_information_needs_no_action() -> None:
    diagnosis = sample()
    finding = replace(diagnosis.findings[0], severity=Severity.NOTE)
    assert replace(diagnosis, findings=(finding,)).healthy


def test_the_schema_refuses_what_it_does_not_know(validator: Draft202012Validator) -> None:
    document = json.loads(json.dumps(diagnosis_document(sample())))
    document["libraries"][0]["family"] = "libfoo"
    assert not validator.is_valid(document)
