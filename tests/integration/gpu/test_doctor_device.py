"""The doctor where a device is used: no false alarm, and the driver's own version (D7)."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from gpu_environments import HERE, doctor, environment_of_children, new_environment

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.elf.patcher import find_patchelf
from cxxrt_toolchain.host.probe import cuda_driver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gpu_environments import Environment, Record, Torch, Wheels

pytestmark = [pytest.mark.gpu, pytest.mark.runtime]


@contextmanager
def _working(environment: Environment, order: str) -> Iterator[int]:
    """A process that has worked on the device, and waits."""
    command = [str(environment.python), str(HERE / "beside_child.py"), order, "wait"]
    with subprocess.Popen(
        command,
        env={**environment_of_children(), **dict(environment.variables)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        try:
            said = child.stdout.readline()
            assert said, "the process ended: what it said on stderr is below"
            assert json.loads(said)["results"]
            yield child.pid
        finally:
            child.kill()


def _summary(document: dict[str, Any]) -> dict[str, Any]:
    fields = ("rule", "severity", "message", "culprits", "victims")
    return {
        "healthy": document["healthy"],
        "libraries": len(document["libraries"]),
        "packages": len(document["packages"]),
        "findings": [{key: found[key] for key in fields} for found in document["findings"]],
    }


@pytest.mark.parametrize(
    "order",
    [
        "torch,cxxrt_sample_cuda",
        "cxxrt_sample_cuda,torch",
        "cxxrt_sample_ptx,torch",
        "cxxrt_sample_cuda,cupy,torch",
    ],
)
def test_a_process_that_works_on_the_device_is_healthy(
    beside: Environment, torch_environment: Torch, order: str, record: Record
) -> None:
    if "cupy" in order and not torch_environment.cupy:
        pytest.skip(f"needs cupy for CUDA 13 in {torch_environment.python}")
    with _working(beside, order) as pid:
        document = doctor("--pid", str(pid))
    record("process", _summary(document))
    assert document["healthy"], document["findings"]


def test_imports_that_work_raise_no_alarm(torch_environment: Torch, record: Record) -> None:
    modules = "torch,cupy" if torch_environment.cupy else "torch"
    document = doctor("--python", torch_environment.python, "--import", modules)
    record("imports", _summary(document))
    assert {step["outcome"] for step in document["steps"]} == {"imported"}
    assert document["healthy"], document["findings"]


def test_an_environment_for_the_drivers_major_is_no_case_of_d7(
    torch_environment: Torch, wheels: Wheels, tmp_path: Path, record: Record
) -> None:
    samples = [wheels.one("cxxrt_sample_cuda"), wheels.one("cxxrt_sample_ptx")]
    both = new_environment(tmp_path, [wheels.runtime, *samples], torch_environment.path)
    document = doctor("--python", torch_environment.python)
    ours = doctor("--python", str(both.python))
    record("environment", _summary(document))
    record("with ours", _summary(ours))
    assert "CXXRT-D7" not in _rules(document) | _rules(ours)
    added = {json.dumps(each) for each in _summary(ours)["findings"]} - {
        json.dumps(each) for each in _summary(document)["findings"]
    }
    assert not [each for each in map(json.loads, added) if each["severity"] != "note"]


def test_a_package_for_a_major_that_the_driver_does_not_run_is_d7(
    wheels: Wheels, tmp_path: Path, record: Record
) -> None:
    """The driver is real; the package is made, for no libcudart of a later major may exist yet."""
    driver = cuda_driver(load_spec(), {})
    assert driver is not None
    environment = new_environment(tmp_path, [wheels.runtime, wheels.one("cxxrt_sample_ptx")])
    assert "CXXRT-D7" not in _rules(doctor("--python", str(environment.python)))
    (module,) = environment.site.glob("cxxrt_sample_ptx/_core*.so")
    edit = ["--replace-needed", "libcudart.so.12", f"libcudart.so.{driver + 1}", str(module)]
    subprocess.run([str(find_patchelf()), *edit], check=True)
    document = doctor("--python", str(environment.python))
    record("environment", _summary(document))
    (found,) = [each for each in document["findings"] if each["rule"] == "CXXRT-D7"]
    assert found["culprits"] == ["cxxrt-sample-ptx"]
    assert found["evidence"] == [f"cuDriverGetVersion says {driver}"]


def _rules(document: dict[str, Any]) -> set[str]:
    return {found["rule"] for found in document["findings"]}
