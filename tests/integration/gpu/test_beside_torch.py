"""Our wheels beside torch and cupy: one libcudart of a major, whoever comes first; one device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gpu_environments import Environment, Record, Torch

pytestmark = [pytest.mark.gpu, pytest.mark.runtime]

_OURS, _OURS12 = "cxxrt_sample_cuda", "cxxrt_sample_ptx"
_SMALL = 1e-2
"""Relative error that a product in single precision stays far below, in TF32, too."""


def _assert_right(answer: dict[str, Any], sample: str) -> None:
    did = answer["results"][sample]
    assert did["numbers"]
    assert did["stream"] == [42], "20, doubled by our kernel, and 2: in this order"
    assert answer["results"]["torch"]["product"] < _SMALL


def _of_torch(torch: Torch) -> Path:
    """NVIDIA's libcudart 13, as torch's environment has it installed."""
    places = [Path(each, "nvidia/cu13/lib/libcudart.so.13") for each in torch.path]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        pytest.skip(f"needs the distribution nvidia-cuda-runtime in {torch.python}")
    return found


def _assert_one_libcudart(answer: dict[str, Any], torch: Torch) -> None:
    (mapped,) = [path for path in answer["mapped"]["libcudart"] if path.endswith(".so.13")]
    assert Path(mapped).samefile(_of_torch(torch))


@pytest.mark.parametrize("order", [f"{_OURS},torch", f"torch,{_OURS}"])
def test_one_libcudart_serves_torch_and_us_in_either_order(
    beside: Environment, torch_environment: Torch, order: str, record: Record
) -> None:
    answer = beside.ask("beside_child.py", order)
    record("answer", {"torch": torch_environment.cuda, **answer})
    _assert_right(answer, _OURS)
    _assert_one_libcudart(answer, torch_environment)
    assert len(answer["mapped"]["libcudart"]) == 1
    assert len(answer["mapped"]["libstdc++"]) == 1


@pytest.mark.parametrize(
    "order", [f"{_OURS},cupy,torch", f"cupy,{_OURS},torch", f"torch,cupy,{_OURS}"]
)
def test_cupy_makes_three(
    beside: Environment, torch_environment: Torch, order: str, record: Record
) -> None:
    if not torch_environment.cupy:
        pytest.skip(f"needs cupy for CUDA 13 in {torch_environment.python}")
    answer = beside.ask("beside_child.py", order)
    record("answer", answer)
    _assert_right(answer, _OURS)
    assert answer["results"][_OURS]["cupy"]
    _assert_one_libcudart(answer, torch_environment)


@pytest.mark.parametrize(
    "order", [f"{_OURS12},torch", f"torch,{_OURS12}", f"{_OURS12},{_OURS},torch"]
)
def test_an_extension_of_major_12_works_on_a_tensor_of_torch_for_13(
    beside: Environment, torch_environment: Torch, order: str, record: Record
) -> None:
    answer = beside.ask("beside_child.py", order)
    record("answer", answer)
    _assert_right(answer, _OURS12)
    assert answer["results"][_OURS12]["version"] // 1000 == 12
    _assert_one_libcudart(answer, torch_environment)
    assert len(answer["mapped"]["libcudart"]) == 2
    assert len(answer["mapped"]["libstdc++"]) == 1
