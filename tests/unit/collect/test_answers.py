"""What a file answered is believed of that file only."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.collect.answers import NO_NAMES, Answers
from cxxrt_toolchain.collect.store import Store, identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cxxrt_toolchain.elf.reader import SparseElf

pytestmark = pytest.mark.usefixtures("settled")
OTHERWISE: tuple[str, ...] = ("otherwise",)


def _never(_elf: SparseElf) -> tuple[str, ...]:
    pytest.fail("the file is asked again")


def _says(*names: str) -> Callable[[SparseElf], tuple[str, ...]]:
    return lambda _elf: names


@pytest.fixture
def file(elf_fixture: Callable[[str], Path], tmp_path: Path) -> str:
    return shutil.copy(elf_fixture("libown.so"), str(tmp_path / "libx.so"))


def _asked(folder: Path, file: str, names: tuple[str, ...] = ("b", "a")) -> None:
    answers = Answers(Store(folder), "test")
    assert answers.ask(file, "exported", names, _says("a"), NO_NAMES) == ("a",)
    assert answers.ask(file, "exported", names, _never, NO_NAMES) == ("a",)
    answers.save()


def test_an_answer_comes_back_for_the_same_names(tmp_path: Path, file: str) -> None:
    _asked(tmp_path / "cache", file)
    answers = Answers(Store(tmp_path / "cache"), "test")
    assert answers.ask(file, "exported", {"a", "b"}, _never, NO_NAMES) == ("a",)
    assert answers.ask(file, "exported", {"a"}, _says("other"), NO_NAMES) == ("other",)
    assert answers.ask(file, "needed", {"a", "b"}, lambda _elf: None, None) is None


def test_a_changed_file_is_asked_again_and_so_is_one_for_another_use(
    tmp_path: Path, file: str
) -> None:
    _asked(tmp_path / "cache", file)
    for answers in (Answers(Store(), "test"), Answers(Store(tmp_path / "cache"), "other")):
        assert answers.ask(file, "exported", ("a", "b"), _says("new"), NO_NAMES) == ("new",)
    with (tmp_path / "libx.so").open("ab") as stream:
        stream.write(b"more")
    answers = Answers(Store(tmp_path / "cache"), "test")
    assert answers.ask(file, "exported", ("a", "b"), _says("new"), NO_NAMES) == ("new",)


def test_what_cannot_be_read_today_is_asked_again(tmp_path: Path, file: str) -> None:
    def refuses(_elf: SparseElf) -> tuple[str, ...]:
        raise PermissionError

    answers = Answers(Store(tmp_path / "cache"), "test")
    assert answers.ask("/gone", "needed", (), _never, OTHERWISE) == OTHERWISE
    assert answers.ask(file, "needed", (), refuses, OTHERWISE) == OTHERWISE
    assert answers.ask(file, "needed", (), _says("a"), NO_NAMES) == ("a",)


def test_a_broken_file_is_asked_once(tmp_path: Path) -> None:
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"no ELF file")
    answers = Answers(Store(tmp_path / "cache"), "test")
    assert answers.ask(str(broken), "needed", (), _never, OTHERWISE) == OTHERWISE
    answers.save()
    assert os.listdir(tmp_path / "cache")  # noqa: PTH208 - names


def test_exports_are_those_of_the_names_that_are_asked_for(tmp_path: Path, file: str) -> None:
    answers = Answers(Store(tmp_path / "cache"), "test")
    assert answers.exported(file, {"value", "called", "absent"}) == {"value", "called"}
    assert answers.exported(file, NO_NAMES) == frozenset()


def test_what_is_asked_no_more_is_forgotten(tmp_path: Path, file: str) -> None:
    _asked(tmp_path / "cache", file, ("old",))
    _asked(tmp_path / "cache", file, ("new",))
    answers = Answers(Store(tmp_path / "cache"), "test")
    assert answers.ask(file, "exported", ("old",), _says(), NO_NAMES) == ()
    assert answers.ask(file, "exported", ("new",), _never, NO_NAMES) == ("a",)


def test_kept_answers_of_another_shape_are_misses(tmp_path: Path, file: str) -> None:
    store = Store()
    store.put("answers-test", file, identity(os.stat(file)), "no answers")  # noqa: PTH116 - a text
    assert Answers(store, "test").ask(file, "exported", ("a",), _says("a"), NO_NAMES) == ("a",)
