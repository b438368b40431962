"""Sections and constants of the committed files, and of files whose section headers lie."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.elf.image import ElfImage
from cxxrt_toolchain.elf.reader import SparseElf
from cxxrt_toolchain.elf.sections import read_constants, read_sections

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    ElfFixture = Callable[[str], Path]

_SHOFF, _SHENTSIZE = 40, 58


def image(data: bytes) -> ElfImage:
    return ElfImage(io.BytesIO(data), "it.so")


def constants(data: bytes) -> bytes:
    return b"".join(read_constants(image(data)))


def test_sections_are_those_that_readelf_lists(elf_fixture: ElfFixture) -> None:
    found = {
        each.name: each for each in read_sections(image(elf_fixture("libuser.so").read_bytes()))
    }
    assert {b"", b".dynsym", b".dynstr", b".dynamic", b".comment"} <= set(found)
    comment = found[b".comment"]
    data = elf_fixture("libuser.so").read_bytes()
    assert data[comment.offset :][: comment.size].startswith(b"GCC: ")


def test_constants_are_neither_code_nor_tables(elf_fixture: ElfFixture) -> None:
    assert constants(elf_fixture("libuser.so").read_bytes()) == b"", "it has none"
    found = constants(elf_fixture("libunique.so").read_bytes())
    assert b"ELF" not in found
    assert b"\0_ZN6HolderIiE5valueE\0" not in found


def test_without_section_headers_the_read_only_segments_stand_in(elf_fixture: ElfFixture) -> None:
    data = elf_fixture("libuser-nosections.so").read_bytes()
    assert read_sections(image(data)) == ()
    assert b"\x7fELF" in constants(data)


@pytest.mark.parametrize("offset", [0, 1 << 40, (1 << 64) - 1])
def test_a_table_that_is_not_there_is_none(elf_fixture: ElfFixture, offset: int) -> None:
    data = bytearray(elf_fixture("libuser.so").read_bytes())
    struct.pack_into("<Q", data, _SHOFF, offset)
    assert read_sections(image(bytes(data))) == ()


def test_constants_beyond_the_end_of_the_file_are_left_out(elf_fixture: ElfFixture) -> None:
    data = bytearray(elf_fixture("libuser.so").read_bytes())
    (table,) = struct.unpack_from("<Q", data, _SHOFF)
    size, _, names = struct.unpack_from("<HHH", data, _SHENTSIZE)
    comment = next(
        number
        for number, each in enumerate(read_sections(image(bytes(data))))
        if each.name == b".comment"
    )
    assert comment != names
    flags, _, offset = struct.unpack_from("<QQQ", data, table + comment * size + 8)
    assert offset
    struct.pack_into("<Q", data, table + comment * size + 8, flags | 2)  # SHF_ALLOC
    assert constants(bytes(data)).startswith(b"GCC: ")
    struct.pack_into("<Q", data, table + comment * size + 24, 1 << 41)
    assert constants(bytes(data)) == b""


@pytest.mark.parametrize("name", ["libuser.so", "libuser-aarch64.so", "libplain-32.so", "plain.o"])
def test_nobody_passes_strings_to_what_is_not_called(elf_fixture: ElfFixture, name: str) -> None:
    with elf_fixture(name).open("rb") as stream:
        found = SparseElf(stream, name).string_arguments(("PyCapsule_New", "dep"))
    assert found == {"PyCapsule_New": frozenset(), "dep": frozenset()}
