"""The kernel's signal frame and return addresses, from bytes laid out by hand."""

from __future__ import annotations

import struct

import pytest

from cxxrt_toolchain.collect.imports.crash_site import _follows_a_call, _interrupted
from cxxrt_toolchain.facts.imports.run import CrashSite

STACK, PROGRAM = 0x7F00_0000_8000, 0x7F12_3456_789A


class FakeMemory:
    """Bytes at one address; everything else is mapped and zero, or not at all."""

    def __init__(self, start: int, data: bytes) -> None:
        self._start = start
        self._data = data

    def read(self, address: int, size: int) -> bytes:
        offset = address - self._start
        return self._data[offset : offset + size] if 0 <= offset < len(self._data) else b""

    def word(self, address: int) -> int | None:
        return 0 if address == STACK & ~7 else None


def _frame(alternate: tuple[int, int, int]) -> bytes:
    start, flags, size = alternate
    head = struct.pack("=QQQiiQ", 7, 0, start, flags, 0, size)
    registers = struct.pack("=15Q", *range(1, 16)) + struct.pack("=QQ", STACK, PROGRAM)
    return b"\xee" * 48 + head + registers + b"\xee" * 512


@pytest.mark.parametrize(
    "alternate", [(0x10000, 0, 0x4000), (0x10000, 1, 0x4000), (0, 2, 0)], ids=str
)
def test_the_interrupted_registers(alternate: tuple[int, int, int]) -> None:
    pointer = 0x12000
    memory = FakeMemory(pointer, _frame(alternate))
    assert _interrupted(memory, pointer) == (PROGRAM, STACK)  # type: ignore[arg-type]  # a fake


@pytest.mark.parametrize(
    "alternate", [(0x90000, 0, 0x4000), (0x10000, 0, 0x100), (0, 0, 0)], ids=str
)
def test_what_only_looks_like_a_frame(alternate: tuple[int, int, int]) -> None:
    pointer = 0x12000
    memory = FakeMemory(pointer, _frame(alternate))
    assert _interrupted(memory, pointer) is None  # type: ignore[arg-type]  # a fake


@pytest.mark.parametrize(
    ("code", "is_call"),
    [
        ("90e8112233 44", True),
        ("90909090ffd0", True),
        ("90909041ffd3", True),
        ("909090ff5008", True),
        ("ff1511223344", True),
        ("ff9011223344", True),
        ("909090909090", False),
        ("4889e5488b45", False),
        ("9090", False),
    ],
)
def test_a_return_address_follows_a_call(code: str, is_call: bool) -> None:
    assert _follows_a_call(bytes.fromhex(code)) is is_call


def test_a_site_is_said_in_a_sentence() -> None:
    assert str(CrashSite(0, "", "", ())) == "it jumped to 0x0, where no code is mapped"
    assert str(CrashSite(5, "/lib/x.so", "f", ())) == "it was in /lib/x.so (f)"
