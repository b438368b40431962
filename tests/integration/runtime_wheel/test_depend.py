"""One switch of runtime.toml: depend on NVIDIA's wheels instead of carrying their files."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.runtime


@pytest.fixture
def depending_wheel(runtime_wheel: Path, checkout: Path, tmp_path: Path) -> Path:
    """Built by a checkout that differs from this one in that key only."""
    recipe = checkout / "recipes" / "runtime.toml"
    text = recipe.read_text(encoding="utf-8")
    assert 'cudart = "vendor"' in text
    recipe.write_text(text.replace('cudart = "vendor"', 'cudart = "depend"'), encoding="utf-8")
    command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build", "--arch", "x86_64"]
    sources = os.pathsep.join(str(checkout / name) for name in ("toolchain", "abi-tag-spec"))
    done = subprocess.run(
        [*command, "-w", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": sources},
    )
    assert done.returncode == 0, done.stderr
    return tmp_path / runtime_wheel.name


def test_it_requires_nvidias_wheels_and_has_none_of_its_files(
    depending_wheel: Path, runtime_wheel: Path
) -> None:
    with zipfile.ZipFile(depending_wheel) as archive:
        names = archive.namelist()
        (info,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(info).decode())
        bill = archive.read(next(name for name in names if "/sboms/" in name)).decode()
    requirements = metadata.get_all("Requires-Dist", [])
    assert [each.split(">=")[0] for each in requirements] == [
        "nvidia-cuda-runtime-cu12",
        "nvidia-cuda-runtime",
    ]
    assert not [name for name in names if "libcudart" in name or "cudart1" in name]
    assert "NVIDIA" not in metadata["License-Expression"]
    assert "nvidia" not in bill
    assert depending_wheel.stat().st_size < runtime_wheel.stat().st_size
