"""What decides about the driver, without one."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.host.probe import cuda_driver, cuda_of_driver_release

SPEC = load_spec()


@pytest.mark.parametrize(
    ("value", "major"),
    [("12", 12), ("13", 13), (" 12.9 ", 12), ("none", None), ("NONE", None), ("99", 99)],
)
def test_the_variable_decides(value: str, major: int | None) -> None:
    assert cuda_driver(SPEC, {"CXXRT_CUDA": value}) == major


@pytest.mark.parametrize("value", ["twelve", "1", "12.", "012", "12,13", "-12", "١٢"])
def test_a_value_that_is_no_major_is_a_usage_error(value: str) -> None:
    with pytest.raises(UsageError, match="CXXRT_CUDA"):
        cuda_driver(SPEC, {"CXXRT_CUDA": value})


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  525.60.13  Wed Nov 30", 12),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  525.60.12  Wed Nov 30", None),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu Jan 23", 12),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build", 13),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  610.10  Release Build", 13),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.57.02  Tue Jul 13", None),
        ("", None),
        ("garbage", None),
    ],
)
def test_the_kernel_drivers_release_tells_the_major(text: str, major: int | None) -> None:
    assert cuda_of_driver_release(text, SPEC) == major
