"""Which function tells a loaded libstdc++'s version, and the other figures of the manifest."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.elf.facts import (
    Binding,
    DynamicSymbol,
    NeededVersion,
    SharedObject,
    Soname,
    SymbolType,
)
from cxxrt_toolchain.runtime.conformity import glibc_need, version_nodes
from cxxrt_toolchain.runtime.manifest_build import markers


def symbol(
    name: str,
    version: str,
    *,
    defined: bool = True,
    default: bool = True,
    binding: Binding = Binding.GLOBAL,
    kind: SymbolType = SymbolType.FUNC,
    visible: bool = True,
) -> DynamicSymbol:
    return DynamicSymbol(
        name=name,
        version=version,
        soname=None,
        defined=defined,
        default=default,
        binding=binding,
        type=kind,
        visible=visible,
        size=8,
        address=64,
    )


def library(
    *symbols: DynamicSymbol, defines: tuple[str, ...] = (), needs: tuple[str, ...] = ()
) -> SharedObject:
    libc = Soname("libc.so.6")
    return SharedObject(
        bits=64,
        little_endian=True,
        machine="x86_64",
        kind="dyn",
        soname=Soname("libstdc++.so.6"),
        needed=(libc,),
        rpath=None,
        runpath=None,
        version_needs=tuple(NeededVersion(soname=libc, version=each) for each in needs),
        version_definitions=defines,
        executable_stack=False,
        static_tls=False,
        symbols=symbols,
    )


def chosen(*symbols: DynamicSymbol) -> list[tuple[str, str]]:
    return [(marker.version, marker.symbol) for marker in markers(library(*symbols))]


def test_markers_come_newest_first_and_compare_numbers() -> None:
    found = chosen(
        symbol("_Za", "GLIBCXX_3.4.9"), symbol("_Zb", "GLIBCXX_3.4.10"), symbol("_Zc", "CXXABI_1.3")
    )
    assert found == [("3.4.10", "_Zb"), ("3.4.9", "_Za")]


@pytest.mark.parametrize(
    "unfit",
    [
        symbol("_Za", "GLIBCXX_3.4.9", kind=SymbolType.IFUNC),
        symbol("_Za", "GLIBCXX_3.4.9", kind=SymbolType.OBJECT),
        symbol("_Za", "GLIBCXX_3.4.9", kind=SymbolType.TLS),
        symbol("_Za", "GLIBCXX_3.4.9", binding=Binding.UNIQUE),
        symbol("_Za", "GLIBCXX_3.4.9", default=False),
        symbol("_Za", "GLIBCXX_3.4.9", visible=False),
        symbol("_Za", "GLIBCXX_3.4.9", defined=False),
    ],
    ids=lambda each: f"{each.type.value}-{each.binding.value}-{each.default}-{each.visible}",
)
def test_only_a_plain_exported_function_is_a_marker(unfit: DynamicSymbol) -> None:
    assert chosen(unfit) == []
    assert chosen(unfit, symbol("_Zlonger", "GLIBCXX_3.4.9")) == [("3.4.9", "_Zlonger")]


def test_a_function_that_an_older_node_exports_too_is_no_marker() -> None:
    """`dlsym` in an older library would find its old version and take it for the new node."""
    found = chosen(
        symbol("_Zmoved", "GLIBCXX_3.4.20"),
        symbol("_Zmoved", "GLIBCXX_3.4", default=False),
        symbol("_Zproper", "GLIBCXX_3.4.20"),
    )
    assert found == [("3.4.20", "_Zproper")]


def test_a_strong_function_wins_over_a_weak_one_then_the_shortest_then_the_first() -> None:
    weak = symbol("_Z", "GLIBCXX_3.4.9", binding=Binding.WEAK)
    assert chosen(weak) == [("3.4.9", "_Z")]
    strong = [symbol(name, "GLIBCXX_3.4.9") for name in ("_Zbb", "_Zaaa", "_Zab")]
    assert chosen(weak, *strong) == [("3.4.9", "_Zab")]
    assert chosen(*reversed(strong), weak) == [("3.4.9", "_Zab")]


def test_the_highest_node_of_each_namespace_is_kept() -> None:
    facts = library(
        defines=(
            "GLIBCXX_3.4",
            "GLIBCXX_3.4.9",
            "GLIBCXX_3.4.33",
            "CXXABI_1.3.15",
            "GCC_14.0.0",
            "GCC_14.0",
            "CXXABI_TM_1",
            "CXXABI_FLOAT128",
            "GLIBC_2.0",
            "libcudart.so.12",
        )
    )
    assert version_nodes(facts) == (
        ("CXXABI", "1.3.15"),
        ("CXXABI_TM", "1"),
        ("GCC", "14.0.0"),
        ("GLIBCXX", "3.4.33"),
    )


def test_the_floor_is_the_highest_public_glibc_version() -> None:
    assert glibc_need(library(needs=("GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.4"))) == "2.17"
    assert glibc_need(library(needs=("GLIBC_PRIVATE", "GCC_3.0"))) == ""
