"""Every case below ``cases/`` is found by glob: adding one needs no code."""

from __future__ import annotations

import json
from pathlib import Path

import golden_case
import jsonschema
import pytest

from cxxrt_toolchain.report.catalogue import load_catalogue
from cxxrt_toolchain.rules.every import CATALOGUE
from cxxrt_toolchain.rules.wheel.claim import Claim

FOLDERS = sorted(path.parent for path in golden_case.CASES.glob("*/case.toml"))
OF_SEVERAL = "CXXRT-W6"
"""Needs two wheels, which a case has not; its cases are in ``tests/unit/cli/test_check.py``."""
RULES = sorted(rule.id for rule in CATALOGUE.values() if Claim in rule.scenes)
SCHEMAS = Path(__file__).parents[2] / "abi-tag-spec" / "cxxrt_abi_tag_spec" / "schemas"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_tools_say_what_the_case_expects(folder: Path, tmp_path: Path) -> None:
    found = golden_case.documents(golden_case.load_case(folder), tmp_path)
    expected = {
        path.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")
    }
    assert found == expected


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_expected_documents_conform_to_their_schemas(folder: Path) -> None:
    for path in folder.glob("*.json"):
        schema = json.loads((SCHEMAS / f"{path.stem}.schema.json").read_text(encoding="utf-8"))
        document = json.loads(path.read_text(encoding="utf-8"))
        if path.name == "plan.json":
            for edit in document["edits"]:
                if edit["edit"] == "add-file":
                    edit["content"] = ""
        jsonschema.Draft202012Validator(schema).validate(document)


def test_every_rule_has_a_case_where_it_fires() -> None:
    fired = {
        finding["rule"]
        for folder in FOLDERS
        for finding in json.loads((folder / "verdict.json").read_text(encoding="utf-8"))["findings"]
    }
    assert set(RULES) - fired == {OF_SEVERAL}


def test_every_rule_has_a_case_where_it_comes_close_and_does_not_fire() -> None:
    for rule in set(RULES) - {OF_SEVERAL}:
        near = [
            folder for folder in FOLDERS if rule in golden_case.load_case(folder).get("not", [])
        ]
        assert near, f"{rule} has no negative case"
        for folder in near:
            verdict = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
            assert rule not in {finding["rule"] for finding in verdict["findings"]}, folder.name


def test_every_entry_of_the_catalogue_has_the_same_four_paragraphs() -> None:
    for entry in load_catalogue().values():
        heads = [line.partition("**")[2].partition("**")[0] for line in entry.text.splitlines()]
        assert [head for head in heads if head in {"Symptom.", "Cause.", "Evidence.", "Fix."}] == [
            "Symptom.",
            "Cause.",
            "Evidence.",
            "Fix.",
        ], entry.rule
