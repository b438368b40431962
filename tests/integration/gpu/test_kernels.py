"""Kernels that nvcc compiled: a sample of our backend, and two packages that share a kernel.

The pairs are those of tests/crashes that are about libcudart, and ``gpu_launch``, in which what
they show without a device is done on one. Where each package has a libcudart of its own, one
package's kernel is not run when another launches it, and the launcher is not told. The numbers of
errors are those of an H200 with a driver for CUDA 13.0 (580.159.04).
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import gpu_builds
import matrix_tables
import pytest
from gpu_environments import HERE, environment_of_children

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_environments import Environment, Record, Wheels

pytestmark = [pytest.mark.gpu, pytest.mark.runtime]

_SELFTEST = """\
import json, sys
sys.path.insert(0, {here!r})
import cxxrt_sample_cuda as sample
from child_tools import mapped
print(json.dumps([sample.selftest(), sample.runtime_version(), mapped()]))
"""
_SHARE = """\
import json, sys
sys.path.insert(0, {here!r})
import gpu_launch_first as first
import gpu_launch_second as second
from child_tools import mapped
numbers = second.zeros(1000)
kernel = second.kernel()
launch = [first.launch(kernel, numbers, 1000, 42), second.last_error(), second.read(numbers)]
handle = [first.handle(kernel, numbers, 1000, 43), second.last_error(), second.read(numbers)]
first.refused()
seen = second.seen_error()
try:
    fault = [first.crash(), second.read(numbers)]
except RuntimeError as error:
    fault = str(error)
print(json.dumps({{"launch": launch, "handle": handle, "seen": seen, "fault": fault,
                  "mapped": mapped()["libcudart"]}}))
"""
_OWN_COPIES = ("gpu_launch-usual", "gpu_launch_bundled-usual")
_INVALID_VALUE, _INVALID_CONFIGURATION = 1, 9
_MISSING_CONFIGURATION = 52
_INVALID_RESOURCE_HANDLE = 400
"""cudaError_t."""


def test_the_sample_of_our_backend_computes_with_our_libcudart(
    alone: Environment, wheels: Wheels, record: Record
) -> None:
    name = wheels.one("cxxrt_sample_cuda").name
    answer, version, mapped = alone.answer(_SELFTEST.format(here=str(HERE)))
    record("sample", {"wheel": name, "version": version, "mapped": mapped})
    assert answer == "cxxrt 42"
    assert mapped["libcudart"] == [str(alone.site / "cxx11_cuda_runtime/lib/libcudart.so.13")]


@pytest.mark.parametrize("name", [name for name, pair in gpu_builds.PAIRS.items() if pair.case.row])
def test_a_crash_beside_a_driver_is_what_is_recorded_without_one(
    pair: Callable[[str], Environment], name: str, record: Record
) -> None:
    built = gpu_builds.PAIRS[name]
    done = subprocess.run(
        [str(pair(name).python), "-c", built.case.use],
        env=environment_of_children(),
        capture_output=True,
        text=True,
        check=True,
    )
    printed = done.stdout.strip()
    record("printed", printed)
    recorded = matrix_tables.recorded().cases[built.case.name][built.way.value]["outcome"]
    assert recorded == ("works" if printed == built.case.prints else f"prints {printed}")


@pytest.mark.parametrize("name", _OWN_COPIES)
def test_a_kernel_of_a_package_with_its_own_libcudart_is_not_run_and_its_launcher_is_not_told(
    pair: Callable[[str], Environment], name: str, record: Record
) -> None:
    did = pair(name).answer(_SHARE.format(here=str(HERE)))
    record("usual", did)
    # The configuration waits in the launcher's libcudart, the kernel's stub asks second's for it.
    assert did["launch"] == [0, _MISSING_CONFIGURATION, 0]
    assert did["handle"] == [_INVALID_RESOURCE_HANDLE, 0, 0]
    assert did["seen"] == 0, "what first did wrong is not seen by second"


def test_with_our_backend_it_is_run_and_an_error_is_seen(
    pair: Callable[[str], Environment], record: Record
) -> None:
    environment = pair("gpu_launch-backend")
    did = environment.answer(_SHARE.format(here=str(HERE)))
    record("backend", did)
    assert did["launch"] == [0, 0, 42]
    assert did["handle"] == [0, 0, 43]
    assert did["seen"] in (_INVALID_VALUE, _INVALID_CONFIGURATION), "too many threads for a block"
    assert did["mapped"] == [str(environment.site / "cxx11_cuda_runtime/lib/libcudart.so.13")]


@pytest.mark.parametrize("name", [*_OWN_COPIES, "gpu_launch-backend"])
def test_a_fault_on_the_device_is_seen_by_both_packages_whatever_they_share(
    pair: Callable[[str], Environment], name: str
) -> None:
    did = pair(name).answer(_SHARE.format(here=str(HERE)))
    assert isinstance(did["fault"], str), did["fault"]
    assert did["fault"].startswith("CUDA: ")
