"""Several copies of one libcudart: who may use which, and which of them is idle."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import pytest

from cxxrt_toolchain.collect.process.cudart_users import Places, idle_copies, read_places
from cxxrt_toolchain.elf.image import ElfError
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.libraries import Library, Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

OURS, THEIRS, OTHER = "/nv/libcudart.so.13", "/tv.libs/libcudart.1a.so.13", "/nv/libcudart.so.12"
USER = "/tv/core.so"


def _library(path: str, soname: str, family: RuntimeFamily | None = None) -> Library:
    return Library(path=path, soname=soname, origin=Origin.WHEEL, package="a", family=family)


def _copy(path: str, soname: str) -> Library:
    return _library(path, soname, RuntimeFamily.LIBCUDART)


COPIES = (_copy(OURS, "libcudart.so.13"), _copy(THEIRS, "libcudart.so.13"))
USES = _library(USER, "core.so")


def _places(
    libraries: Iterable[Library], needed: tuple[str, ...], open_file: Callable[[str], BinaryIO]
) -> Places:
    """With an object that needs some libraries, and one that cannot be read."""
    rows = {**{each.path: () for each in libraries}, USER: needed}
    return read_places((*libraries, USES, _library("/gone.so", "")), rows, open_file)


def _unreadable(path: str) -> BinaryIO:
    raise ElfError(path, "it is gone")


@pytest.mark.parametrize(
    ("needed", "copies"),
    [
        ("libcudart.1a.so.13", (THEIRS,)),
        ("libcudart.so.13", (OURS, THEIRS)),
        ("libcudart.so.12", None),
        ("libc.so.6", None),
    ],
)
def test_who_may_use_a_copy(needed: str, copies: tuple[str, ...] | None) -> None:
    found = _places((*COPIES, _copy(OTHER, "libcudart.so.12")), (needed,), _unreadable)
    assert found == ({} if copies is None else {USER: (copies, None)})


def test_one_copy_of_each_major_needs_no_look(elf_fixture: Callable[[str], Path]) -> None:
    def open_file(path: str) -> BinaryIO:
        return pytest.fail(f"{path} was read")

    single = (COPIES[0], _copy(OTHER, "libcudart.so.12"))
    assert _places(single, ("libcudart.so.13", "libcudart.so.12"), open_file) == {}
    plain = elf_fixture("libuser.so")  # needs no function of CUDA's
    found = _places(COPIES, ("libcudart.so.13",), lambda _: plain.open("rb"))
    assert found == {USER: ((OURS, THEIRS), ())}


@pytest.mark.parametrize(
    ("places", "bound", "idle"),
    [
        pytest.param({USER: ((THEIRS,), (8, 16))}, OURS, (THEIRS,), id="opened by name"),
        pytest.param(
            {USER: ((THEIRS,), (8, 16)), "/t.so": ((OURS, THEIRS), (8,))},
            OURS,
            (THEIRS,),
            id="idle",
        ),
        pytest.param(
            {USER: ((THEIRS,), (8,)), "/t.so": ((THEIRS,), ())}, OURS, (THEIRS,), id="no call"
        ),
        pytest.param({USER: ((THEIRS,), (8,)), "/t.so": ((OURS,), (8,))}, "", (), id="unbound"),
        pytest.param({USER: ((THEIRS,), (8,))}, USER, (), id="not yet called"),
        pytest.param({USER: ((THEIRS,), None), "/t.so": ((OURS,), (8,))}, OURS, (), id="unread"),
        pytest.param(
            {USER: ((THEIRS,), (8,)), "/t.so": ((OURS,), (8,))}, THEIRS, (OURS,), id="2nd"
        ),
    ],
)
def test_a_copy_is_idle_only_where_its_users_are_seen_to_use_another(
    places: Places, bound: str, idle: tuple[str, ...]
) -> None:
    assert idle_copies(places, lambda _path, _place: bound) == idle


def test_a_copy_that_one_of_two_uses_is_not_idle() -> None:
    places: Places = {USER: ((THEIRS,), (8, 16)), "/t.so": ((OURS, THEIRS), (8,))}
    assert idle_copies(places, lambda _, place: THEIRS if place == 16 else OURS) == ()
