"""The quick reader of plain directories against the standard library's, which reads any."""

from __future__ import annotations

import io
import random
import zipfile
from dataclasses import dataclass

import pytest

from cxxrt_toolchain.wheel.entries import UNREADABLE, _any, _plain, read_entries

_MOST = 1 << 20


@dataclass(frozen=True)
class _Memory:
    """A `ByteSource`."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, size: int) -> bytes:
        return self.data[offset : offset + size]

    def close(self) -> None:
        """Nothing to close."""


def _archive(names: tuple[str, ...] = ("pkg/a.so", "pkg/", "x-1.dist-info/RECORD")) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in enumerate(names):
            archive.writestr(name, bytes(50 * number))
    return file.getvalue()


def test_a_plain_archive_is_read_alike() -> None:
    source = _Memory(_archive())
    found = _plain(source, _MOST)
    assert found is not None
    assert found == _any(source, _MOST) == read_entries(source, _MOST)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_changed_a_plain_archive_is_one_for_every_reader(seed: int) -> None:
    """Bytes changed, added and taken away in the directory and the end record."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    whole = _archive()
    first = whole.index(b"PK\1\2")
    plain = 0
    for _ in range(2_000):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 3)):
            at = draw.randint(first, len(data) - 1)
            how = draw.randrange(8)
            if how == 0:
                data[at:at] = draw.choice([b"\0", b"PK\5\6", b"PK\6\7", draw.randbytes(22)])
            elif how == 1:
                del data[at : at + draw.choice([1, 2, 4, 22])]
            else:
                data[at] = draw.choice([0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)])
        source = _Memory(bytes(data))
        found = _plain(source, _MOST)
        if found is not None:
            plain += 1
            assert found == _any(source, _MOST)
        else:
            try:
                read_entries(source, _MOST)
            except UNREADABLE:
                continue
    assert plain > 50  # the check is of something


@pytest.mark.parametrize(
    "data",
    [
        b"#!before\n" + _archive(),
        _archive() + b"behind",
        _archive(("pkg/\u00e4.so",)),
        _archive()[:-14] + b"\xff\xff\xff\xff" + _archive()[-10:],
    ],
    ids=["before", "behind", "not ASCII", "64 bits"],
)
def test_another_archive_is_left_to_the_standard_library(data: bytes) -> None:
    source = _Memory(data)
    assert _plain(source, _MOST) is None
    assert read_entries(source, _MOST).members
