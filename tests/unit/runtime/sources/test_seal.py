"""A folder of the cache is used only while its files are what was sealed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.sources.seal import is_intact, seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sealed folder."""
    folder = tmp_path / "cudart-0123"
    (folder / "lib").mkdir(parents=True)
    (folder / "licenses").mkdir()
    (folder / "lib/libx.so.1").write_bytes(bytes(100))
    (folder / "lib/libx.so").symlink_to("libx.so.1")
    (folder / "figures.json").write_text("[]")
    seal(folder)
    return folder


def _overwrite(folder: Path) -> None:
    (folder / "lib/libx.so.1").write_bytes(bytes(50) + b"TAMPERED_BYTES__" + bytes(34))


_DAMAGE: dict[str, Callable[[Path], object]] = {
    "overwritten": _overwrite,
    "removed": lambda folder: (folder / "lib/libx.so.1").unlink(),
    "added": lambda folder: (folder / "licenses/NEW").write_bytes(b""),
    "link": lambda folder: (folder / "lib/libx.so").rename(folder / "lib/liby.so"),
    "figures": lambda folder: (folder / "figures.json").write_text("{"),
    "no seal": lambda folder: (folder / "sealed.json").unlink(),
    "broken seal": lambda folder: (folder / "sealed.json").write_text("[" * 100_000),
    "other seal": lambda folder: (folder / "sealed.json").write_text("[]"),
}


def test_a_sealed_folder_is_intact(folder: Path) -> None:
    assert is_intact(folder)
    assert not is_intact(folder.with_name("other"))


@pytest.mark.parametrize("kind", _DAMAGE)
def test_a_damaged_folder_is_not_and_a_line_says_so(kind: str, folder: Path) -> None:
    _DAMAGE[kind](folder)
    stream = io.StringIO()
    assert not is_intact(folder, Progress(stream=stream))
    assert "is damaged (" in stream.getvalue()
