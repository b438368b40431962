"""A folder of the cache is used only while its files are what was sealed."""

from __future__ import annotations

import io
import zipfile
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


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The wheel that the sealed library was taken from."""
    path = tmp_path / "pinned.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("nvidia/lib/libx.so.1", bytes(100))
    return path


def test_what_was_unpacked_is_compared_with_its_wheel_whoever_sealed_it(
    folder: Path, wheel: Path
) -> None:
    (folder / "lib/libx.so").unlink()
    source = (wheel, ["nvidia/lib/libx.so.1"])
    seal(folder)
    assert is_intact(folder, source=source)
    _overwrite(folder)
    seal(folder)
    stream = io.StringIO()
    assert is_intact(folder)
    assert not is_intact(folder, Progress(stream=stream), source)
    assert "libx.so.1 is not that of pinned.whl" in stream.getvalue()
    assert not is_intact(folder, source=(wheel, [*source[1], "nvidia/lib/liby.so.1"]))
