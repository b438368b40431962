"""What follows from a set of files is kept, and never believed of another set."""

from __future__ import annotations

import marshal
import os
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest

from cxxrt_toolchain.collect.process import load_set
from cxxrt_toolchain.collect.process.bindings import ObjectInMemory, describe_bound
from cxxrt_toolchain.collect.process.file_table import Kind
from cxxrt_toolchain.collect.process.load_set import LoadSet, LoadSets
from cxxrt_toolchain.collect.process.references import NOTHING
from cxxrt_toolchain.elf.image import ElfError
from cxxrt_toolchain.facts.bindings import Bound
from cxxrt_toolchain.facts.libraries import Origin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    ElfFixture = Callable[[str], Path]

PROGRAM = "/usr/bin/python3"
STATE = (("/site", 1),)
PATHS = ("/usr/bin/python3", "/site/a.so", "/gone.so")
IDENTITIES = ((1, 2, 3, 4), (1, 5, 6, 7), None)
KIND = Kind(
    origin=Origin.WHEEL,
    package="maker",
    family=None,
    static=(),
    version="",
    package_version="1.0",
    location="/site",
    needed=("libc.so.6",),
    is_cxx=True,
    glibc="",
    traits="",
)
SOURCE = ObjectInMemory("/site/a.so", 0, 0, 0, NOTHING)
BOUND = (
    Bound("_Z1fv", unique=True, sizes=None, layout=False),
    Bound("_ZTV1A", unique=False, sizes=(24, 32), layout=True),
)


def _set() -> LoadSet:
    return LoadSet(
        sonames=("python3", "a.so", ""),
        kinds=(KIND, KIND._replace(package=None), None),
        ranges=((0x400000, 0x500000), (0, 0x5000), (0, 0)),
        references={
            "/site/a.so": NOTHING._replace(own_module=7, symbols=b"1234", changeable=((1, 2),))
        },
        cudart={"/site/a.so": (("/b/libcudart.so.13",), (16, 24)), "/c.so": ((), None)},
        interactions=(((0, 1, ("f",), ()),), ((0, 1, "capsule"),)),
        described={("/site/a.so", "/b.so", (3, "channel")): BOUND},
        compilers={"/site/a.so": ("GCC: (GNU) 12.2.0",)},
    )


def _keep(folder: Path, *, paths: tuple[str, ...] = PATHS, program: str = PROGRAM) -> None:
    sets = LoadSets(folder, program, STATE)
    sets.add(paths, IDENTITIES, _set(), memory=True)
    sets.save()


def _find(folder: Path | None, **other: Any) -> LoadSet | None:  # noqa: ANN401 - what differs
    given: dict[str, Any] = {
        "paths": PATHS,
        "identities": IDENTITIES,
        "program": PROGRAM,
        "state": STATE,
        "memory": True,
    }
    given |= other
    sets = LoadSets(folder, given["program"], given["state"])
    return sets.find(given["paths"], given["identities"], memory=given["memory"])


def test_a_set_comes_back_as_it_was(tmp_path: Path) -> None:
    _keep(tmp_path / "cache")
    found = _find(tmp_path / "cache")
    assert found is not None
    assert not found.changed
    found.changed = True
    assert found == _set()


@pytest.mark.parametrize(
    "other",
    [
        {"identities": (*IDENTITIES[:1], (1, 5, 6, 8), None)},
        {"identities": (*IDENTITIES[:2], (1, 9, 9, 9))},
        {"paths": (PATHS[1], PATHS[0], PATHS[2])},
        {"paths": PATHS[:2], "identities": IDENTITIES[:2]},
        {"program": "/usr/bin/python3.12"},
        {"state": (("/site", 2),)},
        {"memory": False},
    ],
)
def test_another_set_is_not_known(tmp_path: Path, other: dict[str, Any]) -> None:
    _keep(tmp_path / "cache")
    assert _find(tmp_path / "cache", **other) is None


def test_without_a_folder_a_set_is_known_as_long_as_the_program_runs() -> None:
    sets = LoadSets(None, PROGRAM, STATE)
    known = _set()
    sets.add(PATHS, IDENTITIES, known, memory=True)
    sets.save()
    assert sets.find(PATHS, IDENTITIES, memory=True) is known
    assert sets.find(PATHS, (None, None, None), memory=True) is None
    assert _find(None) is None


