"""Symbols to Requires-Dist: precise, with its reason, or refused."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from cxxrt_toolchain.abi.bounds import (
    NoRuntimeError,
    cudart_bounds,
    requirement_text,
    version_bounds,
)
from cxxrt_toolchain.abi.symbols import (
    CudartSymbols,
    RuntimeRelease,
    SymbolTables,
    load_symbol_tables,
)

LIBSTDCXX = "libstdc++.so.6"


def release(version: str, gcc: str, **cudart: str) -> RuntimeRelease:
    majors = {int(major.removeprefix("cu")): Version(found) for major, found in cudart.items()}
    return RuntimeRelease(version=Version(version), gcc=Version(gcc), cudart=majors)


def tables(*releases: RuntimeRelease) -> SymbolTables:
    return SymbolTables(
        versions={
            LIBSTDCXX: {
                "GLIBCXX_3.4.20": Version("4.9.0"),
                "GLIBCXX_3.4.26": Version("9.1.0"),
                "GLIBCXX_3.4.30": Version("12.1.0"),
                "GLIBCXX_3.4.32": Version("13.2.0"),
            },
            "libgcc_s.so.1": {"GCC_3.0": Version("3.0"), "GCC_14.0.0": Version("14")},
        },
        only={("libgcc_s.so.1", "GCC_14.0.0"): frozenset({"aarch64"})},
        cudart={
            12: CudartSymbols(
                soname="libcudart.so.12",
                first_seen={
                    "cudaMalloc": Version("12.0"),
                    "cudaLibraryGetKernel": Version("12.8"),
                    "cudaNovelty": Version("12.10"),
                },
                releases=(Version("12.0"), Version("12.8"), Version("12.9"), Version("12.10")),
            )
        },
        releases=releases,
    )


FIRST = release("1.14.0", "14.2.0", cu12="12.9.79")


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ([(LIBSTDCXX, "GLIBCXX_3.4.26")], "cxx11-cuda-runtime>=1.9,<2"),
        ([(LIBSTDCXX, "GLIBCXX_3.4.20")], "cxx11-cuda-runtime>=1.4,<2"),
        ([("libgcc_s.so.1", "GCC_3.0")], "cxx11-cuda-runtime>=1.3,<2"),
        (
            [(LIBSTDCXX, "GLIBCXX_3.4.26"), ("libgcc_s.so.1", "GCC_14.0.0")],
            "cxx11-cuda-runtime>=1.14,<2",
        ),
        ([("libc.so.6", "GLIBC_2.38")], "cxx11-cuda-runtime>=1.0,<2"),
        ([], "cxx11-cuda-runtime>=1.0,<2"),
    ],
)
def test_the_bound_is_the_first_gcc_with_every_needed_node(
    needs: list[tuple[str, str]], expected: str
) -> None:
    assert Requirement(requirement_text(tables(FIRST), needs, {})) == Requirement(expected)


def test_order_and_repetition_of_needs_do_not_matter() -> None:
    needs = [(LIBSTDCXX, "GLIBCXX_3.4.30"), (LIBSTDCXX, "GLIBCXX_3.4.26")]
    once = version_bounds(tables(FIRST), needs)
    assert version_bounds(tables(FIRST), reversed(needs * 3)) == once
    assert [str(bound.version) for bound in once] == ["1.12", "1.9"]


def test_a_bound_says_why() -> None:
    (bound,) = version_bounds(tables(FIRST), [(LIBSTDCXX, "GLIBCXX_3.4.30")])
    assert str(bound) == (
        "libstdc++.so.6:GLIBCXX_3.4.30 (first defined by GCC 12.1.0): cxx11-cuda-runtime>=1.12"
    )


def test_a_node_of_a_minor_release_needs_the_revision_that_vendors_it() -> None:
    """V-2a: unless the releases published say that only a later revision provides it."""
    old, new = release("1.13.0", "13.1.0"), release("1.13.2", "13.2.0")
    need = [(LIBSTDCXX, "GLIBCXX_3.4.32")]
    assert version_bounds(tables(old, new, FIRST), need)[0].version == Version("1.13.2")
    assert version_bounds(tables(new, FIRST), need)[0].version == Version("1.13")
    assert version_bounds(tables(FIRST), need)[0].version == Version("1.13")
    assert version_bounds(tables(old, FIRST), need)[0].version == Version("1.14")


def test_an_unknown_node_is_refused_by_name() -> None:
    with pytest.raises(NoRuntimeError, match=r"GLIBCXX_3\.4\.99 of libstdc\+\+\.so\.6"):
        version_bounds(tables(FIRST), [(LIBSTDCXX, "GLIBCXX_3.4.99")])


def test_libcudart_is_bounded_by_the_first_release_that_exports_the_symbol() -> None:
    old = release("1.13.0", "13.2.0", cu12="12.6.77")
    known = tables(old, FIRST)
    assert cudart_bounds(known, 12, ["cudaMalloc"])[0].version == Version("1.13")
    bounds = cudart_bounds(known, 12, ["cudaMalloc", "cudaLibraryGetKernel"])
    assert str(bounds[0]) == (
        "libcudart.so.12:cudaLibraryGetKernel (first exported by CUDA 12.8; 1.14.0 carries "
        "12.9.79): cxx11-cuda-runtime>=1.14"
    )


def test_a_revision_that_brings_a_newer_libcudart_is_the_bound() -> None:
    newer = release("1.14.1", "14.2.0", cu12="12.10.3")
    requirement = requirement_text(tables(FIRST, newer), [], {12: ["cudaNovelty"]})
    assert Requirement(requirement) == Requirement("cxx11-cuda-runtime>=1.14.1,<2")


def test_libcudart_without_a_symbol_still_needs_a_release_that_carries_it() -> None:
    plain = release("1.12.0", "12.2.0")
    assert cudart_bounds(tables(plain, FIRST), 12, [])[0].version == Version("1.14")


@pytest.mark.parametrize(
    ("major", "symbols", "message"),
    [
        (11, [], "CUDA 11; known majors: 12"),
        (12, ["cudaMadeUp"], "up to 12.10 exports cudaMadeUp"),
        (12, ["cudaNovelty"], "needs CUDA 12.10, which no known runtime carries yet"),
    ],
)
def test_what_no_runtime_carries_is_refused(major: int, symbols: list[str], message: str) -> None:
    with pytest.raises(NoRuntimeError, match=message):
        cudart_bounds(tables(FIRST), major, symbols)


def test_another_epoch_has_its_own_numbers() -> None:
    second = release("2.20.0", "20.1.0", cu12="12.9.79")
    requirement = requirement_text(
        tables(FIRST, second), [(LIBSTDCXX, "GLIBCXX_3.4.26")], {12: ["cudaMalloc"]}, epoch=2
    )
    assert Requirement(requirement) == Requirement("cxx11-cuda-runtime>=2.20,<3")


def test_the_real_tables_give_the_bound_of_the_product_page() -> None:
    requirement = requirement_text(
        load_symbol_tables(), [(LIBSTDCXX, "GLIBCXX_3.4.26"), (LIBSTDCXX, "CXXABI_1.3.9")], {}
    )
    assert Requirement(requirement) == Requirement("cxx11-cuda-runtime>=1.9,<2")


def test_the_real_tables_bound_both_cuda_majors_by_the_first_release() -> None:
    needs = {12: ["cudaEventElapsedTime_v2"], 13: ["cudaLaunchKernel"]}
    requirement = requirement_text(load_symbol_tables(), [], needs)
    assert Requirement(requirement) == Requirement("cxx11-cuda-runtime>=1.14,<2")


def test_a_version_of_another_architecture_is_refused() -> None:
    """V-9."""
    needs = [("libgcc_s.so.1", "GCC_14.0.0")]
    assert version_bounds(tables(), needs, arch="aarch64") == version_bounds(tables(), needs)
    with pytest.raises(NoRuntimeError):
        version_bounds(tables(), needs, arch="x86_64")
