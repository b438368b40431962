"""numpy and scipy, which each bring libgfortran and libquadmath: one copy of each after repair."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.corpus, pytest.mark.network, pytest.mark.runtime]
FAMILIES = ("libgfortran", "libquadmath")
COMPUTE = """
import json
import {first}, {second}
import numpy as np
from scipy import integrate, interpolate, linalg, optimize
matrix = np.arange(1.0, 26.0).reshape(5, 5) + 7 * np.eye(5)
line = np.linspace(0, 3, 20)
results = [
    *np.linalg.eigvals(matrix).real.tolist(),
    *linalg.solve(matrix, np.ones(5)).tolist(),
    *optimize.lsq_linear(matrix, np.ones(5)).x.tolist(),
    interpolate.splev(1.5, interpolate.splrep(line, np.sin(line))).item(),
    integrate.quad(np.cos, 0, 1)[0],
]
mapped = {{
    family: sorted({{line.split()[-1] for line in open("/proc/self/maps") if family in line}})
    for family in {families}
}}
print(json.dumps({{"results": results, "mapped": mapped}}))
"""


def _environment(folder: Path, *wheels: Path) -> Path:
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", *wheels]
    subprocess.run([str(each) for each in pip], check=True)
    return python


def _compute(python: Path, *order: str) -> dict[str, Any]:
    code = COMPUTE.format(first=order[0], second=order[1], families=FAMILIES)
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the pinned wheels are for Python 3.11")
def test_numpy_and_scipy_compute_the_same_on_one_libgfortran_and_one_libquadmath(
    corpus_wheels: Callable[..., list[Path]], tmp_path: Path, runtime_wheel: Path
) -> None:
    originals = corpus_wheels("numpy-2", "scipy-")
    command = [sys.executable, "-m", "cxxrt_toolchain", "repair", "-w", tmp_path / "out"]
    command += originals
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    before = _environment(tmp_path / "before", *originals)
    after = _environment(tmp_path / "after", *(tmp_path / "out").glob("*.whl"), runtime_wheel)
    for order in (("numpy", "scipy"), ("scipy", "numpy")):
        bundled, shared = _compute(before, *order), _compute(after, *order)
        assert shared["results"] == bundled["results"]
        for family in FAMILIES:
            assert len(bundled["mapped"][family]) > 1
            (path,) = shared["mapped"][family]
            assert f"/cxx11_cuda_runtime/lib/{family}.so." in path
