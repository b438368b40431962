"""Computing the fields of the new name."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.abi.tag import BadTagError, RuntimeAbi
from cxxrt_toolchain.elf.facts import NeededVersion, SharedObject, Soname
from cxxrt_toolchain.facts.wheel import ObjectReport, SymbolDigest
from cxxrt_toolchain.repair.retag import abi_field, external_libraries, platform_field

EPOCH = load_spec().epochs[0]


def native(*versions: str, needed: tuple[str, ...] = ("libc.so.6",)) -> ObjectReport:
    facts = SharedObject(
        bits=64,
        little_endian=True,
        machine="x86_64",
        kind="dyn",
        soname=None,
        needed=tuple(map(Soname, needed)),
        rpath=None,
        runpath=None,
        version_needs=tuple(
            NeededVersion(
                soname=Soname("libc.so.6"), version=version.lstrip("?"), weak="?" in version
            )
            for version in versions
        ),
        version_definitions=(),
        executable_stack=False,
        static_tls=False,
    )
    return ObjectReport(
        member="demo/_ext.so", size=1, facts=facts, copy_of=None, symbols=SymbolDigest(), static=()
    )


@pytest.mark.parametrize(
    ("abis", "field", "plain"),
    [
        (["cp311"], "cxxrt1_cu12_cp311", "cp311"),
        (["abi3", "abi3t"], "cxxrt1_cu12_abi3.cxxrt1_cu12_abi3t", "abi3.abi3t"),
        (["none"], "cxxrt1_cu12_none", "none"),
        (["cxxrt1_cp311"], "cxxrt1_cu12_cp311", "cp311"),
        (["cp311_cxxrt1"], "cxxrt1_cu12_cp311", "cp311"),
    ],
)
def test_every_member_of_the_abi_set_gets_the_runtime_abi(
    abis: list[str], field: str, plain: str
) -> None:
    assert abi_field(abis, RuntimeAbi(epoch=1, cuda=12)) == field
    assert abi_field(field.split("."), None) == plain


def test_a_base_that_cannot_follow_a_runtime_abi_is_refused() -> None:
    assert abi_field(["cu12_x"], None) == "cu12_x"
    with pytest.raises(BadTagError, match="'cu12_x' is no base ABI"):
        abi_field(["cu12_x"], RuntimeAbi(epoch=1))


@pytest.mark.parametrize(
    ("platforms", "versions", "field"),
    [
        (["linux_x86_64"], ["GLIBC_2.2.5"], "manylinux_2_17_x86_64"),
        (["linux_x86_64"], ["GLIBC_2.34", "GLIBC_2.14"], "manylinux_2_34_x86_64"),
        (["linux_x86_64"], ["GLIBC_2.14", "?GLIBC_2.38"], "manylinux_2_17_x86_64"),
        (["manylinux_2_28_x86_64"], ["GLIBC_2.14"], "manylinux_2_28_x86_64"),
        (["manylinux1_x86_64"], ["GLIBC_2.4"], "manylinux_2_17_x86_64"),
        (["manylinux1_x86_64"], ["GLIBC_2.28"], "manylinux_2_28_x86_64"),
        (
            ["manylinux2014_x86_64", "manylinux_2_17_x86_64"],
            ["GLIBC_2.17"],
            "manylinux2014_x86_64.manylinux_2_17_x86_64",
        ),
        (["manylinux2014_x86_64"], ["GLIBC_2.17"], "manylinux2014_x86_64.manylinux_2_17_x86_64"),
        (["musllinux_1_2_x86_64"], [], "musllinux_1_2_x86_64"),
    ],
)
def test_only_platform_tags_whose_promise_holds_remain(
    platforms: list[str], versions: list[str], field: str
) -> None:
    assert platform_field(platforms, [native(*versions)], EPOCH.glibc_floor, ["libc.so.6"]) == field


def test_a_wheel_with_other_external_libraries_stays_a_local_one() -> None:
    needs = ["libc.so.6", "libmystery.so.1"]
    assert platform_field(["linux_x86_64"], [native()], EPOCH.glibc_floor, needs) == "linux_x86_64"


def test_a_library_that_only_newer_platforms_have_raises_the_floor() -> None:
    field = platform_field(["linux_x86_64"], [native()], EPOCH.glibc_floor, ["libmvec.so.1"])
    assert field == "manylinux_2_24_x86_64"


def test_what_the_runtime_serves_is_not_external() -> None:
    found = native(needed=("libstdc++.so.6", "libgomp.so.1", "libc.so.6", "libfoo.so"))
    assert external_libraries([found], lambda _name: None) == ("libc.so.6", "libfoo.so")
