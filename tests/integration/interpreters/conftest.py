"""Each interpreter that is found, and a folder with what it runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import requires
from typing import TYPE_CHECKING

import pytest
from interpreters import NAMES, Interpreter, find

import cxxrt_abi_tag_spec
import cxxrt_toolchain

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=NAMES)
def interpreter(request: pytest.FixtureRequest) -> Interpreter:
    """Each interpreter that is there."""
    found = find(request.param)
    if found is None:
        pytest.skip(f"needs {request.param}: .ci/interpreters, or an installed one")
    return found


@pytest.fixture
def cpython(interpreter: Interpreter) -> Interpreter:
    """Each CPython that is there."""
    if not interpreter.is_cpython:
        pytest.skip("PyPy has nothing of this")
    return interpreter


def _packages(site: Path, runtime: Path, platform: str) -> Path:
    """The runtime, the toolchain and what builds need, of pure Python, for all interpreters."""
    needs = [each for each in requires("cxxrt-toolchain") or () if "extra ==" not in each]
    plain = [each for each in needs if not re.match("isal", each)]  # an option of speed, in C
    command = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python-version", "3.10"]
    command += ["--python-platform", platform, "--only-binary", ":all:", "--target", str(site)]
    subprocess.run([*command, str(runtime), *plain, "setuptools>=77", "pip"], check=True)
    for package in (cxxrt_toolchain, cxxrt_abi_tag_spec):
        shutil.copytree(package.__path__[0], site / package.__name__)
    return site


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory, runtime_wheel: Path) -> Path:
    """The site folder for this architecture."""
    site = tmp_path_factory.mktemp("packages") / "site"
    return _packages(site, runtime_wheel, "x86_64-manylinux_2_28")


@pytest.fixture(scope="session")
def packages_aarch64(tmp_path_factory: pytest.TempPathFactory, runtime_wheel_aarch64: Path) -> Path:
    """The site folder for the other."""
    site = tmp_path_factory.mktemp("packages") / "site"
    return _packages(site, runtime_wheel_aarch64, "aarch64-manylinux_2_28")


@pytest.fixture
def folder(interpreter: Interpreter, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with ``site``, for `Interpreter.run`."""
    name = "packages_aarch64" if interpreter.name.endswith("aarch64") else "packages"
    packages: Path = request.getfixturevalue(name)
    shutil.copytree(packages, tmp_path / "site", copy_function=os.link)
    return tmp_path
