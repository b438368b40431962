"""The table of symptoms in tests/crashes/README.md, against the catalogue of rules."""

from __future__ import annotations

import re
from pathlib import Path

from cxxrt_toolchain.report.catalogue import load_catalogue
from cxxrt_toolchain.rules.every import CATALOGUE

TABLE = Path(__file__).parents[3] / "tests" / "crashes" / "README.md"


def rows() -> list[list[str]]:
    section = TABLE.read_text(encoding="utf-8").partition("## It crashed: what now?\n")[2]
    lines = section.partition("\n## ")[0].splitlines()
    table = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in table[1:]]


def test_every_row_has_a_symptom_a_remedy_and_rules_of_the_catalogue() -> None:
    catalogue = {*load_catalogue(), *(name for rule in CATALOGUE.values() for name in rule.aliases)}
    assert len(rows()) > 10
    for symptom, _, remedy, rules in rows():
        assert "`" in symptom or symptom[:5] == "crash"
        assert remedy
        found = re.findall(r"[A-Z][0-9]+", rules)
        assert found
        assert {f"CXXRT-{rule}" for rule in found} <= catalogue, rules


def test_every_error_of_the_doctor_is_reached_from_a_symptom() -> None:
    """D14 is about space; D24, D28 and D29 are about the diagnosis itself."""
    reached = {rule for row in rows() for rule in re.findall(r"[A-Z][0-9]+", row[3])}
    rules = {entry.removeprefix("CXXRT-") for entry in load_catalogue()}
    doctors = {rule for rule in rules if rule.startswith("D")}
    assert doctors - reached == {"D14", "D24", "D28", "D29"}
