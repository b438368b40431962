"""A kernel compiled by nvcc, linked to the shared libcudart of its major."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from pathlib import Path

    from sample_builds import BuildSample, Environment, Index

pytestmark = [pytest.mark.isolated, pytest.mark.network, pytest.mark.compile, pytest.mark.runtime]

_MAJOR = 13
_CALLS = """\
import json, cxxrt_sample_cuda as m
try:
    answer = m.selftest()
except RuntimeError as error:
    answer = str(error)
maps = [line.split()[-1] for line in open("/proc/self/maps") if "libcudart" in line]
print(json.dumps([m.runtime_version(), answer, sorted(set(maps))]))
"""


@pytest.fixture(autouse=True)
def _nvcc() -> None:
    nvcc = shutil.which("nvcc")
    text = (
        subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout
        if nvcc
        else ""
    )
    if f"release {_MAJOR}." not in text:
        pytest.skip(f"needs nvcc of CUDA {_MAJOR} on PATH: install NVIDIA's toolkit")


def _needed(wheel: Path) -> tuple[str, ...]:
    with Wheel.open(wheel) as opened:
        (member,) = [m.name for m in opened.members if ".so" in m.name]
        return read_elf(BytesIO(opened.read(member)), member).needed


def test_the_wheel_is_tagged_and_bound_for_its_major(build_sample: BuildSample) -> None:
    path = build_sample("cuda_extension", "build", "cxxrt.encoding=tag")
    assert f"-cxxrt1_cu{_MAJOR}_" in path.name
    assert f"libcudart.so.{_MAJOR}" in _needed(path)
    with Wheel.open(path) as wheel:
        source = wheel.read("cxxrt_sample_cuda/_cxxrt_init.py").decode()
        requirements = " ".join(str(r) for r in wheel.metadata.requirements())
    assert re.search(rf'require\(.*cudart="{_MAJOR}', source)
    assert "cxx11-cuda-runtime" in requirements


def test_without_a_device_it_imports_and_says_so(
    build_sample: BuildSample, index: Index, new_environment: Environment
) -> None:
    index.publish(build_sample("cuda_extension"))
    new_environment.install("cxxrt-sample-cuda")
    version, answer, mapped = json.loads(new_environment.run(_CALLS))
    assert version // 1000 == _MAJOR
    assert answer == "cxxrt 42" or answer.startswith("CUDA: ")
    assert len(mapped) == 1
    assert "cxx11_cuda_runtime" in mapped[0]


def test_a_static_cudart_becomes_the_shared_one(
    build_sample: BuildSample, index: Index, new_environment: Environment
) -> None:
    """Who declares ``cuda`` gets its libcudart (B-1), whatever CMake or nvcc are told."""
    option = "cmake.define.CMAKE_CUDA_RUNTIME_LIBRARY=Static"
    path = build_sample("cuda_extension", "build", option)
    assert f"libcudart.so.{_MAJOR}" in _needed(path)
    command = [sys.executable, "-m", "cxxrt_toolchain", "check", "--json", str(path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "CXXRT-H7" not in checked
    index.publish(path)
    new_environment.install("cxxrt-sample-cuda")
    version, _, mapped = json.loads(new_environment.run(_CALLS))
    assert version // 1000 == _MAJOR
    assert len(mapped) == 1
