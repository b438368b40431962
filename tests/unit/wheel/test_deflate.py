"""Deflating in pieces: one valid stream per content, the same whatever the threads do."""

from __future__ import annotations

import os
import random
import zlib
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.wheel import deflate as deflate_module
from cxxrt_toolchain.wheel.deflate import Deflater

if TYPE_CHECKING:
    from pathlib import Path


def packed(contents: list[bytes | Path], level: int = 6) -> list[bytes]:
    with Deflater(contents, level) as deflater:
        return [b"".join(piece.deflated for piece in deflater.following()) for _ in contents]


def words(size: int) -> bytes:
    chosen = random.Random(7)  # noqa: S311 - no secret
    return b" ".join(chosen.choice([b"alpha", b"beta", b"gamma"]) for _ in range(size // 5))[:size]


def test_each_content_is_one_deflate_stream(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(deflate_module, "_PIECE", 1000)
    path = tmp_path / "file"
    path.write_bytes(words(30_000))
    before, after = [b"", b"x", words(1000), words(1001)], [b"", words(50_000)]
    found = packed([*before, path, *after])
    plain = [*before, path.read_bytes(), *after]
    assert found[0] == found[5] == b""
    for content, stream in zip(plain, found, strict=True):
        if content:
            engine = zlib.decompressobj(-zlib.MAX_WBITS)
            assert engine.decompress(stream) == content
            assert engine.eof
            assert not engine.unused_data


@pytest.mark.parametrize("processors", [1, 2, 7])
def test_the_number_of_threads_changes_no_byte(
    monkeypatch: pytest.MonkeyPatch, processors: int
) -> None:
    monkeypatch.setattr(deflate_module, "_PIECE", 1 << 16)
    contents: list[bytes | Path] = [words(300_000), words(10), words(250_000)]
    expected = packed(contents)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(processors))
    assert packed(contents) == expected


def test_pieces_cost_next_to_nothing() -> None:
    content = words(2_500_000)
    engine = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    whole = len(engine.compress(content) + engine.flush())
    assert len(packed([content])[0]) < 1.002 * whole


def test_a_small_content_is_deflated_as_everybody_does() -> None:
    engine = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    assert packed([words(5000)]) == [engine.compress(words(5000)) + engine.flush()]
