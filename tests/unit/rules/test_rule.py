"""The engine: declarations, and what `judge` adds to a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.rules import rule as engine
from cxxrt_toolchain.rules.rule import Finding, Severity, judge, rule

if TYPE_CHECKING:
    from collections.abc import Iterator


class Wheel:
    """A scene."""


class Process:
    """Another one."""


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch) -> dict[str, engine.Rule]:
    declared: dict[str, engine.Rule] = {}
    monkeypatch.setattr(engine, "CATALOGUE", declared)
    return declared


def _note(_scene: object) -> Iterator[Finding]:
    yield Finding(severity=Severity.NOTE, message="said")


def test_judge_fills_in_what_the_declaration_says(catalogue: dict[str, engine.Rule]) -> None:
    rule("X1", "One", on=(Wheel,), remedies=("do",), unrepairable="rebuild", promise=True)(_note)
    (found,) = judge(Wheel(), catalogue=catalogue)
    assert (found.rule, found.remedies, found.unrepairable) == ("X1", ("do",), "rebuild")
    assert found.promise
    assert judge(Process(), catalogue=catalogue) == ()


def test_a_rule_may_have_a_check_for_each_type_of_scene(catalogue: dict[str, engine.Rule]) -> None:
    rule("X1", "One", on=(Wheel,), remedies=("repair",))(_note)
    rule("X1", "One", on=(Process,), remedies=("restart",), aliases=("X9",))(_note)
    assert [found.remedies for found in judge(Process(), catalogue=catalogue)] == [("restart",)]
    assert [found.remedies for found in judge(Wheel(), catalogue=catalogue)] == [("repair",)]
    assert catalogue["X1"].scenes == (Wheel, Process)
    assert catalogue["X1"].aliases == ("X9",)


@pytest.mark.parametrize(
    ("name", "title", "on", "aliases"),
    [
        ("X1", "One", (Wheel,), ()),
        ("X1", "Another title", (Process,), ()),
        ("X2", "Two", (Process,), ("X1",)),
        ("X2", "Two", (Process,), ("X9",)),
        ("X9", "Nine", (Process,), ()),
    ],
)
def test_what_is_taken_cannot_be_declared(
    name: str, title: str, on: tuple[type, ...], aliases: tuple[str, ...]
) -> None:
    rule("X1", "One", on=(Wheel,), aliases=("X9",))(_note)
    with pytest.raises(ValueError, match="declared twice: X"):
        rule(name, title, on=on, aliases=aliases)(_note)
