"""A torch extension through our backend, in one process with pyarrow and scikit-learn."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sample_builds import Environment, build_wheel, clean_environment, copied, run

if TYPE_CHECKING:
    from pathlib import Path

    from sample_builds import Index

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.isolated,
    pytest.mark.network,
    pytest.mark.compile,
    pytest.mark.runtime,
]

_TOGETHER = """\
import json
import cxxrt_sample_torch as ours
import pyarrow as pa, pyarrow.compute as pc
import sklearn.cluster
import torch
numbers = ours.twice(torch.arange(6.0).reshape(3, 2))
labels = sklearn.cluster.KMeans(2, n_init=1, random_state=0).fit(numbers.numpy()).labels_
when = pc.strftime(pa.array([0], pa.timestamp("s")), format="%Y").to_pylist()
maps = {line.split()[-1] for line in open("/proc/self/maps") if "libstdc++" in line}
print(json.dumps([ours.selftest(), numbers.sum().item(), len(set(labels)), when,
                  str(pa.decimal128(10, 2)), sorted(maps)]))
"""


def test_torch_pyarrow_and_scikit_learn_share_one_libstdcxx(
    index: Index, tmp_path: Path, samples: Path
) -> None:
    if sys.version_info[:2] != (3, 11):
        pytest.skip("needs Python 3.11: the torch 2.13.0 CPU wheel of these tests is for it")
    look = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp_path)]
    found = subprocess.run([*look, "torch==2.13.0+cpu"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip("needs torch 2.13.0+cpu: add PyTorch's CPU index to pip's configuration")
    source = copied(samples / "torch_extension", tmp_path / "source")
    build_wheel(source, tmp_path / "wheels", "pip", index.with_network())
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    # libtorch comes from outside, so no manylinux tag would be true.
    assert wheel.name.endswith("-cp311-cp311-linux_x86_64.whl")
    run([sys.executable, "-m", "venv", str(tmp_path / "env")], clean_environment())
    environment = Environment(
        python=tmp_path / "env" / "bin" / "python", index=index.with_network()
    )
    environment.stock_pip("install", "-q", str(wheel), "numpy", "pyarrow", "scikit-learn")

    answer = json.loads(environment.run(_TOGETHER))
    *results, mapped = answer
    assert results == ["cxxrt 42", 30.0, 2, ["1970"], "decimal128(10, 2)"]
    assert len(mapped) == 1
    assert "cxx11_cuda_runtime" in mapped[0]
