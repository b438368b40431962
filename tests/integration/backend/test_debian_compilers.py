"""Debian's compilers of today and the runtime of GCC 14: a wheel is bound to where it works.

They run in a root folder of their own, beside this machine's compiler, and all of them link to the
libstdc++ of GCC 16. Some 3 minutes, and 250 MB to fetch, the first time.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from chroot import in_root
from debfixtures import debian_set
from sample_builds import copied, run

if TYPE_CHECKING:
    from pathlib import Path

    from sample_builds import Index

pytestmark = [pytest.mark.corpus, pytest.mark.network, pytest.mark.runtime]

_ALL = "fmt sema debugged stack omp exc"
_HOOK = """\
import sys
sys.path.insert(0, "/home/site")
from cxxrt_toolchain.backend import build_wheel
build_wheel("/home/dist", {"cxxrt.encoding": "plain"})
"""
_IMPORT = """\
import importlib, sys
import cxx11_cuda_runtime
print({importlib.import_module("modern." + name).selftest() for name in sys.argv[1:]})
"""


@dataclass(frozen=True)
class _Case:
    compiler: str
    standard: str
    modules: str
    runtime: str
    """The lowest version that the wheel asks for."""


_CASES = [
    _Case("g++-14", "-std=c++23", _ALL, "1.13"),
    _Case("g++-15", "-std=c++23", _ALL, "1.15"),
    _Case("g++-16", "-std=c++26", _ALL, "1.16"),
    _Case("clang++-22", "-std=c++23", "fmt sema debugged stack exc", "1.16"),
]
_TOO_NEW = {"1.15", "1.16"}
"""Bounds that the runtime of GCC 14 does not meet."""


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.compiler + case.standard)
def test_the_wheel_imports_where_its_requirement_is_met(
    case: _Case,
    tmp_path: Path,
    samples: Path,
    index: Index,
    toolchain_wheel: Path,
    runtime_wheel: Path,
    runtime16_wheel: Path,
) -> None:
    root = debian_set("sid-compilers")
    copied(samples / "modern", tmp_path / "project")
    (tmp_path / "dist").mkdir()
    _install(tmp_path / "site", "setuptools", str(toolchain_wheel), str(runtime_wheel))
    variables = (f"CXX={case.compiler}", f"CC={case.compiler}", f"STANDARD={case.standard}")
    program = ("MODULES=" + case.modules, "PYTHONPATH=/home/site", "python3.14")
    built = in_root(
        root, tmp_path, *variables, *program, "-c", f"import os; os.chdir('/home/project')\n{_HOOK}"
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")

    with ZipFile(wheel) as archive:
        metadata = archive.read("modern-1.0.dist-info/METADATA").decode()
    assert f"Requires-Dist: cxx11-cuda-runtime<2,>={case.runtime}\n" in metadata
    too_new = case.runtime in _TOO_NEW
    assert (f">={case.runtime}, and no published runtime is as new" in built.stderr) is too_new

    tagged = run([*_CXXRT, "encode", "--to", "tag", "-w", str(tmp_path), str(wheel)], {})
    run([*_CXXRT, "check", str(wheel), tagged.strip()], {})

    for runtime in (runtime_wheel, runtime16_wheel):
        able = runtime is runtime16_wheel or not too_new
        _resolves(wheel, runtime, tmp_path / "resolved", able=able)
        _imports(root, tmp_path, wheel, runtime, case.modules, able=able)


_CXXRT = [sys.executable, "-m", "cxxrt_toolchain"]
_UV = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python-version", "3.14"]


def _install(target: Path, *requirements: str) -> None:
    subprocess.run([*_UV, "--target", str(target), *requirements], check=True)


def _resolves(wheel: Path, runtime: Path, target: Path, *, able: bool) -> None:
    """Whether the resolver takes the wheel from an index that has that runtime only."""
    links = target / "links"
    shutil.rmtree(target, ignore_errors=True)
    links.mkdir(parents=True)
    for each in (wheel, runtime):
        shutil.copy(each, links)
    platform = ["--python-platform", "x86_64-manylinux_2_40", "--no-index", "--find-links", links]
    command = [*_UV, *map(str, platform), "--target", str(target / "site"), "modern"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is able, done.stderr
    assert able or "cxx11-cuda-runtime" in done.stderr


def _imports(
    root: Path, folder: Path, wheel: Path, runtime: Path, modules: str, *, able: bool
) -> None:
    """Whether the modules load where the wheels were put without asking a resolver."""
    place = folder / "unpacked"
    shutil.rmtree(place, ignore_errors=True)
    for each in (wheel, runtime):
        with ZipFile(each) as archive:
            archive.extractall(place)
    command = ("PYTHONPATH=/home/unpacked", "python3.14", "-c", _IMPORT, *modules.split())
    done = in_root(root, folder, *command)
    assert (done.returncode == 0) is able, done.stdout + done.stderr
    if able:
        assert done.stdout == "{'cxxrt 42'}\n"
    else:
        assert "CXXRT-L002" in done.stderr
        assert "undefined symbol" not in done.stderr
