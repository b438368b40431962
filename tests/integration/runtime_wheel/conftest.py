"""The published x86_64 wheel, read; and a copy of this checkout that a test may change."""

from __future__ import annotations

import io
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.abi.manifest import RuntimeManifest
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.runtime.recipe_reader import recipes_root

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def runtime_manifest(runtime_wheel: Path) -> RuntimeManifest:
    """Its manifest."""
    with zipfile.ZipFile(runtime_wheel) as archive:
        return RuntimeManifest.from_json(archive.read("cxx11_cuda_runtime/manifest.json").decode())


@pytest.fixture(scope="session")
def runtime_nodes(runtime_wheel: Path, runtime_manifest: RuntimeManifest) -> dict[str, set[str]]:
    """SONAME to the symbol versions that the library defines."""
    with zipfile.ZipFile(runtime_wheel) as archive:
        contents = {
            each.soname: archive.read(f"cxx11_cuda_runtime/{each.path}")
            for each in runtime_manifest.libraries
        }
    return {
        soname: set(read_elf(io.BytesIO(content), soname).version_definitions)
        for soname, content in contents.items()
    }


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the toolchain is made from."""
    root, copy = recipes_root().parent, tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("recipes", "toolchain", "abi-tag-spec"):
        shutil.copytree(root / folder, copy / folder, ignore=ignored)
    for file in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(root / file, copy)
    return copy
