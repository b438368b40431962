"""Wheels through the real pip, from a folder of wheels instead of an index."""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.errors import InputError, MissingToolError
from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe import Input, Kind
from cxxrt_toolchain.runtime.sources.fetch import fetch
from cxxrt_toolchain.runtime.sources.pip_client import PipClient

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel for another architecture, in a folder that pip is told to look into."""
    path = tmp_path / "index" / "thing-1.0-py3-none-manylinux2014_aarch64.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        info = "thing-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-manylinux2014_aarch64\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    return path


def _get(sha256: str, downloads: Path, version: str = "1.0", python: str = sys.executable) -> Path:
    pin = Input(
        kind=Kind.PYPI,
        package="thing",
        version=version,
        architecture="manylinux2014_aarch64",
        sha256=sha256,
    )
    downloads.mkdir()
    clients = {Kind.PYPI: PipClient(python=python)}
    progress = Progress(stream=io.StringIO())
    return fetch([pin], downloads=downloads, downloaders=clients, progress=progress)[pin]


def _left(downloads: Path) -> list[str]:
    return [path.name for path in downloads.iterdir() if path.suffix != ".lock"]


def test_a_wheel_of_another_architecture_is_fetched(wheel: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    file = _get(digest, tmp_path / "downloads")
    assert file.read_bytes() == wheel.read_bytes()
    assert _left(tmp_path / "downloads") == [f"{digest}.whl"]


def test_a_wrong_hash_names_expected_and_actual(wheel: Path, tmp_path: Path) -> None:
    actual = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with pytest.raises(InputError, match=f"thing 1.0.*Expected {'0' * 64}, got {actual}"):
        _get("0" * 64, tmp_path / "downloads")
    assert _left(tmp_path / "downloads") == []


@pytest.mark.usefixtures("wheel")
def test_a_version_that_does_not_exist_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match=r"thing 2\.0.*cannot be fetched\. pip says"):
        _get("0" * 64, tmp_path / "downloads", "2.0")
    assert _left(tmp_path / "downloads") == []


@pytest.mark.usefixtures("wheel")
def test_an_unreachable_index_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(MissingToolError, match="reaches no package index"):
        _get("0" * 64, tmp_path / "downloads")


def test_a_python_without_pip_is_one_clear_error(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E -s "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(MissingToolError, match="ensurepip"):
        _get("0" * 64, tmp_path / "downloads", python=str(bare))
