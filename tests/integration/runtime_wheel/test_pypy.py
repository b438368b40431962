"""Both distributions on a real PyPy: the runtime's loader does nothing there, and says so.

The toolchain is pure Python and works. PyPy 7.3 lacks names of ``os`` that CPython has on Linux.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import requires
from typing import TYPE_CHECKING

import golden_case
import pytest
from chroot import in_root
from debfixtures import debian_set

import cxxrt_abi_tag_spec
import cxxrt_toolchain

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.corpus, pytest.mark.network, pytest.mark.runtime]

_REASON = "The runtime's loader does nothing here: this is not CPython on Linux with glibc"
_PYPY = ("PYTHONPATH=/home/site", "/usr/bin/pypy3", "-B")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, runtime_wheel: Path) -> Path:
    """What the root sees as ``/home``: ``site`` has both packages and what they require."""
    folder = tmp_path_factory.mktemp("pypy")
    needs = [each for each in requires("cxxrt-toolchain") or () if "extra ==" not in each]
    command = [sys.executable, "-m", "uv", "pip", "install", "-q"]
    command += ["--python-version", "3.11", "--target", str(folder / "site")]
    # Wheels of PyPI for PyPy are few: those of pure Python will do.
    plain = [each for each in needs if not each.startswith("isal")]
    subprocess.run([*command, str(runtime_wheel), *plain], check=True)
    for package in (cxxrt_toolchain, cxxrt_abi_tag_spec):
        source = package.__path__[0]
        shutil.copytree(source, folder / "site" / package.__name__)
    return folder


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return in_root(debian_set("trixie-pypy"), folder, *_PYPY, "-m", *arguments)


def test_activate_says_what_the_doctor_says(folder: Path) -> None:
    doctor = _run(folder, "cxx11_cuda_runtime", "doctor")
    assert _REASON in doctor.stdout, doctor.stderr
    assert doctor.returncode == 0
    activated = _run(folder, "cxx11_cuda_runtime", "activate")
    assert activated.returncode == 1
    assert activated.stderr == (
        f"cxx11-cuda-runtime: {_REASON}. Nothing was activated. [CXXRT-L107]\n"
    )


def test_the_toolchain_judges_and_repairs(folder: Path) -> None:
    case = golden_case.load_case(golden_case.CASES / "H1-bundled")
    name = golden_case.write_wheel_of(case, folder).name
    assert _run(folder, "cxxrt_toolchain", "check", f"/home/{name}").returncode == 1
    repaired = _run(folder, "cxxrt_toolchain", "repair", "-w", "/home/new", f"/home/{name}")
    assert repaired.returncode == 0, repaired.stderr
    path = repaired.stdout.splitlines()[-1]
    assert _run(folder, "cxxrt_toolchain", "check", path).returncode == 0
    tags = _run(folder, "cxxrt_toolchain", "tags")
    assert "pp311-pypy311_pp73" in tags.stdout, tags.stderr
    assert "cxxrt1" not in tags.stdout
    assert "no tag of the shared runtime, which is for CPython" in tags.stdout
    doctor = _run(folder, "cxxrt_toolchain", "doctor", "--import", "packaging")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
