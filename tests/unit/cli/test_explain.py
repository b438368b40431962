"""``cxxrt explain``: entries of the catalogue, however the rule is spelled."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.cli import main
from cxxrt_toolchain.report.catalogue import parse_catalogue
from cxxrt_toolchain.rules.every import CATALOGUE


@pytest.mark.parametrize("spelling", ["CXXRT-H8", "cxxrt-h8", "h8", "H8"])
def test_a_rule_is_found_however_it_is_spelled(
    spelling: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", spelling]) == 0
    out = capsys.readouterr().out
    assert out.startswith("CXXRT-H8: Exports symbols that libstdc++ refers to")
    assert "**Fix.**" in out


@pytest.mark.parametrize("rule", sorted(CATALOGUE))
def test_every_rule_can_be_explained(rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", rule]) == 0
    assert CATALOGUE[rule].title in capsys.readouterr().out


@pytest.mark.parametrize("earlier", ["D4", "L101"])
def test_the_earlier_id_of_a_merged_rule_leads_to_its_entry(
    earlier: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", earlier]) == 0
    out = capsys.readouterr().out
    assert f"Earlier ids: CXXRT-{earlier}." in out


def test_an_unknown_rule_is_2_and_names_its_neighbours(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "H81"]) == 2
    assert "CXXRT-H8" in capsys.readouterr().err


def test_without_a_rule_the_catalogue_is_printed_as_a_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["rule", "judges", "title"]
    assert {row.split()[0] for row in rows} == set(CATALOGUE)
    (executable_stack,) = (row for row in rows if row.startswith("CXXRT-H12 "))
    assert "wheel" in executable_stack
    assert executable_stack.endswith("Executable stack")


def test_an_entry_says_what_it_judges_and_that_it_cannot_be_ignored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "T1"]) == 0
    assert "Judges: wheel. Cannot be ignored: it breaks what" in capsys.readouterr().out


def test_an_entry_ends_where_the_next_heading_begins() -> None:
    entries = parse_catalogue(
        "# Top\n\n## CXXRT-A1: One\n\nfirst\n\n## CXXRT-A2: Two\n\nsecond\n\n# Next part\n\nprose\n"
    )
    assert [(e.rule, e.title, e.text) for e in entries.values()] == [
        ("CXXRT-A1", "One", "first"),
        ("CXXRT-A2", "Two", "second"),
    ]
