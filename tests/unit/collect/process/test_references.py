"""What a file says of its references: read once, and never believed of another file."""

from __future__ import annotations

import os
import shutil
from array import array
from typing import TYPE_CHECKING, BinaryIO

import pytest

from cxxrt_toolchain.collect.process import references as object_references
from cxxrt_toolchain.collect.process.references import NOTHING, read_all, read_object
from cxxrt_toolchain.collect.store import Store, identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    ElfFixture = Callable[[str], Path]

pytestmark = pytest.mark.usefixtures("settled")


def _open(path: str) -> BinaryIO:
    return open(path, "rb")  # noqa: PTH123 - as the observer does it


def _never(path: str) -> BinaryIO:
    pytest.fail(f"{path} is read again")


@pytest.fixture
def library(elf_fixture: ElfFixture, tmp_path: Path) -> str:
    return shutil.copy(elf_fixture("libown.so"), str(tmp_path / "libown.so"))


def test_places_are_runs_of_words(library: str) -> None:
    facts = read_object(library, _open)
    ((first, words),) = facts.runs
    numbers = array("I")
    numbers.frombytes(words)
    # readelf -r: table, value and called, the last of them a jump slot
    assert [first + 8 * number for number in numbers] == [0x1FC8, 0x1FE0, 0x2000]
    assert len(facts.symbols) == len(words)
    assert facts.facets == {}
    assert any(start <= 0x2018 < end for start, end in facts.changeable)


@pytest.mark.parametrize("gap", [8, 1 << 14])
def test_places_far_from_each_other_are_read_apart(
    library: str, monkeypatch: pytest.MonkeyPatch, gap: int
) -> None:
    monkeypatch.setattr(object_references, "_GAP", gap)
    assert len(read_object(library, _open).runs) == (3 if gap == 8 else 1)


def test_a_file_is_read_once(library: str, tmp_path: Path) -> None:
    first = read_all({library: library}, _open, Store(tmp_path / "cache"))
    again = read_all({library: library}, _never, Store(tmp_path / "cache"))
    assert again == first == {library: read_object(library, _open)}


def test_another_file_of_that_name_is_read(
    library: str, elf_fixture: ElfFixture, tmp_path: Path
) -> None:
    read_all({library: library}, _open, Store(tmp_path / "cache"))
    shutil.copy(elf_fixture("libunique.so"), library)
    found = read_all({library: library}, _open, Store(tmp_path / "cache"))
    assert found == {library: read_object(library, _open)}
    assert found[library].symbols != b""


def test_a_kept_value_of_another_shape_is_a_miss(library: str) -> None:
    store = Store()
    store.put("references", library, identity(os.stat(library)), ("x",))  # noqa: PTH116 - a text
    assert read_all({library: library}, _open, store) == {library: read_object(library, _open)}


def test_what_cannot_be_read_today_is_read_again(library: str, tmp_path: Path) -> None:
    def refuses(path: str) -> BinaryIO:
        raise PermissionError(path)

    store = Store(tmp_path / "cache")
    assert read_all({library: library}, refuses, store) == {library: NOTHING}
    found = read_all({library: library}, _open, Store(tmp_path / "cache"))
    assert found == {library: read_object(library, _open)} != {library: NOTHING}


def test_what_cannot_be_read_has_no_references(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no ELF file")
    assert read_object(str(text), _open) == NOTHING
    assert read_object(str(tmp_path / "absent"), _open) == NOTHING
    assert read_all({"/a": str(text)}, _open, Store()) == {"/a": NOTHING}
