"""The runtime wheel alone: each vendored libcudart works on a real device, whatever its driver.

NVIDIA promises that a libcudart runs on any driver of its major ("CUDA Compatibility", minor
version compatibility) and on newer ones: here 12 and 13 of the wheel on the driver that is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_environments import Environment, Record, Wheels

pytestmark = [pytest.mark.gpu, pytest.mark.runtime]

MAJORS = ("12", "13")
_INVALID_DEVICE = 101
"""cudaErrorInvalidDevice."""


def _ask(environment: Environment, wheels: Wheels, state: str, majors: str) -> Any:  # noqa: ANN401 - JSON
    return environment.ask("cudart_child.py", state, majors, str(wheels.ptx))


def _assert_ours(environment: Environment, answer: dict[str, Any], *majors: str) -> None:
    folder = environment.site / "cxx11_cuda_runtime" / "lib"
    mapped = answer["mapped"]
    assert mapped["libcudart"] == [str(folder / f"libcudart.so.{major}") for major in majors]
    assert len(mapped["libstdc++"]) == 1
    assert mapped["libcuda.so"] != []


@pytest.mark.parametrize("major", MAJORS)
def test_its_libcudart_works_on_the_device(
    alone: Environment, wheels: Wheels, nvidia_smi: Callable[[str], str], major: str, record: Record
) -> None:
    answer = _ask(alone, wheels, "work", major)
    did = answer["results"][major]
    record("cudart on driver", {**did, "release": nvidia_smi("driver_version")})
    record("mapped", answer["mapped"])
    assert did["runtime"] // 1000 == int(major)
    assert did["driver"] == _number(nvidia_smi("cuda_version"))
    assert did["devices"] >= 1
    assert did["name"].startswith(nvidia_smi("product_name"))
    assert 0 < did["free"] <= did["total"]
    assert did["compute"] >= [7, 5]
    assert did["copied"]
    assert did["doubled"]
    assert did["ms"] > 0
    _assert_ours(alone, answer, major)


def _number(release: str) -> int:
    """``13.0`` as CUDA writes it: 13000."""
    major, minor = map(int, release.split("."))
    return 1000 * major + 10 * minor


@pytest.mark.parametrize("order", ["12,13", "13,12"])
def test_both_majors_share_the_device_in_one_process(
    alone: Environment, wheels: Wheels, order: str, record: Record
) -> None:
    answer = _ask(alone, wheels, "work", order)
    record("answer", answer)
    for did in answer["results"].values():
        assert did["copied"]
        assert did["doubled"]
    # They use one context of the driver: what one has allocated, a kernel of the other reaches.
    assert answer["crossing"] == 42
    _assert_ours(alone, answer, *MAJORS)


@pytest.mark.parametrize("major", MAJORS)
def test_an_error_is_its_threads_and_is_gone_when_it_is_read(
    alone: Environment, wheels: Wheels, major: str, record: Record
) -> None:
    did = _ask(alone, wheels, "errors", major)["results"][major]
    record("errors", did)
    assert did["said"] == did["seen"] == did["read"] == _INVALID_DEVICE
    assert did["other thread"] == did["afterwards"] == 0
    assert did["copied"]


@pytest.mark.parametrize("major", MAJORS)
def test_a_fault_on_the_device_stays_and_is_everybodys(
    alone: Environment, wheels: Wheels, major: str, record: Record
) -> None:
    did = _ask(alone, wheels, "sticky", major)["results"][major]
    record("sticky", did)
    assert did["waited"] != 0
    assert did["waited"] == did["afterwards"] == did["other thread"]
