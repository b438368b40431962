"""The short way asks the dynamic linker's cache whether a newer libstdc++ is installed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

import cxx11_cuda_runtime

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 13


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is read for /etc/ld.so.cache, on a machine with nothing else to look at."""
    file = tmp_path / "cache"
    really_open = os.open
    monkeypatch.setattr(
        os,
        "open",
        lambda path, flags: really_open(file if path == "/etc/ld.so.cache" else path, flags),
    )
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "python"))
    monkeypatch.setattr(cxx11_cuda_runtime, "_VENDORED", 33)
    return file


def _install(tmp_path: Path, name: str, minor: int) -> bytes:
    """Install a libstdc++ in a folder of its own; its path as the cache has it."""
    link = tmp_path / name / "libstdc++.so.6"
    link.parent.mkdir()
    link.symlink_to(f"libstdc++.so.6.0.{minor}")
    return os.fsencode(link) + b"\0"


@pytest.mark.parametrize("shift", [0, 1, 15, 16, 17, 60, 1007, 1008, 1009, 1024, 1025])
@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_a_newer_copy_is_found_wherever_its_path_lies(
    cache: Path, tmp_path: Path, blocks: int, shift: int
) -> None:
    older, newer = _install(tmp_path, "older", 28), _install(tmp_path, "newer", 34)
    before = b"glibc-ld.so.cache1.1\0libstdc++.so.6\0" + older
    for path, answer in ((newer, False), (older, True)):
        filled = before.ljust(_BLOCK * blocks + shift - len(path), b"x")[:-1] + b"\0"
        cache.write_bytes(filled + path + b"libz.so.1\0" + bytes(3000))
        assert cxx11_cuda_runtime._vendored_is_newest() is answer


def test_the_vendored_copy_is_newest_where_there_is_no_other(cache: Path) -> None:
    cache.write_bytes(b"glibc-ld.so.cache1.1\0libz.so.1\0/lib/libz.so.1\0")
    assert cxx11_cuda_runtime._vendored_is_newest()


def test_a_file_without_a_telling_name_is_left_to_the_long_way(cache: Path, tmp_path: Path) -> None:
    link = tmp_path / "libstdc++.so.6"
    link.symlink_to("libstdc++-private.so")
    cache.write_bytes(b"\0" + os.fsencode(link) + b"\0")
    assert not cxx11_cuda_runtime._vendored_is_newest()


def test_a_cache_that_names_a_missing_file_is_left_to_the_long_way(cache: Path) -> None:
    cache.write_bytes(b"\0/nowhere/libstdc++.so.6\0")
    with pytest.raises(OSError, match="No such file"):
        cxx11_cuda_runtime._vendored_is_newest()
