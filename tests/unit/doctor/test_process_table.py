"""Rows of mapped files are kept, and never believed of another file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.doctor.file_table import FileFacts, FileTable

if TYPE_CHECKING:
    from pathlib import Path

FACTS = FileFacts(
    soname="libx.so.1",
    origin="wheel",
    package="maker",
    package_version="1.0",
    location="/site",
    family="",
    static="libstdc++,libgomp",
    version="",
    needed="libc.so.6",
    cxx="yes",
    glibc="",
)


@pytest.fixture
def place(tmp_path: Path) -> str:
    file = tmp_path / "libx.so"
    file.write_bytes(b"one")
    return str(file)


def _kept(tmp_path: Path, place: str, name: str = "/in/process/libx.so") -> dict[str, str]:
    table = FileTable(tmp_path / "cache", "/usr/bin/python3")
    table.add(name, place, FACTS)
    table.save()
    return {name: place}


def test_a_row_comes_back(tmp_path: Path, place: str) -> None:
    asked = _kept(tmp_path, place)
    found = FileTable(tmp_path / "cache", "/usr/bin/python3").find(asked)
    assert found == {"/in/process/libx.so": FACTS}


def test_another_program_has_another_table(tmp_path: Path, place: str) -> None:
    asked = _kept(tmp_path, place)
    assert FileTable(tmp_path / "cache", "/usr/bin/other").find(asked) == {}
    assert FileTable(None, "/usr/bin/python3").find(asked) == {}


def test_a_changed_or_missing_file_has_no_row(tmp_path: Path, place: str) -> None:
    asked = _kept(tmp_path, place)
    (tmp_path / "libx.so").write_bytes(b"three")
    assert FileTable(tmp_path / "cache", "/usr/bin/python3").find(asked) == {}
    (tmp_path / "libx.so").unlink()
    assert FileTable(tmp_path / "cache", "/usr/bin/python3").find(asked) == {}


@pytest.mark.parametrize(
    "damage", [b"", b"x", b"cxxrt-process-1-1 00000000\n/usr/bin/python3\na\tb"]
)
def test_a_damaged_table_is_empty(tmp_path: Path, place: str, damage: bytes) -> None:
    asked = _kept(tmp_path, place)
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(damage)
    assert FileTable(tmp_path / "cache", "/usr/bin/python3").find(asked) == {}


def test_a_name_that_would_break_a_line_is_not_kept(tmp_path: Path, place: str) -> None:
    asked = _kept(tmp_path, place, "/in/pro\ncess/libx.so")
    assert FileTable(tmp_path / "cache", "/usr/bin/python3").find(asked) == {}


def test_a_folder_that_cannot_be_written_harms_nothing(tmp_path: Path, place: str) -> None:
    (tmp_path / "cache").write_text("a file")
    assert FileTable(tmp_path / "cache", "/usr/bin/python3").find(_kept(tmp_path, place)) == {}
