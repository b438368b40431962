"""Which libraries would have to be grafted, and what grafting must leave alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from elf_maker import make_elf

from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.repair.external import libraries_to_graft, never_grafted, not_here
from cxxrt_toolchain.repair.options import PlanOptions
from cxxrt_toolchain.repair.plan import RepairPlan, make_plan
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cxxrt_toolchain.facts.wheel import WheelReport

NEEDED = ["libfoo.so.1", "libgomp.so.1", "libstdc++.so.6", "libz.so.1", "libc.so.6"]


@pytest.fixture
def report(make_wheel: Callable[..., Path]) -> Callable[..., WheelReport]:
    def read(platform: str = "linux_x86_64", needed: list[str] = NEEDED) -> WheelReport:
        content = make_elf({"needed": needed})
        with Wheel.open(
            make_wheel({"demo/_ext.so": content}, tags=[f"cp311-cp311-{platform}"])
        ) as wheel:
            return collect(wheel)

    return read


@pytest.mark.parametrize("platform", ["linux_x86_64", "manylinux_2_28_x86_64"])
def test_what_no_tag_promises_and_no_runtime_serves_is_grafted(
    report: Callable[..., WheelReport], platform: str
) -> None:
    assert libraries_to_graft(report(platform), ()) == ("libfoo.so.1",)
    assert libraries_to_graft(report(platform), ("libfoo.*",)) == ()


@pytest.mark.parametrize("platform", ["musllinux_1_2_x86_64", "macosx_11_0_arm64"])
def test_other_systems_are_left_alone(report: Callable[..., WheelReport], platform: str) -> None:
    assert libraries_to_graft(report(platform), ()) == ()


def test_all_else_is_left_alone(report: Callable[..., WheelReport]) -> None:
    leave = never_grafted(report(), ["libfoo.so.1"], ["libbar.so"])
    assert "libfoo.so.1" not in leave
    assert {"libbar.so", "libz.so.1", "libstdc++.so*", "libgomp.so*", "libcudart.so*"} <= set(leave)


def test_a_refusal_names_what_is_missing() -> None:
    (refusal,) = not_here(["libfoo.so.1"])
    assert "libfoo.so.1" in refusal.message
    assert "--exclude libfoo.so.1" in refusal.unrepairable


def _plan(report: WheelReport) -> RepairPlan:
    return make_plan(report, PlanOptions(), lambda _: b"")


@pytest.mark.parametrize(
    ("needed", "expected"),
    [(["libc.so.6"], "manylinux_2_17_x86_64"), (["libc.so.6", "libfoo.so.1"], "linux_x86_64")],
)
def test_a_wheel_without_cxx_gets_the_platform_tag_that_is_true(
    report: Callable[..., WheelReport], needed: list[str], expected: str
) -> None:
    result = _plan(report(needed=needed)).result
    assert result == f"demo-1.0-cp311-cp311-{expected}.whl"


def test_a_wheel_without_cxx_keeps_a_tag_that_promises_something(
    report: Callable[..., WheelReport],
) -> None:
    plan = _plan(report("manylinux_2_34_x86_64", needed=["libc.so.6"]))
    assert plan.result == plan.source
    assert not plan.edits
