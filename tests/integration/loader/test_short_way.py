"""libgomp and libcudart without another import: the short way maps what the long way would map.

Each state is asked of both ways; ``CXXRT_DEBUG`` makes the package take the long one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from system_runtime import OURS_IS_NEWEST

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.runtime]

CHILD = """
import json, sys
sys.path[:0] = {paths!r}
{before}
import cxx11_cuda_runtime as runtime
try:
    runtime.require({needs})
    error = ""
except (ImportError, ValueError) as caught:
    error = type(caught).__name__
modules = sorted(name for name in sys.modules if name.startswith("cxx11_cuda_runtime."))
maps = {{line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}}
wanted = ("libgomp", "libcudart", "libstdc++")
print(json.dumps({{
    "error": error,
    "maps": sorted(path for path in maps if any(name in path for name in wanted)),
    "found": {{row.soname: row.found_via for row in runtime.loaded()}},
    "modules": modules,
}}))
"""


def _ask(
    needs: str, *paths: Path, before: str = "", long: bool = False
) -> tuple[dict[str, Any], list[str]]:
    code = CHILD.format(paths=[str(path) for path in paths], before=before, needs=needs)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CXXRT_")}
    environ.pop("LD_LIBRARY_PATH", None)
    if long:
        environ["CXXRT_DEBUG"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ
    )
    answer = json.loads(done.stdout)
    return answer, answer.pop("modules")


@OURS_IS_NEWEST
@pytest.mark.parametrize(
    ("needs", "short"),
    [
        ("cudart='12'", True),
        ("cudart='13'", True),
        ("cudart='12.0', glibcxx='3.4.30'", True),
        ("openmp=True", True),
        ("openmp=True, cudart='12'", True),
        ("cudart='12.99'", False),
        ("cudart='99'", False),
        ("cudart='twelve'", False),
        ("cudart='12.'", False),
        ("cudart='12', glibcxx='3.4.99'", False),
    ],
)
def test_both_ways_map_the_same_and_the_short_one_imports_no_module(
    runtime_site: Path, needs: str, *, short: bool
) -> None:
    answer, modules = _ask(needs, runtime_site)
    expected, _ = _ask(needs, runtime_site, long=True)
    assert answer == expected
    if short:
        assert modules == []
        assert not answer["error"]


def _nvidia(site: Path, folder: str, library: Path) -> Path:
    place = site / "nvidia" / folder / "lib"
    place.mkdir(parents=True)
    path = place / library.name
    path.write_bytes(library.read_bytes())
    return path


@OURS_IS_NEWEST
@pytest.mark.parametrize("where", ["beside", "elsewhere", "newer folder"])
def test_nvidias_file_is_taken_wherever_the_long_way_takes_it(
    own_site: Path, tmp_path: Path, where: str
) -> None:
    library = own_site / "cxx11_cuda_runtime" / "lib" / "libcudart.so.12"
    site = tmp_path / "other" if where == "elsewhere" else own_site
    folder = "cu12" if where == "newer folder" else "cuda_runtime"
    path = _nvidia(site, folder, library)
    answer, modules = _ask("cudart='12'", own_site, site)
    assert answer["found"]["libcudart.so.12"] == "nvidia-wheel"
    assert str(path) in answer["maps"]
    assert (modules == []) is (where == "beside")
    assert answer == _ask("cudart='12'", own_site, site, long=True)[0]


def test_a_cut_file_of_nvidias_is_explained_and_not_mapped(own_site: Path) -> None:
    library = own_site / "cxx11_cuda_runtime" / "lib" / "libcudart.so.12"
    path = _nvidia(own_site, "cuda_runtime", library)
    path.write_bytes(path.read_bytes()[:8192])
    answer, _ = _ask("cudart='12'", own_site)
    assert answer["error"] == "LibraryLoadError"
    assert not any("libcudart" in mapped for mapped in answer["maps"])


@OURS_IS_NEWEST
def test_one_that_is_loaded_under_another_path_stays_the_only_one(
    own_site: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "libcudart-of-somebody.so"
    copy.write_bytes((own_site / "cxx11_cuda_runtime" / "lib" / "libcudart.so.12").read_bytes())
    before = (
        "import _imp, importlib.machinery as m\n"
        f"try: _imp.create_dynamic(m.ModuleSpec('x', None, origin={str(copy)!r}))\n"
        "except ImportError: pass"
    )
    answer, modules = _ask("cudart='12'", own_site, before=before)
    assert [path for path in answer["maps"] if "cudart" in path] == [str(copy)]
    assert answer["found"]["libcudart.so.12"] == "already-loaded"
    assert modules == []


def test_a_second_thread_leaves_it_to_the_long_way(runtime_site: Path) -> None:
    before = (
        "import threading; stop = threading.Event()\n"
        "import cxx11_cuda_runtime\n"
        "thread = threading.Thread(target=stop.wait, daemon=True); thread.start()"
    )
    answer, modules = _ask("cudart='12'", runtime_site, before=before)
    assert answer["found"]["libcudart.so.12"] == "vendored"
    assert "cxx11_cuda_runtime._cudart" in modules


@pytest.mark.parametrize("way", ["short", "long", "resident"])
def test_libgomp_is_not_made_global(runtime_site: Path, way: str) -> None:
    """Its ``omp_`` functions would answer for those of Intel's and LLVM's OpenMP runtimes."""
    library = runtime_site / "cxx11_cuda_runtime" / "lib" / "libgomp.so.1"
    before = f"import _ctypes; _ctypes.dlopen({str(library)!r}, 2)" if way == "resident" else ""
    probe = "openmp=True); runtime.loaded(); import ctypes; ctypes.CDLL(None).omp_get_num_threads"
    code = CHILD.format(paths=[str(runtime_site)], before=before, needs=f"{probe} and print(")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CXXRT_")}
    if way == "long":
        environ["CXXRT_DEBUG"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environ
    )
    assert "AttributeError" in done.stderr
    assert "undefined symbol: omp_get_num_threads" in done.stderr
