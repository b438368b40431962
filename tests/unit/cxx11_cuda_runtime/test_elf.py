from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from cxx11_cuda_runtime._blame.elf import read_elf, read_slots

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ADDRESSES = {"dynamic": 0x200, "strings": 0x300, "symbols": 0x400, "hash": 0x500}


def tiny_elf(symbols: list[tuple[bytes, int, int, int]], *, gnu_hash: bool = False) -> bytes:
    """An ELF64 file that needs libc.so.6; symbols are (name, info, other, section)."""
    strings = b"\0libdemo.so.1\0libc.so.6\0"
    table = struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)
    for name, info, other, section in symbols:
        table += struct.pack("<IBBHQQ", len(strings), info, other, section, 0x100, 1)
        strings += name + b"\0"
    count = len(symbols) + 1
    if gnu_hash:
        chain = b"\0\0\0\0" * (count - 2) + b"\1\0\0\0"
        hashes = struct.pack("<IIIIQI", 1, 1, 1, 0, 0, 1) + chain
    else:
        hashes = struct.pack("<II", 1, count)
    rows = [
        (14, 1),
        (1, 14),
        (5, _ADDRESSES["strings"]),
        (6, _ADDRESSES["symbols"]),
        (0x6FFFFEF5 if gnu_hash else 4, _ADDRESSES["hash"]),
        (0, 0),
    ]
    dynamic = b"".join(struct.pack("<qQ", *row) for row in rows)
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 0x600, 0x600, 0x1000)
    place = struct.pack("<IIQQQQQQ", 2, 6, 0x200, 0x200, 0x200, len(dynamic), len(dynamic), 8)
    image = bytearray(0x600)
    for offset, part in (
        (0, head + load + place),
        (0x200, dynamic),
        (0x300, strings),
        (0x400, table),
        (0x500, hashes),
    ):
        image[offset : offset + len(part)] = part
    return bytes(image)


CLASSIC = b"_ZNSt6locale7classicEv"
GLOBAL_FUNC, HIDDEN, DEFINED, UNDEFINED = 0x12, 2, 7, 0


@pytest.mark.parametrize("gnu_hash", [False, True])
@pytest.mark.parametrize(
    ("symbol", "exports"),
    [
        ((CLASSIC, GLOBAL_FUNC, 0, DEFINED), True),
        ((CLASSIC, GLOBAL_FUNC, HIDDEN, DEFINED), False),
        ((CLASSIC, GLOBAL_FUNC, 0, UNDEFINED), False),
        ((CLASSIC, 0x02, 0, DEFINED), False),
        ((b"other", GLOBAL_FUNC, 0, DEFINED), False),
    ],
)
def test_who_exports_libstdcxx_is_told_by_its_symbols(
    tmp_path: Path, symbol: tuple[bytes, int, int, int], exports: bool, gnu_hash: bool
) -> None:
    path = tmp_path / "demo.so"
    path.write_bytes(tiny_elf([(b"first", GLOBAL_FUNC, 0, DEFINED), symbol], gnu_hash=gnu_hash))
    facts = read_elf(str(path))
    assert facts is not None
    assert (facts.soname, facts.needed) == ("libdemo.so.1", ("libc.so.6",))
    assert facts.exports_libstdcxx is exports


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\2\1" + b"\0" * 20, b"text" * 50])
def test_what_is_no_elf_file_has_no_facts(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd"
    path.write_bytes(content)
    assert read_elf(str(path)) is None
    assert read_elf(str(tmp_path / "missing")) is None


@pytest.mark.parametrize("length", [64, 128, 0x1F0, 0x210, 0x310, 0x410, 0x501])
def test_a_file_that_is_cut_anywhere_is_no_reason_to_fail(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut"
    path.write_bytes(tiny_elf([(CLASSIC, GLOBAL_FUNC, 0, DEFINED)])[:length])
    facts = read_elf(str(path))
    assert facts is None or not facts.exports_libstdcxx


@pytest.mark.parametrize(
    ("name", "prefixes", "words"),
    [
        ("libuser.so", (b"dep",), (0x2000,)),
        ("libuser.so", (b"dep", b"abs"), (0x1FE0, 0x2000)),
        ("libuser.so", (b"guarded",), ()),
        ("libuser.so", (), ()),
        ("libown-aarch64.so", (b"__tls",), (0x2008,)),
        ("libown-aarch64.so", (b"value",), ()),  # it has its own
    ],
)
def test_where_functions_of_others_are_expected(
    elf_fixture: Callable[[str], Path],
    name: str,
    prefixes: tuple[bytes, ...],
    words: tuple[int, ...],
) -> None:
    slots = read_slots(str(elf_fixture(name)), *prefixes)
    assert slots is not None
    assert slots.words == words  # as readelf -r has them
    assert slots.start == 0
    assert slots.end > 0x2008


def test_slots_of_what_is_cut_or_gone(elf_fixture: Callable[[str], Path], tmp_path: Path) -> None:
    whole = elf_fixture("libuser.so").read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "cut").write_bytes(whole[:length])
        found = read_slots(str(tmp_path / "cut"), b"dep")
        assert found is None or len(found.words) <= 1
    assert read_slots(str(tmp_path / "gone"), b"dep") is None
