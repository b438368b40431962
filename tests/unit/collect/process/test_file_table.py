"""Rows of mapped files are kept, and never believed of another file."""

from __future__ import annotations

import marshal
import os
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from cxxrt_toolchain.collect.process import file_table
from cxxrt_toolchain.collect.process.file_table import FileFacts, FileTable, Kind, state_of
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.libraries import Origin

if TYPE_CHECKING:
    from pathlib import Path

KIND = Kind(
    origin=Origin.WHEEL,
    package="maker",
    package_version="1.0",
    location="/site",
    family=None,
    static=(RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBGOMP),
    version="",
    needed=("libc.so.6",),
    is_cxx=True,
    glibc="",
    traits="",
)
FACTS = FileFacts("libx.so.1", KIND)


@pytest.fixture
def place(tmp_path: Path) -> str:
    file = tmp_path / "libx.so"
    file.write_bytes(b"one")
    return str(file)


def _kept(tmp_path: Path, place: str, name: str = "/in/process/libx.so") -> dict[str, str]:
    table = FileTable(tmp_path / "cache", "/usr/bin/python3", ())
    table.add(name, place, FACTS)
    table.save()
    return {name: place}


def test_a_row_comes_back(tmp_path: Path, place: str) -> None:
    asked = _kept(tmp_path, place)
    found = FileTable(tmp_path / "cache", "/usr/bin/python3", ()).find(asked)
    assert found == {"/in/process/libx.so": FACTS}


def test_another_program_has_another_table(tmp_path: Path, place: str) -> None:
    asked = _kept(tmp_path, place)
    assert FileTable(tmp_path / "cache", "/usr/bin/other", ()).find(asked) == {}
    assert FileTable(None, "/usr/bin/python3", ()).find(asked) == {}


def test_what_was_nobodys_is_looked_for_again_after_an_installation(
    tmp_path: Path, place: str
) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    states = [state_of([str(site)])]
    (site / "__editable__.maker-1.0.pth").touch()
    os.utime(site, ns=(1, 1))
    states.append(state_of([str(site)]))
    assert states[0] != states[1]
    nobodys = FileFacts("libx.so.1", KIND._replace(origin=Origin.OTHER, package=None))
    table = FileTable(tmp_path / "cache", "/usr/bin/python3", states[0])
    table.add("/tree/libx.so", place, nobodys)
    table.add("/site/libx.so", place, FACTS)
    table.save()
    asked = {"/tree/libx.so": place, "/site/libx.so": place}
    same = FileTable(tmp_path / "cache", "/usr/bin/python3", states[0])
    assert same.find(asked) == {"/tree/libx.so": nobodys, "/site/libx.so": FACTS}
    changed = FileTable(tmp_path / "cache", "/usr/bin/python3", states[1])
    assert changed.find(asked) == {"/site/libx.so": FACTS}


def test_a_changed_or_missing_file_has_no_row(tmp_path: Path, place: str) -> None:
    asked = _kept(tmp_path, place)
    (tmp_path / "libx.so").write_bytes(b"three")
    assert FileTable(tmp_path / "cache", "/usr/bin/python3", ()).find(asked) == {}
    (tmp_path / "libx.so").unlink()
    assert FileTable(tmp_path / "cache", "/usr/bin/python3", ()).find(asked) == {}


def _sealed(body: Any) -> bytes:  # noqa: ANN401 - whatever marshal takes
    """A table with the right head, whatever is in it."""
    data = marshal.dumps(body)
    return f"{file_table._MAGIC} {zlib.crc32(data):08x}\n".encode() + data


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"x",
        b"cxxrt-process-1-1 00000000\n/usr/bin/python3\na\tb",
        _sealed(None),
        _sealed(("/usr/bin/python3", [], {}))[:-1],
        _sealed(("/usr/bin/python3", [("wheel",)], {})),
        _sealed(("/usr/bin/python3", [("no such origin", *("",) * 9)], {})),
        _sealed(("/usr/bin/other", [], {})),
    ],
)
def test_a_damaged_table_is_empty(tmp_path: Path, place: str, damage: bytes) -> None:
    asked = _kept(tmp_path, place)
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(damage)
    assert FileTable(tmp_path / "cache", "/usr/bin/python3", ()).find(asked) == {}


@pytest.mark.parametrize("name", ["/in/pro\ncess/lib\tx.so", "/in/\udc80.so"])
def test_odd_names_come_back(tmp_path: Path, place: str, name: str) -> None:
    asked = _kept(tmp_path, place, name)
    assert FileTable(tmp_path / "cache", "/usr/bin/python3", ()).find(asked) == {name: FACTS}


def test_files_of_one_kind_share_it(tmp_path: Path, place: str) -> None:
    asked = _kept(tmp_path, place, "/one.so") | _kept(tmp_path, place, "/two.so")
    found = FileTable(tmp_path / "cache", "/usr/bin/python3", ()).find(asked)
    assert len(found) == 2
    assert found["/one.so"].kind is found["/two.so"].kind


def test_kinds_that_no_file_is_of_any_more_are_not_kept(tmp_path: Path, place: str) -> None:
    size = []
    for version in range(200):
        table = FileTable(tmp_path / "cache", "/usr/bin/python3", ())
        table.add("/x.so", place, FileFacts("libx.so.1", KIND._replace(version=f"{version:03}")))
        table.save()
        (file,) = (tmp_path / "cache").iterdir()
        size.append(file.stat().st_size)
    assert max(size) == min(size)
    found = FileTable(tmp_path / "cache", "/usr/bin/python3", ()).find({"/x.so": place})
    assert found["/x.so"].kind.version == "199"


def test_a_folder_that_cannot_be_written_harms_nothing(tmp_path: Path, place: str) -> None:
    (tmp_path / "cache").write_text("a file")
    assert FileTable(tmp_path / "cache", "/usr/bin/python3", ()).find(_kept(tmp_path, place)) == {}
