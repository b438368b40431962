"""The installed toolchain builds the very wheel that a checkout builds."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.runtime


def run(*command: str | Path, **environment: str) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_recipes_loader_and_licence_travel_with_the_toolchain(
    checkout: Path, runtime_wheel: Path, tmp_path: Path
) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path / "dist", checkout)
    (toolchain,) = (tmp_path / "dist").glob("cxxrt_toolchain-*.whl")
    with zipfile.ZipFile(toolchain) as archive:
        archive.extractall(tmp_path / "site")
    where = {"PYTHONPATH": str(tmp_path / "site")}
    found = run(sys.executable, "-c", "import cxxrt_toolchain as t; print(t.__file__)", **where)
    assert found.startswith(str(tmp_path / "site"))
    command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build", "--arch", "x86_64"]
    output = run(*command, "-w", tmp_path, **where)
    built = tmp_path / output.splitlines()[-1]
    assert built.read_bytes() == runtime_wheel.read_bytes()
