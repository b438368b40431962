"""A workshop for each test: its wheels are kept between sessions, by content of all sources."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from crash_builds import Workshop
from fixture_cache import kept
from toolsets import Toolsets

from cxxrt_toolchain.runtime.sources.cache import locked

if TYPE_CHECKING:
    from pathlib import Path

_ENVIRONMENT_LACKS = 3
"""Exit code of the command where the network, a mirror or a program is missing."""


@pytest.fixture(scope="session")
def matrix_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published runtime wheel, built or found built; one for all workers."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = root / "wheel-arch-x86_64"
    with locked(folder):
        if not list(folder.glob("*.whl")):
            command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build"]
            done = subprocess.run(
                [*command, "-w", str(folder), "--arch", "x86_64"],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == _ENVIRONMENT_LACKS:
                pytest.skip(f"no runtime wheel can be built here: {done.stderr.splitlines()[-1]}")
            assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture
def workshop(matrix_runtime: Path, tmp_path: Path) -> Workshop:
    """Builds the wheels of one test."""
    return Workshop(folder=tmp_path, runtime=matrix_runtime, toolsets=Toolsets(tmp_path), keep=kept)
