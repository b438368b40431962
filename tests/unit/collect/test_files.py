"""Paths to facts: the same from the file and from the cache."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.collect import files as objects
from cxxrt_toolchain.collect.files import read
from cxxrt_toolchain.collect.shares import work_on
from cxxrt_toolchain.collect.store import Store, identity
from cxxrt_toolchain.elf.facts import Binding
from cxxrt_toolchain.elf.reader import SparseElf, read_elf
from cxxrt_toolchain.facts.objects import decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Fixture = Callable[[str], Path]

pytestmark = pytest.mark.usefixtures("settled")


def refuse(path: str) -> str:
    raise AssertionError(f"{path} was read again")


def test_kept_facts_equal_those_from_the_files(
    elf_fixture: Fixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = sorted(str(path) for path in elf_fixture("libuser.so").parent.iterdir())
    cold = read(paths, Store(tmp_path))
    monkeypatch.setattr(objects, "_row", refuse)
    assert read(paths, Store(tmp_path)) == cold
    assert str(elf_fixture("libuser.so")) in cold.found


def test_they_are_what_the_whole_reader_says(elf_fixture: Fixture) -> None:
    for path in sorted(elf_fixture("libuser.so").parent.glob("*.*o")):
        with path.open("rb") as stream:
            whole = read_elf(stream, str(path))
        assert read([str(path)], Store()).found[str(path)].facts == whole


def test_exports_are_what_the_symbol_table_lists(elf_fixture: Fixture) -> None:
    for path in sorted(elf_fixture("libuser.so").parent.glob("*.*o")):
        with path.open("rb") as stream:
            symbols = read_elf(stream, str(path), symbols=True).symbols or ()
            names = {each.name for each in symbols if each.name}
            listed = {
                each.name
                for each in symbols
                if each.defined and each.visible and each.binding is not Binding.LOCAL
            }
            found = SparseElf(stream, str(path)).exports(names)
            strange = ("PyInit_\udcf0", "\ud800")  # names of files that are no UTF-8
            assert not SparseElf(stream, str(path)).exports(strange)
            needed = SparseElf(stream, str(path)).undefined()
        assert needed == tuple(each for each in symbols if not each.defined), path.name
        assert found == (listed if path.suffix == ".so" else set()), path.name


def test_a_file_that_changes_is_read_again(elf_fixture: Fixture, tmp_path: Path) -> None:
    path = tmp_path / "it.so"
    shutil.copy(elf_fixture("libuser.so"), path)
    cache = tmp_path / "cache"
    assert read([str(path)], Store(cache)).found[str(path)].facts.soname == "libuser.so"
    shutil.copy(elf_fixture("libunique.so"), path)
    assert read([str(path)], Store(cache)).found[str(path)].facts.soname is None


def test_what_is_no_elf_file_is_left_out_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "script.so"
    path.write_text("INPUT(libx.so.1)")
    assert read([str(path)], Store(tmp_path / "cache")).found == {}
    monkeypatch.setattr(objects, "_row", refuse)
    assert read([str(path)], Store(tmp_path / "cache")).found == {}


def test_a_broken_object_is_a_fact(elf_fixture: Fixture, tmp_path: Path) -> None:
    path = tmp_path / "cut.so"
    path.write_bytes(elf_fixture("libuser.so").read_bytes()[:100])
    for _ in range(2):
        (broken,) = read([str(path)], Store(tmp_path / "cache")).unreadable
        assert broken.member == str(path)
        assert "ends inside" in broken.reason


def test_missing_paths_folders_and_impossible_names_are_passed_over(tmp_path: Path) -> None:
    found = read([str(tmp_path), str(tmp_path / "gone"), "/a\0b"], Store())
    assert (found.found, found.unreadable) == ({}, ())


def test_several_processes_find_the_same(elf_fixture: Fixture, tmp_path: Path) -> None:
    paths = []
    for number in range(200):
        paths.append(f"{tmp_path}/{number}.so")
        (tmp_path / f"{number}.so").symlink_to(elf_fixture("libuser.so"))
    assert read(paths, Store(), workers=3) == read(paths, Store())


def test_a_share_is_done_here_if_its_helper_dies() -> None:
    here = os.getpid()

    def work(path: str) -> str | None:
        if os.getpid() != here:
            os._exit(3)
        return None if path == "7" else path.upper()

    paths = [str(number) for number in range(199)]
    assert work_on(dict.fromkeys(paths, 1), work, 2) == [
        None if each == "7" else each for each in paths
    ]


def test_what_a_helper_left_half_done_is_done_here() -> None:
    here = os.getpid()
    done: list[str] = []

    def work(path: str) -> str:
        if os.getpid() != here and path == "5":
            raise RuntimeError(path)
        done.append(path)
        return path

    paths = [str(number) for number in range(1, 2500)]  # more than there are tickets
    sizes = {path: int(path) for path in paths}
    assert work_on(sizes, work, 3) == paths
    assert done, "the caller works, too"


def test_the_largest_files_are_first() -> None:
    done: list[str] = []

    def work(path: str) -> str:
        done.append(path)
        return path

    sizes = {f"{number}": number for number in range(130)}
    work_on(sizes, work, 2)
    assert done == sorted(done, key=int, reverse=True)


def test_lines_come_back_as_they_are_and_in_order() -> None:
    paths = [f"\udcff{number}" for number in range(300)]
    assert work_on(dict.fromkeys(paths, 1), lambda path: path if path[-1] != "3" else None, 4) == [
        None if path[-1] == "3" else path for path in paths
    ]


def test_a_kept_row_of_another_shape_is_read_again(elf_fixture: Fixture, tmp_path: Path) -> None:
    path = elf_fixture("libuser.so")
    for row in (3, {}, (1,), {"bits": 64}, b"", ((64,), (), "", (), (), (), (0, 0)), (1,) * 7):
        store = Store(tmp_path)
        store.put("facts", str(path), identity(path.stat()), row)
        assert read([str(path)], store) == read([str(path)], Store())
        with pytest.raises(ValueError, match=r"."):
            decode(row, "x", 1, {})
