from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from cxx11_cuda_runtime._blame.elf import read_elf

if TYPE_CHECKING:
    from pathlib import Path


def tiny_elf(*rows: tuple[int, int]) -> bytes:
    """An ELF64 file with these rows of the dynamic section, and strings at 0x300."""
    dynamic = b"".join(struct.pack("<qQ", *row) for row in (*rows, (0, 0)))
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x1000, 0, 0x400, 0x400, 0x1000)
    place = struct.pack("<IIQQQQQQ", 2, 6, 0x200, 0x1200, 0x200, len(dynamic), len(dynamic), 8)
    image = bytearray(0x400)
    for offset, part in (
        (0, head + load + place),
        (0x200, dynamic),
        (0x300, b"\0libdemo.so.1\0libc.so.6\0"),
    ):
        image[offset : offset + len(part)] = part
    return bytes(image)


NEEDED, STRTAB, SONAME = 1, 5, 14
WHOLE = tiny_elf((SONAME, 1), (NEEDED, 14), (NEEDED, 1), (STRTAB, 0x1300))


def test_soname_and_needs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "demo.so"
    path.write_bytes(WHOLE)
    facts = read_elf(str(path))
    assert facts is not None
    assert (facts.soname, facts.needed) == ("libdemo.so.1", ("libc.so.6", "libdemo.so.1"))
    path.write_bytes(tiny_elf((STRTAB, 0x1300)))
    facts = read_elf(str(path))
    assert facts is not None
    assert (facts.soname, facts.needed) == ("", ())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x7fELF",
        b"\x7fELF\2\1" + b"\0" * 20,
        b"text" * 50,
        tiny_elf((SONAME, 1)),  # no string table
        tiny_elf((SONAME, 1), (STRTAB, 1 << 63)),
    ],
)
def test_what_is_no_usable_elf_file_has_no_facts(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd"
    path.write_bytes(content)
    assert read_elf(str(path)) is None
    assert read_elf(str(tmp_path / "missing")) is None


@pytest.mark.parametrize("length", range(0, 0x400, 31))
def test_a_file_that_is_cut_anywhere_is_no_reason_to_fail(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut"
    path.write_bytes(WHOLE[:length])
    read_elf(str(path))


def test_a_string_far_outside_the_file_is_no_reason_to_fail(tmp_path: Path) -> None:
    path = tmp_path / "far"
    path.write_bytes(tiny_elf((SONAME, 1 << 62), (STRTAB, 0x1300)))
    read_elf(str(path))
