"""Published CUDA packages and the loader, whichever comes first: one libcudart of each major.

Without a device: they are imported, load their libraries and say which runtime they have. cupy
links it statically, Numba and cuda-bindings look for NVIDIA's file, JAX's plugin has a RUNPATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from kept_environments import with_packages

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.corpus, pytest.mark.network, pytest.mark.runtime]

RELEASES = (
    *("cupy-cuda12x==14.2.0", "cuda-bindings==12.9.10", "numba-cuda==0.30.4", "numba==0.68.1"),
    *("jax==0.10.2", "jaxlib==0.10.2", "jax-cuda12-plugin==0.10.2", "jax-cuda12-pjrt==0.10.2"),
    *("nvidia-cuda-runtime-cu12==12.9.79", "numpy==2.3.5"),
)
VERSION = 12090
CHILD = """
import json, sys
def mapped(name):
    with open("/proc/self/maps") as maps:
        paths = {line.split(None, 5)[5].strip() for line in maps if "/" in line}
    return sorted(path for path in paths if path.rpartition("/")[2].startswith(name))
def ours():
    import cxx11_cuda_runtime as runtime
    runtime.require(glibcxx="3.4.21", cudart="12", who="demo")
    return [row.found_via for row in runtime.loaded() if row.soname == "libcudart.so.12"][0]
def thirteen():  # last: cuda-pathfinder takes whichever major is loaded
    import cxx11_cuda_runtime as runtime
    runtime.require(cudart="13", who="demo")
def cupy():
    import cupy
    return cupy.cuda.runtime.runtimeGetVersion()
def bindings():
    from cuda.bindings import runtime
    error, version = runtime.getLocalRuntimeVersion()
    assert int(error) == 0, error
    return version
def numba():
    from numba import cuda
    assert not cuda.is_available()
    return bindings()
def jax():
    import jax_plugins.xla_cuda12
    from jax_cuda12_plugin import _versions
    return _versions.cuda_runtime_get_version()
said = {name: globals()[name]() for name in sys.argv[1:]}
print(json.dumps([said, mapped("libcudart.so.12"), mapped("libcudart.so.13"), mapped("libstdc++")]))
"""
ORDERS = (
    *(["cupy"], ["bindings"], ["numba"], ["jax"]),
    *(["cupy", "jax"], ["jax", "cupy"], ["jax", "bindings", "numba", "cupy"]),
)


@pytest.fixture(scope="module")
def site() -> Path:
    return next(with_packages(*RELEASES).glob("lib/python3*/site-packages"))


@pytest.fixture(params=["installed", "not installed"])
def nvidia(request: pytest.FixtureRequest, site: Path, tmp_path: Path) -> Path:
    """The packages with and without NVIDIA's libcudart; without, ours is the only one."""
    if request.param == "installed":
        return site
    copy = tmp_path / "site"
    shutil.copytree(site, copy, copy_function=os.link, symlinks=True)
    shutil.rmtree(copy / "nvidia" / "cuda_runtime" / "lib")
    return copy


def _ask(python: Path, *names: str, paths: tuple[Path, ...]) -> list[object]:
    environ = {name: text for name, text in os.environ.items() if not name.startswith("CXXRT_")}
    environ.pop("LD_LIBRARY_PATH", None)
    environ["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    without = [] if paths[0] in python.parents[1].rglob("site-packages") else ["-S"]
    command = [str(python), *without, "-W", "ignore", "-c", CHILD, *names]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    answer: list[object] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("first", [True, False], ids=["ours first", "theirs first"])
@pytest.mark.parametrize("names", ORDERS, ids=" ".join)
def test_one_libcudart_of_each_major_whoever_comes_first(
    site: Path, nvidia: Path, runtime_site: Path, ours: Path, names: list[str], *, first: bool
) -> None:
    vendored = nvidia != site
    if vendored and not first and set(names) != {"cupy"}:
        pytest.skip("they find no libcudart by themselves")
    order = ["ours", *names, "thirteen"] if first else [*names, "ours", "thirteen"]
    python = site.parents[2] / "bin" / "python"
    said, major_12, major_13, libstdcxx = _ask(python, *order, paths=(nvidia, runtime_site))
    assert isinstance(said, dict)
    assert {said[name] for name in names} == {VERSION}
    theirs = nvidia / "nvidia" / "cuda_runtime" / "lib" / "libcudart.so.12"
    assert major_12 == [str(ours / "libcudart.so.12" if vendored else theirs)]
    assert major_13 == [str(ours / "libcudart.so.13")]
    assert isinstance(libstdcxx, list)
    assert len(libstdcxx) == 1
    resident = not first and names != ["cupy"]
    usual = "vendored" if vendored else "nvidia-wheel"
    assert said["ours"] == ("already-loaded" if resident else usual)
