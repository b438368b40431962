"""``cxxrt doctor --select`` and ``--ignore``."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from sample_diagnosis import sample

from cxxrt_toolchain.cli import doctor, main
from cxxrt_toolchain.rules.rule import Severity

SCHEMAS = Path(__file__).parents[3] / "abi-tag-spec" / "cxxrt_abi_tag_spec" / "schemas"
SERIOUS = sorted({found.rule for found in sample().findings if found.severity != Severity.NOTE})


@pytest.fixture(autouse=True)
def diagnosed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_diagnose", lambda _: sample())


def test_ignored_findings_are_shown_and_decide_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 1
    assert main(["doctor", "--ignore", ",".join(SERIOUS)]) == 0
    out = capsys.readouterr().out
    assert f"{len(SERIOUS)} ignored" in out
    assert all(f"ignored  {rule}" in out for rule in SERIOUS)


def test_they_are_marked_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--ignore", SERIOUS[0]]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    schema = json.loads((SCHEMAS / "doctor.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert {row["rule"] for row in document["findings"] if row["ignored"]} == {SERIOUS[0]}


def test_they_are_marked_on_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert main(["doctor", "--html", str(page), "--ignore", ",".join(SERIOUS)]) == 0
    text = page.read_text(encoding="utf-8")
    assert f"{len(SERIOUS)} ignored" in text
    assert "rror, ignored" in text


def test_only_selected_rules_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--select", "W5"]) == 0
    assert main(["doctor", "--select", SERIOUS[0]]) == 1
    assert not any(rule in capsys.readouterr().out for rule in SERIOUS[1:])


def test_an_unknown_rule_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--ignore", "D99"]) == 2
    assert "no rule 'D99'" in capsys.readouterr().err
