"""Judging a wheel as something else than its name says."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.abi.filename import parse_wheel_name
from cxxrt_toolchain.errors import InputError, UsageError
from cxxrt_toolchain.rules.wheel.claim import override

TAGS = parse_wheel_name("demo-1.0-cp311-cp311-linux_x86_64.whl")


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("cxxrt1", "demo-1.0-cp311-cxxrt1_cp311-linux_x86_64.whl"),
        ("cxxrt1_cu12", "demo-1.0-cp311-cxxrt1_cu12_cp311-linux_x86_64.whl"),
        ("manylinux_2_28_x86_64", "demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"),
        (
            "py3-cxxrt1_none-manylinux_2_17_x86_64",
            "demo-1.0-py3-cxxrt1_none-manylinux_2_17_x86_64.whl",
        ),
    ],
)
def test_a_runtime_abi_a_platform_or_a_triple_takes_the_place_of_the_names(
    tag: str, name: str
) -> None:
    assert str(override(TAGS, tag)) == name


def test_a_suffix_takes_the_place_of_another_suffix() -> None:
    tagged = override(TAGS, "cxxrt1_cu13")
    assert override(tagged, "cxxrt1").abi == ("cxxrt1_cp311",)


@pytest.mark.parametrize("tag", ["nonsense", "a-b", "cp311--linux_x86_64", "", "a-b-c-d"])
def test_anything_else_is_a_usage_error(tag: str) -> None:
    with pytest.raises(UsageError, match="--tag"):
        override(TAGS, tag)


def test_a_malformed_runtime_abi_is_refused_with_the_form() -> None:
    with pytest.raises(InputError, match="cxxrt01"):
        override(TAGS, "cxxrt01")
