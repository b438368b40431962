"""D14: one library in several packages, by its name without the hash of the repair tool."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from environment_case import binary, environment

from cxxrt_toolchain.rules.duplicates import duplicates
from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.objects import ObjectFacts


def library(path: str, size: int) -> ObjectFacts:
    return replace(binary(path, (), soname=path.rpartition("/")[2]), size=size)


def test_it_names_the_packages_and_the_bytes_beyond_the_largest_copy() -> None:
    env = environment(
        {
            "numpy": [library("numpy.libs/libopenblas64_p-r0-0f3c1a2b.so", 25_000_000)],
            "scipy": [library("scipy.libs/libopenblas64_p-r0-ffee0011.so", 24_000_000)],
            "one": [library("one.libs/libtbb-0f3c1a2b.so.12.5", 4_000_000)],
            "two": [library("two.libs/libtbb-00000000.so.12.15", 3_000_000)],
        }
    )
    (found,) = duplicates(env)
    assert found.severity is Severity.NOTE
    assert found.message.startswith("27 MB are further copies")
    assert "libopenblas64_p-r0 in numpy and scipy (24 MB)" in found.message
    assert "libtbb in one and two (3 MB)" in found.message
    assert found.remedies == (
        "'cxxrt repair' makes wheels of one and two that take libtbb from tbb",
    )
    assert len(found.libraries) == 4


def test_small_single_own_and_runtime_libraries_are_none_of_its_business() -> None:
    env = environment(
        {
            "a": [
                library("a.libs/libz-0f3c1a2b.so.1", 90_000),
                library("a.libs/libgomp-0f3c1a2b.so.1.0.0", 9_000_000),
                library("a/lib/libcommon.so", 9_000_000),
                library("a.libs/libgdal-0f3c1a2b.so.30", 90_000_000),
            ],
            "b": [
                library("b.libs/libz-ffffffff.so.1", 90_000),
                library("b.libs/libgomp-ffffffff.so.1.0.0", 9_000_000),
                library("b/lib/libcommon.so", 9_000_000),
            ],
        }
    )
    assert list(duplicates(env)) == []
