"""A device, or the reason why there is none; wheels and environments to use it from."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gpu_builds
import pytest
from crash_builds import Way
from gpu_environments import (
    ASK_TORCH,
    HERE,
    Environment,
    Record,
    Torch,
    Wheels,
    asked,
    environment_of_children,
    new_environment,
    overlay,
)

from cxxrt_toolchain.errors import MissingToolError
from cxxrt_toolchain.runtime.sources.cache import locked

if TYPE_CHECKING:
    from collections.abc import Callable

_WHEELS = "CXXRT_GPU_WHEELS"
"""A folder that `gpu_builds` has filled, for a machine without nvcc or network."""
_BESIDE = "CXXRT_GPU_BESIDE"
"""An interpreter that has torch for CUDA; default: the one that runs the tests."""


@pytest.fixture(scope="session", autouse=True)
def device() -> None:
    """Skip where there is no device, before anything is built for it."""
    done = subprocess.run(
        [sys.executable, str(HERE / "device_child.py")],
        env=environment_of_children(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if problem := done.stdout.strip():
        pytest.skip(problem)


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Write down what was measured."""

    def write(name: str, fact: object) -> None:
        record_property(name, json.dumps(fact))

    return write


@pytest.fixture(scope="session")
def wheels(device: None, shared_root: Path, request: pytest.FixtureRequest) -> Wheels:
    """The wheels, given or built now for this interpreter."""
    if given := os.environ.get(_WHEELS):
        wheels = Wheels(folder=Path(given).resolve(strict=True))
        here = f"-cp{sys.version_info[0]}{sys.version_info[1]}-"
        name = wheels.one("cxxrt_sample_cuda").name
        assert here in name, f"{name} is for another Python than {sys.version}"
        return wheels
    if problem := gpu_builds.problem():
        pytest.skip(problem)
    folder = shared_root / "gpu-wheels"
    runtime = request.getfixturevalue("runtime_wheel")
    with locked(folder):
        if not (folder / "ready").exists():
            try:
                gpu_builds.build(folder, runtime)
            except MissingToolError as error:
                pytest.skip(f"the wheels cannot be built here: {error}")
            (folder / "ready").touch()
    return Wheels(folder=folder)


@pytest.fixture(scope="session")
def torch_environment(device: None) -> Torch:
    """The environment that has torch for CUDA 13."""
    python = os.environ.get(_BESIDE) or sys.executable
    answer = asked([python, "-c", ASK_TORCH])
    if not str(answer["cuda"]).startswith("13."):
        pytest.skip(f"needs torch for CUDA 13 in {python}: there it is {answer['cuda']}")
    return Torch(
        python=python, cuda=answer["cuda"], cupy=answer["cupy"], path=tuple(answer["path"])
    )


@pytest.fixture(scope="session")
def alone(wheels: Wheels, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The runtime and the samples, and nothing else."""
    samples = [wheels.one("cxxrt_sample_cuda"), wheels.one("cxxrt_sample_ptx")]
    return new_environment(tmp_path_factory.mktemp("alone"), [wheels.runtime, *samples])


@pytest.fixture(scope="session")
def beside(
    wheels: Wheels, torch_environment: Torch, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """The same, for torch's interpreter and before its packages."""
    samples = [wheels.one("cxxrt_sample_cuda"), wheels.one("cxxrt_sample_ptx")]
    folder = tmp_path_factory.mktemp("beside")
    return overlay(folder, [wheels.runtime, *samples], torch_environment.python)


@pytest.fixture
def pair(wheels: Wheels, tmp_path: Path) -> Callable[[str], Environment]:
    """An environment with the two packages of a pair, and what their users have installed."""

    def install(name: str) -> Environment:
        built = gpu_builds.PAIRS[name]
        others = [wheels.one("nvidia_cuda_runtime")] if built.case.needs else []
        if built.way is Way.BACKEND:
            others.append(wheels.runtime)
        return new_environment(tmp_path / name, [*wheels.pair(name), *others])

    return install


@pytest.fixture(scope="session")
def nvidia_smi(device: None) -> Callable[[str], str]:
    """What the driver's own program says: the text of one element of its report."""

    def ask(element: str) -> str:
        program = shutil.which("nvidia-smi")
        if program is None:
            pytest.skip("needs nvidia-smi on PATH: it comes with the driver")
        report = subprocess.run([program, "-q", "-x"], capture_output=True, text=True, check=True)
        found = re.search(rf"<{element}>([^<]*)</{element}>", report.stdout)
        assert found is not None, f"nvidia-smi -q -x says nothing of {element}"
        return found[1].strip()

    return ask
