"""Two CUDA majors in one environment: what serves side by side, and what is refused where.

Sentence L-10 of abi-tag-spec: the majors have different SONAMEs, so a wheel for 12 and one for 13
are no conflict, and one process may use both. A conflict is what has no libcudart of its major, one
that is too old, or a name that its binaries contradict: refused by the build, the audit, the
resolver, or, where the installation was forced, by the loader.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from fixture_cache import kept, toolchain, version_of
from kept_environments import identity
from machine import need_extension_builder
from sample_builds import clean_environment, copied_sources, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sample_builds import Environment, Index

pytestmark = [pytest.mark.isolated, pytest.mark.network, pytest.mark.compile, pytest.mark.runtime]

_THIS = f"cp{sys.version_info[0]}{sys.version_info[1]}"
_SOURCE = """\
#include <Python.h>
#include <string>
extern "C" int cudaRuntimeGetVersion(int*);
extern "C" int NEWEST(...);
extern "C" __attribute__((visibility("default"))) void *newest() { return (void *)NEWEST; }
static PyObject *version(PyObject *, PyObject *) {
    int number = 0;
    cudaRuntimeGetVersion(&number);
    return PyUnicode_FromString(std::to_string(number).c_str());
}
static PyMethodDef methods[] = {{"selftest", version, METH_NOARGS, nullptr}, {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "NAME", nullptr, -1, methods};
PyMODINIT_FUNC PyInit_NAME() { return newest() ? PyModule_Create(&module) : nullptr; }
"""
_SETUP = """\
from setuptools import Extension, setup
setup(ext_modules=[Extension({name!r}, ["m.cc"], language="c++", libraries=["cudart"])])
"""
_PROJECT = """\
[build-system]
requires = ["cxxrt-toolchain", "setuptools"]
build-backend = "cxxrt_toolchain.backend"
[project]
name = {name!r}
version = "1.0"
dependencies = ["cxx11-cuda-runtime>=1,<2"]
[tool.cxxrt]
cuda = {major}
"""
_FUNCTIONS = {"uses12": "cudaEventElapsedTime_v2", "uses13": "cudaGetDeviceCount"}
"""What the module of that name needs: of 12, a function that came with 12.8."""
_LIBCUDART_12_FIRST = """\
import ctypes, glob, site
for path in glob.glob(site.getsitepackages()[0] + "/nvidia/cuda_runtime/lib/libcudart.so.12"):
    ctypes.CDLL(path)
import uses12
"""


@pytest.fixture(scope="module")
def wheels(index: Index, runtime_wheel: Path, runtime_env: Callable[[], Path]) -> dict[str, Path]:
    """A wheel for each major, built by the backend and published on the index."""
    need_extension_builder()
    packages = next(runtime_env().parents[1].glob("lib/python*/site-packages"))
    texts = (_SOURCE, _SETUP, _PROJECT, _FUNCTIONS)
    tools = (identity(sys.executable), version_of("g++", "-v"), version("setuptools"))
    built = {}
    for name in _FUNCTIONS:
        folder = kept(
            name, (toolchain(), runtime_wheel, texts, tools), partial(_build, name, packages)
        )
        (built[name],) = folder.glob("wheels/*.whl")
        index.publish(built[name])
    return built


def _build(name: str, packages: Path, folder: Path) -> None:
    source = _SOURCE.replace("NAME", name).replace("NEWEST", _FUNCTIONS[name])
    (folder / "m.cc").write_text(source, encoding="utf-8")
    (folder / "setup.py").write_text(_SETUP.format(name=name), encoding="utf-8")
    project = _PROJECT.format(name=name, major=name[-2:])
    (folder / "pyproject.toml").write_text(project, encoding="utf-8")
    (folder / "wheels").mkdir()
    hook = "import cxxrt_toolchain.backend as b; b.build_wheel('wheels', {'cxxrt.encoding': 'tag'})"
    environment = {**clean_environment(), "PYTHONPATH": str(packages), "CUDACXX": "no-nvcc"}
    run([sys.executable, "-c", hook], environment, cwd=folder)


@pytest.fixture
def runtime_of_13(runtime_wheel: Path, tmp_path: Path) -> Path:
    """A runtime wheel with libcudart 13 only, from a checkout that differs in that line."""
    checkout = copied_sources(tmp_path / "checkout")
    recipe = checkout / "recipes" / "runtime.toml"
    text = recipe.read_text(encoding="utf-8")
    assert '"cudart12", ' in text
    recipe.write_text(text.replace('"cudart12", ', ""), encoding="utf-8")
    sources = os.pathsep.join(str(checkout / name) for name in ("toolchain", "abi-tag-spec"))
    command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build", "-w"]
    run([*command, str(tmp_path / "wheels")], {**os.environ, "PYTHONPATH": sources})
    return tmp_path / "wheels" / runtime_wheel.name


def _error(environment: Environment, code: str) -> str:
    """The last line that a failing process says."""
    done = subprocess.run(
        [environment.python, "-c", code],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.splitlines()[-1]


def test_both_majors_install_together_and_serve_one_process(
    wheels: dict[str, Path], new_environment: Environment
) -> None:
    assert f"-cxxrt1_cu12_{_THIS}-" in wheels["uses12"].name
    assert f"-cxxrt1_cu13_{_THIS}-" in wheels["uses13"].name
    new_environment.install("uses12", "uses13")
    probe = new_environment.probe("uses12", "uses13")
    assert probe.answers["uses12"].startswith("12")
    assert probe.answers["uses13"].startswith("13")
    names = [path.name for path in probe.runtimes]
    assert sorted(names) == sorted(set(names))
    assert {"libcudart.so.12", "libcudart.so.13", "libstdc++.so.6"} <= set(names)


def test_a_major_that_the_forced_runtime_lacks_is_refused_by_the_loader(
    wheels: dict[str, Path], runtime_of_13: Path, new_environment: Environment
) -> None:
    new_environment.stock_pip("install", "-q", "--no-deps", "--no-index", str(runtime_of_13))
    new_environment.install("--no-deps", *wheels)
    site = next(new_environment.python.parents[1].glob("lib/python*/site-packages"))
    message = _error(new_environment, "import uses12")
    assert message.startswith(
        "cxx11_cuda_runtime._errors.CudartNotFoundError: uses12 needs libcudart.so.12, and it was "
        f"not found. Looked in: {site}/nvidia/cu12/lib/libcudart.so.12, "
        f"{site}/nvidia/cuda_runtime/lib/libcudart.so.12, "
    )
    assert message.endswith(" Fix: pip install 'nvidia-cuda-runtime-cu12>=12.8'. [CXXRT-L004]")
    assert new_environment.probe("uses13").answers["uses13"].startswith("13")
    # The advice is true: what it names is what was missing.
    new_environment.stock_pip("install", "-q", "--no-deps", "nvidia-cuda-runtime-cu12>=12.8")
    assert new_environment.probe("uses12", "uses13").answers["uses12"].startswith("12")


def test_a_release_that_is_too_old_and_came_first_is_refused_by_the_loader(
    wheels: dict[str, Path], new_environment: Environment
) -> None:
    assert "uses12" in wheels
    new_environment.stock_pip("install", "-q", "--no-deps", "nvidia-cuda-runtime-cu12==12.4.127")
    new_environment.install("uses12")
    site = next(new_environment.python.parents[1].glob("lib/python*/site-packages"))
    message = _error(new_environment, _LIBCUDART_12_FIRST)
    assert message == (
        "cxx11_cuda_runtime._errors.CudartTooOldError: uses12 needs CUDA runtime 12.8 or newer "
        f"('cudaEventElapsedTime_v2'), but {site}/nvidia/cuda_runtime/lib/libcudart.so.12 "
        "(CUDA 12.4) was loaded first by a direct dlopen (ctypes, or another package's loader). "
        "Fix one of: "
        "(1) pip install -U 'nvidia-cuda-runtime-cu12>=12.8'; "
        "(2) 'import cxx11_cuda_runtime' and require() before that package. [CXXRT-L003]"
    )


def test_a_wheel_whose_name_says_another_major_than_its_binaries_is_refused_by_the_audit(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    wrong = tmp_path / wheels["uses13"].name.replace("_cu13_", "_cu12_")
    wrong.write_bytes(wheels["uses13"].read_bytes())
    command = [sys.executable, "-m", "cxxrt_toolchain", "check", str(wrong)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "CXXRT-T1" in done.stdout
    assert "libcudart.so.13" in done.stdout
