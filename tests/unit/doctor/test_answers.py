"""What a file answered is believed of that file only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.doctor.answers import Answers

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = "/usr/bin/python3"


def _never() -> tuple[str, ...]:
    pytest.fail("the file is asked again")


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "libx.so"
    path.write_bytes(b"one")
    return str(path)


def _asked(folder: Path, file: str, names: tuple[str, ...] = ("b", "a")) -> None:
    answers = Answers(folder, PROGRAM, "test")
    assert answers.ask(file, "exported", names, lambda: ("a",)) == ("a",)
    assert answers.ask(file, "exported", names, _never) == ("a",)
    answers.save()


def test_an_answer_comes_back_for_the_same_names(tmp_path: Path, file: str) -> None:
    _asked(tmp_path / "cache", file)
    answers = Answers(tmp_path / "cache", PROGRAM, "test")
    assert answers.ask(file, "exported", {"a", "b"}, _never) == ("a",)
    assert answers.ask(file, "exported", {"a"}, lambda: ("other",)) == ("other",)
    assert answers.ask(file, "needed", {"a", "b"}, lambda: None) is None


def test_a_changed_file_and_another_program_are_asked(tmp_path: Path, file: str) -> None:
    _asked(tmp_path / "cache", file)
    for folder, program in ((None, PROGRAM), (tmp_path / "cache", "/usr/bin/other")):
        answers = Answers(folder, program, "test")
        assert answers.ask(file, "exported", ("a", "b"), lambda: ("new",)) == ("new",)
    (tmp_path / "libx.so").write_bytes(b"three")
    answers = Answers(tmp_path / "cache", PROGRAM, "test")
    assert answers.ask(file, "exported", ("a", "b"), lambda: ("new",)) == ("new",)


def test_a_file_that_is_gone_is_asked_each_time(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "cache", PROGRAM, "test")
    assert [answers.ask("/gone", "needed", (), lambda: n) for n in (1, 2)] == [1, 2]  # noqa: B023 - called at once


def test_what_is_asked_no_more_is_forgotten(tmp_path: Path, file: str) -> None:
    _asked(tmp_path / "cache", file, ("old",))
    _asked(tmp_path / "cache", file, ("new",))
    answers = Answers(tmp_path / "cache", PROGRAM, "test")
    assert answers.ask(file, "exported", ("old",), lambda: ()) == ()
    assert answers.ask(file, "exported", ("new",), _never) == ("a",)


@pytest.mark.parametrize("damage", [b"", b"cxxrt-answers"])
def test_a_damaged_table_is_empty(tmp_path: Path, file: str, damage: bytes) -> None:
    _asked(tmp_path / "cache", file)
    (table,) = (tmp_path / "cache").iterdir()
    table.write_bytes(damage)
    assert (
        Answers(tmp_path / "cache", PROGRAM, "test").ask(file, "exported", ("a", "b"), tuple) == ()
    )
