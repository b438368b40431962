"""The files of a process are read once, and again when they are others."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from process_samples import environment

from cxxrt_toolchain.collect import files as objects
from cxxrt_toolchain.collect.cache import FactsCache
from cxxrt_toolchain.collect.process import file_facts, set_reader
from cxxrt_toolchain.collect.process import references as object_references
from cxxrt_toolchain.collect.process.load_set import LoadSet
from cxxrt_toolchain.collect.process.mappings import MappedFile
from cxxrt_toolchain.collect.process.references import NOTHING
from cxxrt_toolchain.collect.process.set_reader import SetReader, group_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cxxrt_toolchain.collect.process.contested import Exports

    ElfFixture = Callable[[str], Path]

NAMES = ("libuser.so", "libown.so")
NEEDED = ("libdep.so.1",)


@pytest.fixture
def files(elf_fixture: ElfFixture, tmp_path: Path) -> list[MappedFile]:
    """Two objects in the folder of one process."""
    found = []
    for number, name in enumerate(NAMES, 1):
        path = shutil.copy(elf_fixture(name), str(tmp_path / name))
        found.append(MappedFile(path, number << 20, (number << 20) + 4096, number << 20))
    return found


@pytest.fixture
def reader(tmp_path: Path) -> Callable[[], SetReader]:
    """Makes readers that share a cache, as runs of the doctor do."""
    here = environment()
    return lambda: SetReader(here.interpreter, here, FactsCache(tmp_path / "cache"))


def _read(reader: SetReader, files: list[MappedFile], *, memory: bool = True) -> LoadSet:
    found = reader.read("", files, memory=memory)
    reader.save()
    return found


def _refuse(*_: object, **__: object) -> Any:  # noqa: ANN401 - it never returns
    pytest.fail("the files are read again")


def _forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "read", _refuse)
    monkeypatch.setattr(set_reader, "read_exports", _refuse)


@pytest.mark.parametrize("memory", [True, False])
def test_a_second_run_reads_no_file(
    reader: Callable[[], SetReader],
    files: list[MappedFile],
    monkeypatch: pytest.MonkeyPatch,
    *,
    memory: bool,
) -> None:
    first = _read(reader(), files, memory=memory)
    assert first.sonames == ("libuser.so", "libown.so")
    assert [kind.needed for kind in first.kinds if kind] == [NEEDED, ()]
    assert bool(first.ranges) is memory
    _forbid_reading(monkeypatch)
    again = _read(reader(), files, memory=memory)
    assert again == first
    assert again is not first


@pytest.fixture
def two_builds(
    elf_fixture: ElfFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[MappedFile]:
    """One object in the folders of two packages, as if it were C++."""
    monkeypatch.setattr(file_facts, "_CXX", frozenset({None}))  # what no runtime's copy is
    found = []
    for number, folder in enumerate(("one", "two"), 1):
        (tmp_path / folder).mkdir()
        path = shutil.copy(elf_fixture("libown.so"), str(tmp_path / folder / "libown.so"))
        found.append(MappedFile(path, number << 20, (number << 20) + 4096, number << 20))
    return found


def test_a_second_run_knows_the_references(
    reader: Callable[[], SetReader],
    two_builds: list[MappedFile],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = _read(reader(), two_builds)
    assert list(first.references) == [each.path for each in two_builds]
    assert all(each.symbols and each.modules for each in first.references.values())
    _forbid_reading(monkeypatch)
    monkeypatch.setattr(object_references, "read_object", _refuse)
    again = _read(reader(), two_builds)
    assert again == first
    assert again is not first


def test_alone_an_object_is_not_contested(
    reader: Callable[[], SetReader], two_builds: list[MappedFile]
) -> None:
    found = _read(reader(), two_builds[:1])
    ((path, facts),) = found.references.items()
    assert path == two_builds[0].path
    assert (facts.runs, facts.symbols, facts.modules) == ((), b"", ())


def test_without_the_memory_nothing_of_it_is_known(
    reader: Callable[[], SetReader],
    two_builds: list[MappedFile],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(set_reader, "read_exports", _refuse)
    monkeypatch.setattr(object_references, "read_object", _refuse)
    found = _read(reader(), two_builds, memory=False)
    assert all(kind is not None and kind.is_cxx for kind in found.kinds)
    assert (found.ranges, found.references) == ((), {})


def test_references_that_cannot_be_read_today_are_read_tomorrow(
    reader: Callable[[], SetReader],
    two_builds: list[MappedFile],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as today:
        today.setattr(object_references, "read_object", lambda *_: NOTHING)
        assert list(_read(reader(), two_builds).references.values()) == [NOTHING, NOTHING]
    assert NOTHING not in _read(reader(), two_builds).references.values()


def test_what_a_run_learns_of_a_known_set_is_kept(
    reader: Callable[[], SetReader], files: list[MappedFile]
) -> None:
    _read(reader(), files)
    second = reader()
    known = second.read("", files, memory=True)
    known.interactions = ()
    known.compiler(files[0].path, lambda _: ("clang",))
    second.save()
    third = _read(reader(), files)
    assert (third.interactions, third.compilers) == ((), {files[0].path: ("clang",)})


@pytest.mark.parametrize("memory", [True, False])
def test_one_reader_reads_a_set_once(
    reader: Callable[[], SetReader], files: list[MappedFile], *, memory: bool
) -> None:
    one = reader()
    assert _read(one, files, memory=memory) is _read(one, files, memory=memory)


def test_a_file_that_changes_between_two_looks_is_read_again(
    reader: Callable[[], SetReader], files: list[MappedFile], elf_fixture: ElfFixture
) -> None:
    one = reader()
    _read(one, files)
    shutil.copy(elf_fixture("libdep.so"), files[1].path)
    assert (_read(one, files).sonames[1], _read(reader(), files).sonames[1]) == (
        *("libdep.so.1", "libdep.so.1"),
    )


def test_a_path_in_another_root_is_another_file(
    reader: Callable[[], SetReader],
    files: list[MappedFile],
    elf_fixture: ElfFixture,
    tmp_path: Path,
) -> None:
    inside = tmp_path / "root" / files[1].path.lstrip("/")
    inside.parent.mkdir(parents=True)
    shutil.copy(elf_fixture("libdep.so"), inside)
    one = reader()
    assert one.read(str(tmp_path / "root"), files[1:], memory=True).sonames == ("libdep.so.1",)
    assert _read(one, files[1:]).sonames == ("libown.so",)


def test_a_file_that_changed_is_read_again(
    reader: Callable[[], SetReader], files: list[MappedFile], elf_fixture: ElfFixture
) -> None:
    first = _read(reader(), files)
    shutil.copy(elf_fixture("libdep.so"), files[1].path)
    again = _read(reader(), files)
    assert (again.sonames[0], again.sonames[1]) == (first.sonames[0], "libdep.so.1")
    assert again.ranges[1] != first.ranges[1]


def test_another_order_is_another_set_of_known_files(
    reader: Callable[[], SetReader], files: list[MappedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _read(reader(), files)
    monkeypatch.setattr(objects, "read", _refuse)
    again = _read(reader(), files[::-1])
    assert again.sonames == first.sonames[::-1]
    assert again.ranges == first.ranges[::-1]


def test_a_file_that_is_gone_makes_everything_contested(
    reader: Callable[[], SetReader], files: list[MappedFile]
) -> None:
    gone = files[0]._replace(deleted=True)
    found = _read(reader(), [gone, files[1]])
    assert found.kinds[0] is None
    assert found.ranges[0] == (0, 0)


@pytest.mark.parametrize(
    ("memory", "replaced", "kept"),
    [(False, False, True), (False, True, False), (True, False, False), (True, True, False)],
)
def test_with_a_deleted_file_only_a_set_without_the_memory_is_kept(
    reader: Callable[[], SetReader],
    files: list[MappedFile],
    tmp_path: Path,
    *,
    memory: bool,
    replaced: bool,
    kept: bool,
) -> None:
    """And only where no file has taken its name; it can be read in the next process."""
    gone = files[0]._replace(deleted=True)
    if not replaced:
        Path(gone.path).unlink()
    found = _read(reader(), [gone, files[1]], memory=memory)
    assert [kind is None for kind in found.kinds] == [True, False]
    assert found.sonames == ("", "libown.so")
    assert bool(list((tmp_path / "cache").glob("load-*"))) is kept
    assert _read(reader(), [gone, files[1]], memory=memory) == LoadSet(
        sonames=found.sonames,
        kinds=found.kinds,
        ranges=found.ranges,
        references=found.references,
        changed=not kept,
    )


@pytest.mark.parametrize("memory", [True, False])
def test_a_deleted_file_is_not_the_one_that_has_its_name_now(
    reader: Callable[[], SetReader], files: list[MappedFile], *, memory: bool
) -> None:
    assert None not in _read(reader(), files, memory=memory).kinds
    gone = files[0]._replace(deleted=True)
    assert _read(reader(), [gone, files[1]], memory=memory).kinds[0] is None
    assert None not in _read(reader(), files, memory=memory).kinds


def test_a_file_that_says_nothing_today_is_asked_tomorrow(
    reader: Callable[[], SetReader], files: list[MappedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as today:
        today.setattr(objects, "read", lambda *_: objects.Objects(found={}, unreadable=()))
        assert _read(reader(), files, memory=False).kinds == (None, None)
    assert None not in _read(reader(), files, memory=False).kinds


def test_a_text_file_that_is_mapped_is_looked_at_each_time(
    reader: Callable[[], SetReader], files: list[MappedFile], tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no ELF file")
    mapped = [*files, MappedFile(str(tmp_path / "text"), 1, 2, 1)]
    assert _read(reader(), mapped, memory=False).kinds[2] is None
    assert not list((tmp_path / "cache").glob("load-*"))
    shutil.copy(files[1].path, tmp_path / "text")
    assert _read(reader(), mapped, memory=False).sonames[2] == "text"


def test_a_file_that_cannot_be_read_today_is_read_tomorrow(
    reader: Callable[[], SetReader], files: list[MappedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(path: str, *_: object) -> Exports | None:
        assert path
        return None

    with monkeypatch.context() as today:
        today.setattr(set_reader, "read_exports", unreadable)
        assert _read(reader(), files).ranges == ((0, 0), (0, 0))
    assert (0, 0) not in _read(reader(), files).ranges


def test_what_is_no_file_is_kept_as_that(
    reader: Callable[[], SetReader], files: list[MappedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that a program made for itself, in memory or behind a device."""
    made = MappedFile("/memfd:jit", 1, 2, 1)
    device = MappedFile(os.devnull, 3, 4, 3)
    first = _read(reader(), [*files, made, device], memory=False)
    assert first.kinds[2:] == (None, None)
    _forbid_reading(monkeypatch)
    assert _read(reader(), [*files, made, device], memory=False) == first


def test_a_process_of_another_root_leaves_nothing_behind(
    reader: Callable[[], SetReader], files: list[MappedFile], tmp_path: Path
) -> None:
    inside = [each._replace(path=f"/{Path(each.path).name}") for each in files]
    one = reader()
    found = one.read(str(tmp_path), inside, memory=True)
    one.save()
    assert found.sonames == ("libuser.so", "libown.so")
    assert (0, 0) not in found.ranges
    assert not (tmp_path / "cache").exists()


def test_a_file_is_part_of_its_package_or_of_its_folder(
    reader: Callable[[], SetReader], files: list[MappedFile]
) -> None:
    (kind, _) = _read(reader(), files).kinds
    assert kind is not None
    assert group_of("/site/maker/a.so", kind._replace(package="maker")) == "maker"
    assert group_of("/site/maker/a.so", kind._replace(package=None)) == "/site/maker"
    assert group_of("/site/maker/a.so", None) == "/site/maker"
