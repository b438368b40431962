"""The runtime's wheel for all other platforms: there to be required, and it does nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_ELSEWHERE = """\
import os, sys
sys.path.insert(0, sys.argv[1])
def confstr(name):
    raise ValueError("unrecognized configuration name")
if sys.argv[2] == "musl":
    os.confstr = confstr
elif sys.argv[2] == "macos":
    sys.platform = "darwin"
elif sys.argv[2] == "pypy":
    sys.implementation.name = "pypy"
import cxx11_cuda_runtime
cxx11_cuda_runtime.require(glibcxx="3.4.30", cudart="12", openmp=True, who="demo")
maps = open("/proc/self/maps").read()
print(cxx11_cuda_runtime._how, "libstdc++" in maps, "libcudart" in maps)
"""


@pytest.fixture(scope="module")
def any_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wheels = []
    for name in ("one", "two"):
        folder = tmp_path_factory.mktemp(name)
        command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build", "--arch", "any"]
        subprocess.run([*command, "-w", str(folder)], check=True, stdout=subprocess.DEVNULL)
        wheels.append(next(folder.iterdir()))
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    return wheels[0]


@pytest.fixture(scope="module")
def site(any_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(any_wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize("where", ["musl", "macos", "pypy"])
def test_where_nothing_is_served_it_loads_nothing_and_refuses_nothing(
    site: Path, where: str
) -> None:
    command = [sys.executable, "-S", "-B", "-c", _ELSEWHERE, str(site), where]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "unsupported False False\n", done.stderr


def test_where_a_runtime_is_served_it_says_what_is_wrong(site: Path) -> None:
    """A pip that is too old for manylinux_2_17 takes it."""
    command = [sys.executable, "-S", "-B", "-c", _ELSEWHERE, str(site), "here"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "demo needs the shared runtime" in done.stderr
    assert "by pip 20.3 or newer" in done.stderr
    assert "[CXXRT-L007]" in done.stderr


@pytest.mark.runtime
@pytest.mark.parametrize(
    ("platform", "chosen"),
    [
        ("manylinux_2_28_x86_64", "manylinux"),
        ("musllinux_1_2_x86_64", "any"),
        ("linux_ppc64le", "any"),
        ("macosx_11_0_arm64", "any"),
        ("win_amd64", "any"),
    ],
)
def test_pip_takes_it_for_other_platforms_only(
    any_wheel: Path, runtime_wheel: Path, tmp_path: Path, platform: str, chosen: str
) -> None:
    for wheel in (any_wheel, runtime_wheel):
        (tmp_path / "links").mkdir(exist_ok=True)
        shutil.copy(wheel, tmp_path / "links")
    links = ["--no-index", "--find-links", str(tmp_path / "links")]
    named = [f"--platform={platform}", "--only-binary=:all:", "--no-deps"]
    if chosen == "manylinux":  # pip takes the older ones of what is named
        named.append("--platform=manylinux_2_17_x86_64")
    command = [sys.executable, "-m", "pip", "download", "-q", "-d", str(tmp_path / "got")]
    environ = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    subprocess.run([*command, *links, *named, "cxx11-cuda-runtime>=1,<2"], check=True, env=environ)
    (got,) = (tmp_path / "got").iterdir()
    assert chosen in got.name.split("-")[-1]
