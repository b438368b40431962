"""The files of a process are read once, and again when they are others."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from process_samples import environment

from cxxrt_toolchain.doctor import objects, set_reader
from cxxrt_toolchain.doctor.cache import FactsCache
from cxxrt_toolchain.doctor.mappings import MappedFile
from cxxrt_toolchain.doctor.set_reader import SetReader, group_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cxxrt_toolchain.doctor.contested import Exports
    from cxxrt_toolchain.doctor.load_set import LoadSet

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
