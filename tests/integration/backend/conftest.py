"""An index server with our two distributions, and sample projects built against it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from importlib.metadata import requires
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixture_cache import copied_environment, fixtures_root, kept, toolchain, version_of
from kept_environments import identity, wheelhouse, with_bundled_pip, with_packages
from machine import need_extension_builder
from sample_builds import (
    BuildSample,
    Environment,
    Index,
    build_wheel,
    clean_environment,
    copied,
    copied_sources,
    plain_sample,
    run,
)

from cxxrt_toolchain.runtime.sources.cache import locked

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAMPLES = Path(__file__).parents[2] / "packages"
_BUILD_NEEDS = {
    *("cython>=3", "nanobind>=2.2", "pybind11>=2.13", "setuptools>=77"),
    *("cmake", "meson-python>=0.17", "ninja", "scikit-build-core>=0.10"),
}
"""What the samples and their backends require."""
_CUDA_NEEDS = ("nvidia-cuda-runtime-cu12>=12.8", "nvidia-cuda-runtime-cu12==12.4.127")
_START = 30
"""Seconds that the index server may take until it answers."""


@pytest.fixture(scope="session")
def toolchain_wheel(shared_root: Path) -> Path:
    """This checkout as a wheel."""
    folder = shared_root / "toolchain-wheel"
    with locked(folder):
        if not folder.exists():
            source = copied_sources(shared_root / "toolchain-source")
            command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
            run([*command, "-o", str(folder), str(source)], clean_environment())
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def index(
    tmp_path_factory: pytest.TempPathFactory,
    shared_root: Path,
    toolchain_wheel: Path,
    runtime_wheel: Path,
) -> Iterator[Index]:
    """A pypiserver with our two distributions; tests add what they build."""
    folder = tmp_path_factory.mktemp("index")
    for wheel in (toolchain_wheel, runtime_wheel):
        shutil.copy(wheel, folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = str(with_packages("pypiserver") / "bin" / "pypi-server")
    command = [program, "run", "-i", "127.0.0.1", "-p", str(port)]
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--disable-fallback", str(folder)], stdout=output, stderr=output
        )
        try:
            _wait_for(port)
            yield Index(
                folder=folder,
                url=f"http://127.0.0.1:{port}/simple/",
                wheelhouse=wheelhouse({*_BUILD_NEEDS, *_own_needs()}, *_CUDA_NEEDS),
                uv_cache=shared_root / "uv-cache",
            )
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="session")
def build_sample(index: Index, runtime_wheel: Path) -> BuildSample:
    """Builds each sample once for each frontend, set of options and content of our code."""

    def build(name: str, frontend: str = "build", *options: str) -> Path:
        need_extension_builder()
        inputs = (
            *(frontend, options, toolchain(), identity(sys.executable), _SAMPLES / name),
            *(runtime_wheel, str(index.wheelhouse)),
            *(version_of("g++", "-v"), version_of("nvcc", "--version")),
            *(version_of("cmake", "--version"), version_of("uv", "--version")),
        )

        def make(wheels: Path) -> None:
            # The folder is part of the debug information: the same for all builds of a sample, so
            # that their bytes can be compared; one build at a time.
            source = fixtures_root() / ".sources" / name
            with locked(source):
                build_wheel(copied(_SAMPLES / name, source), wheels, frontend, index, *options)

        return next(kept(f"sample-{name}-{frontend}", inputs, make).glob("*.whl"))

    return build


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of the sample projects."""
    return _SAMPLES


@pytest.fixture
def new_environment(tmp_path: Path, index: Index) -> Environment:
    """A fresh virtual environment."""
    python = copied_environment(with_bundled_pip(), tmp_path / "env")
    return Environment(python=python, index=index)


@pytest.fixture
def sample_source(tmp_path: Path) -> Path:
    """A setuptools project with a package in ``src``, to be changed or installed editable."""
    need_extension_builder()
    return plain_sample(_SAMPLES / "pybind11_setuptools", tmp_path / "project")


def _own_needs() -> set[str]:
    """What this checkout requires of its users, as pip's requirements."""
    return {each for each in requires("cxxrt-toolchain") or () if "extra ==" not in each}


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START
    while not _answers(port):
        if time.monotonic() > deadline:
            pytest.fail(f"the index server did not answer in {_START} s")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionError:
        return False
    return True
