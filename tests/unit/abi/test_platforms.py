"""Platform tags and what they promise."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cxxrt_toolchain.abi.platforms import (
    GlibcPlatform,
    glibc_release,
    legacy_alias,
    parse_platform,
    promise_of,
)
from cxxrt_toolchain.abi.versions import version_tuple


@pytest.mark.parametrize(
    ("tag", "glibc"),
    [
        ("manylinux_2_28_x86_64", (2, 28)),
        ("manylinux1_x86_64", (2, 5)),
        ("manylinux2010_i686", (2, 12)),
        ("manylinux2014_aarch64", (2, 17)),
        ("linux_x86_64", None),
    ],
)
def test_a_linux_tag_is_taken_apart(tag: str, glibc: tuple[int, int] | None) -> None:
    found = parse_platform(tag)
    assert found is not None
    assert found.glibc == glibc
    assert found.tag == (tag if "_2_" in tag or glibc is None else found.tag)


@pytest.mark.parametrize("tag", ["any", "musllinux_1_2_x86_64", "win_amd64", "macosx_11_0_arm64"])
def test_other_systems_are_none(tag: str) -> None:
    assert parse_platform(tag) is None


def test_a_legacy_alias_belongs_to_one_perennial_tag() -> None:
    assert legacy_alias(GlibcPlatform(glibc=(2, 17), arch="x86_64")) == "manylinux2014_x86_64"
    assert legacy_alias(GlibcPlatform(glibc=(2, 28), arch="x86_64")) is None
    assert legacy_alias(GlibcPlatform(glibc=None, arch="x86_64")) is None


def test_a_newer_platform_promises_no_less() -> None:
    generations = [promise_of((2, minor)) for minor in range(5, 45)]
    for older, newer in pairwise(generations):
        assert older.libraries <= newer.libraries
        assert older.named <= newer.named
        assert all(names <= older.private_symbols(library) for library, names in newer.private)
        for arch in ("x86_64", "aarch64"):
            for _, namespace, _ in older.ceilings:
                floor, ceiling = older.ceiling(namespace, arch), newer.ceiling(namespace, arch)
                assert floor is not None
                assert ceiling is not None
                assert floor <= ceiling


def test_a_platform_between_two_generations_promises_what_the_older_one_does() -> None:
    assert promise_of((2, 30)).ceilings == promise_of((2, 28)).ceilings
    assert promise_of((2, 3)).ceiling("GLIBCXX") == (3, 4, 8)
    assert promise_of((2, 17)).ceiling("GOMP") is None


@pytest.mark.parametrize(
    ("glibc", "arch", "version", "answer"),
    [
        ((2, 34), "x86_64", "GLIBCXX_3.4.29", True),
        ((2, 34), "x86_64", "GLIBCXX_3.4.30", False),
        ((2, 34), "x86_64", "GCC_11.0", False),
        ((2, 34), "aarch64", "GCC_11.0", True),
        ((2, 17), "x86_64", "LIBATOMIC_1.0", False),
        ((2, 17), "aarch64", "LIBATOMIC_1.0", True),
        ((2, 17), "x86_64", "CXXABI_FLOAT128", False),
        ((2, 24), "x86_64", "CXXABI_FLOAT128", True),
        ((2, 17), "x86_64", "ZLIB_1.2.9", False),
        ((2, 17), "x86_64", "OPENSSL_3.0.0", None),
    ],
)
def test_a_platform_has_the_versions_up_to_its_ceiling(
    glibc: tuple[int, int], arch: str, version: str, *, answer: bool | None
) -> None:
    assert promise_of(glibc).allows_version(arch, version) is answer


def test_a_private_symbol_can_become_public() -> None:
    assert "uncompress2" in promise_of((2, 31)).private_symbols("libz.so.1")
    assert "uncompress2" not in promise_of((2, 34)).private_symbols("libz.so.1")
    assert "inflate_table" in promise_of((2, 41)).private_symbols("libz.so.1")
    assert promise_of((2, 34)).private_symbols("libexpat.so.1") == frozenset()


def test_dotted_numbers_compare_as_numbers_and_names_are_none() -> None:
    assert version_tuple("3.4.30") > version_tuple("3.4.9")
    assert version_tuple("TM_1") == ()
    assert glibc_release("GLIBC_2.34") == (2, 34)
    assert glibc_release("GLIBC_ABI_DT_RELR") == (2, 36)
    assert glibc_release("GLIBC_PRIVATE") is None
    huge = glibc_release("GLIBC_" + "9" * 5000)
    assert huge is not None
    assert huge > (2, 99), "above what any platform tag promises: P4, not an unusable wheel"
