"""Which rules ``--select`` and ``--ignore`` stand for, and what becomes of findings."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.rules.every import CATALOGUE
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.rules.selection import Selection, find_rule, read_selection

PROMISED = [f"T{number}" for number in range(8)]
PROMISED += ["P1", "P2", "P3", "P4", "P5", "P6", "P9", "W3", "W4"]


def finding(rule: str, *, promise: bool = False) -> Finding:
    return Finding(rule=rule, severity=Severity.ERROR, message="bad", promise=promise)


@pytest.mark.parametrize("text", ["CXXRT-H12", "cxxrt-h12", "h12", " H12 "])
def test_an_id_may_be_written_with_and_without_the_prefix(text: str) -> None:
    assert find_rule(text, CATALOGUE).id == "CXXRT-H12"


def test_the_id_of_a_rule_that_was_merged_is_the_rule_that_it_became() -> None:
    assert find_rule("D4", CATALOGUE).id == "CXXRT-L105"


def test_an_id_is_not_the_beginning_of_others() -> None:
    assert read_selection(["H1"], [], CATALOGUE).selected == {"CXXRT-H1"}


def test_letters_stand_for_all_rules_that_begin_so() -> None:
    found = read_selection(["L10,W1", "H12"], [], CATALOGUE).selected
    assert {"CXXRT-L102", "CXXRT-L105", "CXXRT-W1", "CXXRT-H12"} <= found
    assert not {"CXXRT-L001", "CXXRT-W2", "CXXRT-H1"} & found


@pytest.mark.parametrize("text", ["X9", "H81", "", "CXXRT-", "H1,", "H12;H13"])
def test_what_fits_no_rule_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="no rule"):
        read_selection([text], [], CATALOGUE)
    with pytest.raises(UsageError, match="no rule"):
        read_selection([], [text], CATALOGUE)


@pytest.mark.parametrize("text", [*PROMISED, "T"])
def test_a_rule_that_breaks_the_promise_of_a_tag_cannot_be_ignored(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be ignored: it breaks what the wheel's tag"):
        read_selection([], [text], CATALOGUE)
    assert read_selection([text], [], CATALOGUE).selected


def test_the_rules_that_cannot_be_ignored_are_those_that_the_catalogue_names() -> None:
    promised = {rule.id.removeprefix("CXXRT-") for rule in CATALOGUE.values() if rule.promise}
    assert promised == set(PROMISED)


def test_ignored_findings_stay_come_last_and_weigh_nothing() -> None:
    chosen = Selection(ignored=frozenset({"CXXRT-H12"}))
    found = chosen.apply([finding("CXXRT-H12"), finding("CXXRT-W1")])
    assert [(each.rule, each.ignored, each.weight) for each in found] == [
        ("CXXRT-W1", False, Severity.ERROR),
        ("CXXRT-H12", True, Severity.NOTE),
    ]
    assert found[1].severity is Severity.ERROR


def test_only_selected_findings_are_shown() -> None:
    chosen = Selection(selected=frozenset({"CXXRT-W1"}))
    found = chosen.apply([finding("CXXRT-H12"), finding("CXXRT-W1")])
    assert [each.rule for each in found] == ["CXXRT-W1"]


def test_a_finding_that_breaks_the_promise_of_this_wheel_cannot_be_ignored() -> None:
    chosen = Selection(ignored=frozenset({"CXXRT-H4"}))
    assert chosen.apply([finding("CXXRT-H4")])[0].ignored
    with pytest.raises(UsageError, match="CXXRT-H4 cannot be ignored"):
        chosen.apply([finding("CXXRT-H4", promise=True)])
