"""Names of runtime libraries, as vendors and repair tools spell them."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.facts.families import (
    RuntimeFamily,
    canonical_soname,
    cuda_major,
    family_of_name,
    served_soname,
)


@pytest.mark.parametrize(
    ("name", "family", "soname"),
    [
        ("libstdc++.so.6", RuntimeFamily.LIBSTDCXX, "libstdc++.so.6"),
        ("libstdc++-1a2b3c4d.so.6.0.25", RuntimeFamily.LIBSTDCXX, "libstdc++.so.6"),
        ("libstdc++-pymomentum.so.6", RuntimeFamily.LIBSTDCXX, "libstdc++.so.6"),
        ("demo.libs/libgomp-e985bcbb.so.1.0.0", RuntimeFamily.LIBGOMP, "libgomp.so.1"),
        ("libgomp.so.1.0.0", RuntimeFamily.LIBGOMP, "libgomp.so.1"),
        ("libgcc_s-4.8.5-20150702.so.1", RuntimeFamily.LIBGCC, "libgcc_s.so.1"),
        ("libquadmath-96973f99.so.0.0.0", RuntimeFamily.LIBQUADMATH, "libquadmath.so.0"),
        ("libgfortran-040039e1-0352e75f.so.5.0.0", RuntimeFamily.LIBGFORTRAN, "libgfortran.so.5"),
        ("libgfortran.so", RuntimeFamily.LIBGFORTRAN, "libgfortran.so"),
        ("libcudart-5a077122.so.12.0.107", RuntimeFamily.LIBCUDART, "libcudart.so.12"),
        ("libcudart.so.11.0", RuntimeFamily.LIBCUDART, "libcudart.so.11"),
        ("libiomp5.so", RuntimeFamily.LIBIOMP, "libiomp5.so"),
    ],
)
def test_a_runtime_library_is_known_under_every_spelling(
    name: str, family: RuntimeFamily, soname: str
) -> None:
    assert family_of_name(name) is family
    assert canonical_soname(name) == soname


@pytest.mark.parametrize(
    "name",
    [
        *("libstdc++fs.so.1", "libgompertz.so.1", "libcudart_static.so", "libc.so.6"),
        *("libstdc++.a", "libgfortran.so.3", "libgfortran-ed201abd.so.3.0.0", ""),
    ],
)
def test_a_name_that_only_looks_like_one_is_none(name: str) -> None:
    assert family_of_name(name) is None
    assert canonical_soname(name) == name
    assert cuda_major(name) is None


def test_the_cuda_major_is_the_first_number_of_the_soname() -> None:
    assert cuda_major("libcudart-9335f6a2.so.12.4.127") == 12
    assert cuda_major("libgomp.so.1") is None
    assert cuda_major("libcudart.so") is None


def test_only_what_a_runtime_wheel_has_is_served() -> None:
    assert served_soname("libgomp-1.so.1", None) == "libgomp.so.1"
    assert served_soname("libmine.so", RuntimeFamily.LIBSTDCXX) == "libstdc++.so.6"
    assert served_soname("libmine.so", RuntimeFamily.LIBCUDART) is None
    assert served_soname("libiomp5.so", RuntimeFamily.LIBIOMP) is None
