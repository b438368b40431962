"""``cxxrt config`` for builds that are not Python's: a program, CMake, pkg-config."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sample_builds import clean_environment, run

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.compile, pytest.mark.runtime]

_PROGRAM = """\
#include <fstream>
#include <iostream>
#include <string>
int main() {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find("libstdc++") != std::string::npos) {
            std::cout << line.substr(line.find('/')) << '\\n';
            return 0;
        }
}
"""
_CMAKE = """\
cmake_minimum_required(VERSION 3.18...3.31)
project(consumer LANGUAGES CXX)
find_package(cxx11_cuda_runtime 1.9 CONFIG REQUIRED COMPONENTS stdcxx)
add_executable(consumer main.cc)
target_link_libraries(consumer PRIVATE cxxrt::stdcxx)
"""


@pytest.fixture
def config(runtime_env: Callable[[], Path]) -> Callable[..., str]:
    """Runs the command where this toolchain and the runtime wheel are importable."""
    packages = next(runtime_env().parents[1].glob("lib/python*/site-packages"))

    def call(*options: str) -> str:
        environment = {**clean_environment(), "PYTHONPATH": str(packages)}
        command = [sys.executable, "-m", "cxxrt_toolchain", "config", *options]
        return run(command, environment).rstrip("\n")

    return call


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "main.cc").write_text(_PROGRAM, encoding="utf-8")
    (tmp_path / "CMakeLists.txt").write_text(_CMAKE, encoding="utf-8")
    return tmp_path


def _needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}: install it with the system's package manager")
    return found


def test_a_program_built_with_the_flags_runs_on_the_runtime(
    config: Callable[..., str], source: Path
) -> None:
    compiler, program = _needs("g++"), source / "main"
    flags = config("--cflags", "--ldflags").split()
    run([compiler, str(source / "main.cc"), "-o", str(program), *flags], clean_environment())
    mapped = Path(run([str(program)], clean_environment()).strip())
    assert mapped.parent == Path(config("--libdir"))


def test_cmake_finds_the_package(config: Callable[..., str], source: Path) -> None:
    cmake, build = _needs("cmake"), source / "build"
    prefix = f"-DCMAKE_PREFIX_PATH={config('--cmakedir')}"
    run([cmake, "-S", str(source), "-B", str(build), prefix], clean_environment())
    run([cmake, "--build", str(build)], clean_environment())
    mapped = Path(run([str(build / "consumer")], clean_environment()).strip())
    assert mapped.parent == Path(config("--libdir"))


def test_pkg_config_finds_the_package(config: Callable[..., str]) -> None:
    program = _needs("pkg-config")
    environment = {**clean_environment(), "PKG_CONFIG_PATH": config("--pkgconfigdir")}
    flags = run([program, "--libs", "cxxrt-stdcxx"], environment).split()
    folders = [Path(flag.removeprefix("-L")) for flag in flags if flag.startswith("-L")]
    assert "-lstdc++" in flags
    assert any((folder / "libstdc++.so").is_file() for folder in folders)


def test_without_options_everything_is_listed_by_name(config: Callable[..., str]) -> None:
    names = [line.partition(":")[0] for line in config().splitlines()]
    assert names == [
        "version",
        "cflags",
        "ldflags",
        "cmakedir",
        "pkgconfigdir",
        "includedir",
        "libdir",
    ]


def test_without_a_runtime_it_says_how_to_get_one() -> None:
    command = [sys.executable, "-I", "-c"]
    code = "import sys; from cxxrt_toolchain.cli import main; sys.exit(main(['config']))"
    path = f"import sys; sys.path.insert(0, {str(_toolchain())!r}); "
    spec = f"sys.path.insert(0, {str(_toolchain().parent / 'abi-tag-spec')!r}); "
    done = subprocess.run(
        [*command, path + spec + code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 3
    assert "pip install cxx11-cuda-runtime" in done.stderr
    assert "Traceback" not in done.stderr


def _toolchain() -> Path:
    return Path(__file__).parents[3] / "toolchain"
