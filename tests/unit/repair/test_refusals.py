"""What a repair refuses: findings about the new wheel that no edit cures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from elf_maker import make_elf

from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.repair.options import Encoding, PlanOptions
from cxxrt_toolchain.repair.plan import make_plan
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cxxrt_toolchain.repair.plan import RepairPlan

    Planner = Callable[..., RepairPlan]

CXX: dict[str, Any] = {
    "needed": ["libstdc++.so.6", "libc.so.6"],
    "needs": {"libstdc++.so.6": ["GLIBCXX_3.4"]},
}
OLD_STRING = "_ZNSs4_Rep20_S_empty_rep_storageE"


@pytest.fixture
def planned(make_wheel: Callable[..., Path]) -> Planner:
    """The plan for a wheel with one object."""

    def plan(elf: dict[str, Any], *, platform: str = "linux_x86_64", **options: Any) -> RepairPlan:  # noqa: ANN401 - fields of the options
        files = {"demo/__init__.py": b"", "demo/_ext.so": make_elf({**CXX, **elf})}
        with Wheel.open(make_wheel(files, tags=[f"cp311-cp311-{platform}"])) as wheel:
            return make_plan(collect(wheel), PlanOptions(**options), wheel.read)

    return plan


def rules(plan: RepairPlan) -> list[str]:
    return [each.rule for each in plan.refusals]


def test_a_private_symbol_of_glibc_has_no_platform_tag(planned: Planner) -> None:
    elf = {"needs": {**CXX["needs"], "libc.so.6": ["GLIBC_PRIVATE"]}}
    assert rules(planned(elf)) == ["CXXRT-P4"]


def test_a_newer_glibc_is_a_newer_tag_and_no_refusal(planned: Planner) -> None:
    elf = {"needs": {**CXX["needs"], "libc.so.6": ["GLIBC_2.34"]}}
    plan = planned(elf, platform="manylinux_2_17_x86_64")
    assert rules(plan) == []
    assert plan.result.endswith("-manylinux_2_34_x86_64.whl")


def test_exported_old_strings_are_refused_under_a_tag_only(planned: Planner) -> None:
    elf = {"exports": ["_Z5greetRKSs"]}
    assert rules(planned(elf, encoding=Encoding.TAG)) == ["CXXRT-P5"]
    assert rules(planned(elf)) == []


def test_needed_old_strings_are_refused_to_the_builder_only(planned: Planner) -> None:
    elf = {"undefined": [f"{OLD_STRING} GLIBCXX_3.4 libstdc++.so.6"]}
    assert rules(planned(elf, encoding=Encoding.TAG)) == []
    assert rules(planned(elf, building=True, encoding=Encoding.TAG)) == ["CXXRT-P5"]
    plan = planned(elf, building=True)
    assert rules(plan) == ["CXXRT-P5"]
    assert 'ignore = ["P5"]' in plan.refusals[0].refusal
    assert rules(planned(elf, building=True, ignore=frozenset({"CXXRT-P5"}))) == []


@pytest.mark.parametrize(
    ("abi", "result"),
    [
        ("cp311", "cp311"),
        ("cxxrt1_cp311", "cxxrt1_cp311"),
        ("cxxrt01_cp311", "cxxrt1_cp311"),
        ("cp311_cxxrt1", "cxxrt1_cp311"),
    ],
)
def test_a_repair_leaves_the_encoding_and_writes_it_right(
    make_wheel: Callable[..., Path], abi: str, result: str
) -> None:
    path = make_wheel({"demo/_ext.so": make_elf(CXX)}, tags=[f"cp311-{abi}-manylinux_2_28_x86_64"])
    with Wheel.open(path) as wheel:
        plan = make_plan(collect(wheel), PlanOptions(), wheel.read)
    assert f"-cp311-{result}-" in plan.result


@pytest.mark.parametrize(
    "platform", ["musllinux_1_2_x86_64", "macosx_11_0_arm64", "win_amd64", "manylinux_2_17_ppc64le"]
)
def test_a_wheel_for_a_platform_without_a_runtime_stays_as_it_is(
    planned: Planner, platform: str
) -> None:
    plan = planned({}, platform=platform)
    assert (plan.result, plan.edits, rules(plan)) == (plan.source, (), [])
    assert plan.notes == ("the shared runtime is for Linux with glibc on aarch64 and x86_64",)


def test_a_local_build_against_musl_is_auditwheels(planned: Planner) -> None:
    with pytest.raises(InputError, match=r"needs libc\.musl-x86_64\.so\.1.*'auditwheel repair'"):
        planned({"needed": [*CXX["needed"], "libc.musl-x86_64.so.1"]})


def test_the_declared_cuda_major_is_the_one_that_the_binaries_need(planned: Planner) -> None:
    elf = {"needed": [*CXX["needed"], "libcudart.so.13"]}
    assert rules(planned(elf)) == []
    (refusal,) = planned(elf, cuda=12).refusals
    assert refusal.refusal.startswith("CXXRT-T1: needs libcudart.so.13, but the tag says CUDA 12. ")


def test_a_cuda_major_that_no_runtime_carries_is_refused(planned: Planner) -> None:
    elf = {"needed": [*CXX["needed"], "libcudart.so.11.0"]}
    assert "CXXRT-P3" in rules(planned(elf))


def test_an_ignored_refusal_is_a_note(planned: Planner) -> None:
    elf = {"exports": ["__once_proxy"]}
    ignoring = {"ignore": frozenset({"CXXRT-H8"})}
    assert rules(planned(elf, encoding=Encoding.TAG, **ignoring)) == ["CXXRT-H8"]
    plan = planned(elf, **ignoring)
    assert rules(plan) == []
    assert any(note.startswith("ignored CXXRT-H8: demo/_ext.so: exports 1") for note in plan.notes)
