"""Repaired real wheels in one process: the same results, one copy of each runtime library.

Every state runs in a child process and reports what ``/proc/self/maps`` says, not what was meant.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.corpus, pytest.mark.network, pytest.mark.runtime]

WHEELS = (
    "numpy-2",
    "scipy-",
    "scikit_learn",
    "xgboost-3",
    "lightgbm",
    "faiss_cpu-1.15",
    "sentencepiece",
    "imagecodecs",
    "scikit_image",
    "numba",
    "cumm",
    "spconv",
)
"""All but lightgbm, numba and scikit-image bundle libgomp, libquadmath or libcudart."""
_HELPERS = (
    *("joblib", "threadpoolctl", "lazy-loader", "tifffile", "imageio", "networkx", "pillow"),
    *("narwhals", "packaging", "llvmlite", "fire", "pccm", "ccimport", "pybind11", "ninja"),
    *("termcolor", "lark", "portalocker", "cloudpickle"),
)
"""What the wheels import; the same in both environments."""
_RUNS = 3
"""Memory is the median of these."""


def _environment(folder: Path, wheels: list[Path], runtime: Path | None) -> Path:
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    extra = [str(runtime)] if runtime else []
    subprocess.run([*pip, "--no-deps", *map(str, wheels), *extra], check=True)
    subprocess.run([*pip, "--no-deps", *_HELPERS], check=True)
    return python


def _measure(python: Path, wheels: list[Path]) -> dict[str, Any]:
    """What the workload says, its memory as a median, and bytes on disk."""
    runs = [_run(python) for _ in range(_RUNS)]
    assert all(run["results"] == runs[0]["results"] for run in runs)
    site = python.parents[1] / "lib"
    return {
        **runs[0],
        "memory": {key: median(run["memory"][key] for run in runs) for key in ("rss", "pss")},
        "wheels": sum(path.stat().st_size for path in wheels),
        "installed": sum(path.stat().st_size for path in site.rglob("*") if path.is_file()),
    }


def _run(python: Path) -> dict[str, Any]:
    script = Path(__file__).with_name("workload.py")
    done = subprocess.run([str(python), str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the pinned wheels are for Python 3.11")
def test_repaired_wheels_compute_the_same_with_one_copy_of_each_runtime_library(
    corpus_wheels: Callable[..., list[Path]], tmp_path: Path, runtime_wheel: Path
) -> None:
    originals = corpus_wheels(*WHEELS)
    out = tmp_path / "repaired"
    command = [sys.executable, "-m", "cxxrt_toolchain", "repair"]
    command += ["--exclude", "libtbb.so*", "-w", str(out), *map(str, originals)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    repaired = sorted(out.glob("*.whl"))
    before = _measure(_environment(tmp_path / "before", originals, None), originals)
    after = _measure(
        _environment(tmp_path / "after", repaired, runtime_wheel), [*repaired, runtime_wheel]
    )
    print(json.dumps({"before": before, "after": after}, indent=1))
    assert after["results"] == before["results"]
    assert len(before["mapped"]["libgomp"]) > 1
    for family in ("libstdc++", "libgcc_s", "libgomp", "libquadmath", "libgfortran", "libcudart"):
        (path,) = after["mapped"][family]
        assert re.search(r"/cxx11_cuda_runtime/lib/", path), path
    assert after["threads"] <= before["threads"]
    assert sum(path.stat().st_size for path in repaired) < before["wheels"]
