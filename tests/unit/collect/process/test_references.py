"""What a file says of its references: read once, and never believed of another file."""

from __future__ import annotations

import shutil
from array import array
from typing import TYPE_CHECKING, BinaryIO

import pytest

from cxxrt_toolchain.collect.process import references as object_references
from cxxrt_toolchain.collect.process.references import NOTHING, ReferenceTable, read_object

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    ElfFixture = Callable[[str], Path]

PROGRAM = "/usr/bin/python3"


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
    first = ReferenceTable(tmp_path / "cache", PROGRAM).read({library: library}, _open)
    again = ReferenceTable(tmp_path / "cache", PROGRAM).read({library: library}, _never)
    assert again == first == {library: read_object(library, _open)}


def test_another_file_of_that_name_is_read(
    library: str, elf_fixture: ElfFixture, tmp_path: Path
) -> None:
    ReferenceTable(tmp_path / "cache", PROGRAM).read({library: library}, _open)
    shutil.copy(elf_fixture("libunique.so"), library)
    found = ReferenceTable(tmp_path / "cache", PROGRAM).read({library: library}, _open)
    assert found == {library: read_object(library, _open)}
    assert found[library].symbols != b""


@pytest.mark.parametrize("damage", [b"", b"cxxrt-references-2 4 00000000\nx"])
def test_a_damaged_table_is_read_from_the_files(
    library: str, tmp_path: Path, damage: bytes
) -> None:
    ReferenceTable(tmp_path / "cache", PROGRAM).read({library: library}, _open)
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(damage)
    found = ReferenceTable(tmp_path / "cache", PROGRAM).read({library: library}, _open)
    assert found == {library: read_object(library, _open)}


def test_what_cannot_be_read_today_is_read_again(library: str, tmp_path: Path) -> None:
    def refuses(path: str) -> BinaryIO:
        raise PermissionError(path)

    table = ReferenceTable(tmp_path / "cache", PROGRAM)
    assert table.read({library: library}, refuses) == {library: NOTHING}
    found = ReferenceTable(tmp_path / "cache", PROGRAM).read({library: library}, _open)
    assert found == {library: read_object(library, _open)} != {library: NOTHING}


def test_what_is_too_much_for_a_table_is_left_out_from_the_oldest(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_references, "_MOST_BYTES", 12_000)
    second = shutil.copy(library, str(tmp_path / "second.so"))
    ReferenceTable(tmp_path / "cache", PROGRAM).read({library: library, second: second}, _open)
    table = ReferenceTable(tmp_path / "cache", PROGRAM)
    table.read({second: second}, _never)
    with pytest.raises(pytest.fail.Exception):
        table.read({library: library}, _never)


def test_what_cannot_be_read_has_no_references(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no ELF file")
    assert read_object(str(text), _open) == NOTHING
    assert read_object(str(tmp_path / "absent"), _open) == NOTHING
    assert ReferenceTable(None, PROGRAM).read({"/a": str(text)}, _open) == {"/a": NOTHING}