def _sealed(body: Any) -> bytes:  # noqa: ANN401 - whatever marshal takes
    """A set with the right head, whatever is in it."""
    data = marshal.dumps(body)
    head = f"{load_set._MAGIC} {marshal.version} {zlib.crc32(data):08x}"
    return head.encode() + b"\n" + data


HEAD = ((PROGRAM, STATE), PATHS, IDENTITIES)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"x",
        b"cxxrt-load-set-1-1 4 00000000\nx",
        _sealed(None),
        _sealed(HEAD),
        _sealed((*HEAD, None)),
        _sealed((*HEAD, ((), (), (), (), {}, {}, None, {}, {})))[:-1],
        _sealed((*HEAD, ((), (), (), (), {}, {}, None, {}, {}))),
        _sealed((*HEAD, (("a",) * 3, (0,) * 3, (("wheel",),), (), {}, {}, None, {}, {}))),
        _sealed((*HEAD, (("a",) * 3, (1,) * 3, (None,), (), {}, {}, None, {}, {}))),
        _sealed((*HEAD, (("a",) * 3, (0,) * 3, (None,), (), {"/a": ()}, {}, None, {}, {}))),
    ],
)
def test_a_damaged_set_is_none(tmp_path: Path, damage: bytes) -> None:
    _keep(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    assert _find(tmp_path) is None


@pytest.mark.parametrize("place", [4, 7])
def test_a_set_of_another_shape_is_none(tmp_path: Path, place: int) -> None:
    rows: list[Any] = [("a",) * 3, (0,) * 3, (None,), (), {}, {}, None, {}, {}]
    rows[place] = None
    _keep(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(_sealed((*HEAD, tuple(rows))))
    assert _find(tmp_path) is None


def test_the_sealed_form_above_is_the_one_that_is_read(tmp_path: Path) -> None:
    _keep(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(_sealed((*HEAD, (("a",) * 3, (0,) * 3, (None,), (), {}, {}, None, {}, {}))))
    assert _find(tmp_path) == LoadSet(
        sonames=("a",) * 3, kinds=(None,) * 3, interactions=None, changed=False
    )


def test_what_was_asked_once_is_not_asked_again(tmp_path: Path) -> None:
    def refuse(*_: object) -> Any:  # noqa: ANN401 - it never returns
        pytest.fail("asked again")

    _keep(tmp_path)
    found = _find(tmp_path)
    assert found is not None
    assert found.describe(SOURCE, "/b.so", (3, "channel"), refuse) == BOUND
    assert found.compiler("/site/a.so", refuse) == ("GCC: (GNU) 12.2.0",)
    assert not found.changed
    assert found.describe(SOURCE, "/b.so", (4,), lambda *_: BOUND[:1]) == BOUND[:1]
    assert found.changed


def test_only_what_is_new_is_written(tmp_path: Path) -> None:
    _keep(tmp_path)
    (file,) = tmp_path.iterdir()
    sets = LoadSets(tmp_path, PROGRAM, STATE)
    found = sets.find(PATHS, IDENTITIES, memory=True)
    assert found is not None
    file.unlink()
    sets.save()
    assert not list(tmp_path.iterdir())
    found.compiler("/b.so", lambda _: ("clang",))
    sets.save()
    again = _find(tmp_path)
    assert again is not None
    assert again.compilers["/b.so"] == ("clang",)


def test_the_oldest_sets_are_forgotten(tmp_path: Path) -> None:
    for number in range(load_set._MOST_SETS):
        _keep(tmp_path, program=f"/bin/{number}")
    other = tmp_path / "process-00000000.shelf"
    other.touch()
    files = sorted(tmp_path.glob("load-*"))
    for age, file in enumerate(files[7:] + files[:7]):
        os.utime(file, ns=(age + 1, age + 1))
    os.utime(other, ns=(0, 0))
    _keep(tmp_path)
    left = set(tmp_path.glob("load-*"))
    assert len(left) == load_set._MOST_SETS == len(files) == 32
    assert set(files) - left == {files[7]}
    assert other.exists()
    assert _find(tmp_path) is not None


def test_what_could_not_be_written_is_written_next_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    sets = LoadSets(tmp_path / "cache", PROGRAM, STATE)
    sets.add(PATHS, IDENTITIES, _set(), memory=True)
    sets.save()
    (tmp_path / "cache").unlink()
    assert _find(tmp_path / "cache") is None
    sets.save()
    assert _find(tmp_path / "cache") is not None


def test_sets_with_and_without_the_memory_lie_side_by_side(tmp_path: Path) -> None:
    sets = LoadSets(tmp_path, PROGRAM, STATE)
    blind = LoadSet(sonames=("", "", ""), kinds=(KIND, KIND, None))
    sets.add(PATHS, IDENTITIES, _set(), memory=True)
    sets.add(PATHS, IDENTITIES, blind, memory=False)
    sets.save()
    found = _find(tmp_path, memory=False)
    assert found is not None
    assert (found.sonames, found.ranges, found.references) == (("", "", ""), (), {})
    again = _find(tmp_path)
    assert again is not None
    assert again.ranges == _set().ranges


def test_files_of_one_kind_share_it(tmp_path: Path) -> None:
    sets = LoadSets(tmp_path, PROGRAM, STATE)
    kinds = (KIND, KIND._replace(package="maker"), KIND)
    sets.add(PATHS, IDENTITIES, LoadSet(sonames=("",) * 3, kinds=kinds), memory=True)
    sets.save()
    found = _find(tmp_path)
    assert found is not None
    assert len({id(kind) for kind in found.kinds}) == 1


@pytest.mark.parametrize("path", ["/in/pro\ncess/lib\tx.so", "/in/\udc80.so"])
def test_odd_names_come_back(tmp_path: Path, path: str) -> None:
    paths = (path, *PATHS[1:])
    _keep(tmp_path, paths=paths)
    assert _find(tmp_path, paths=paths) is not None
    assert _find(tmp_path) is None


def test_each_question_is_asked_once() -> None:
    asked: list[object] = []

    def describe(*question: object) -> tuple[Bound, ...]:
        asked.append(question)
        return BOUND

    def compilers(path: str) -> tuple[str, ...]:
        asked.append(path)
        return ()

    known = LoadSet(sonames=(), kinds=(), changed=False)
    for _ in range(2):
        assert known.describe(SOURCE, "/b.so", (3,), describe) == BOUND
    assert known.changed
    known.changed = False
    for _ in range(2):
        assert known.compiler("/b.so", compilers) == (), "no answer is one, too"
    assert known.changed
    assert asked == [(SOURCE, "/b.so", (3,)), "/b.so"]
    for other in ((SOURCE, "/c.so", (3,)), (SOURCE._replace(path="/d.so"), "/b.so", (3,))):
        known.describe(*other, describe)
    assert len(asked) == 4


def test_a_file_that_cannot_be_read_today_is_asked_tomorrow(elf_fixture: ElfFixture) -> None:
    path = str(elf_fixture("libown.so"))
    source = SOURCE._replace(path=path)

    def refuses(path: str) -> BinaryIO:
        raise PermissionError(path)

    def opens(path: str) -> BinaryIO:
        return open(path, "rb")  # noqa: PTH123 - as the observer does it

    known = LoadSet(sonames=(), kinds=())
    today = known.describe(source, path, (2,), partial(describe_bound, open_file=refuses))
    tomorrow = known.describe(source, path, (2,), partial(describe_bound, open_file=opens))
    assert (len(today), len(tomorrow)) == (0, 1)


def test_a_folder_that_cannot_be_written_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    _keep(tmp_path / "cache")
    assert _find(tmp_path / "cache") is None


def test_what_the_winner_only_lends_an_address_is_no_definition(elf_fixture: ElfFixture) -> None:
    def opens(path: str) -> BinaryIO:
        return open(path, "rb")  # noqa: PTH123 - as the observer does it

    own, other = (str(elf_fixture(name)) for name in ("libown.so", "libuser.so"))
    source = SOURCE._replace(path=own)
    assert describe_bound(source, own, (2, 8), opens)[1].name == "value"
    assert describe_bound(source, other, (2, 8), opens) == ()

    def gone(path: str) -> BinaryIO:
        if path == other:
            raise ElfError(path, "it is gone")
        return opens(path)

    assert [each.name for each in describe_bound(source, other, (2, 8), gone)] == [
        "called",
        "value",
    ]
