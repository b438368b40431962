"""D14 and D30: one library, or one .proto file, in several packages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from environment_case import binary, environment

from cxxrt_toolchain.rules.duplicates import duplicates, registered_twice
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


LIBRARY = "libprotobuf_cxxrt.so.35.1"


def module(path: str, library: str, *protos: str) -> ObjectFacts:
    return replace(binary(path, (library,)), protos=protos)


def test_one_proto_file_in_two_packages_that_share_a_libprotobuf_is_an_error() -> None:
    env = environment(
        {
            "one": [
                module("one/_core.so", "libprotobuf_cxxrt.so.35.1", "one.proto", "shape.proto")
            ],
            "two": [module("two/_core.so", LIBRARY, "shape.proto")],
            "other": [module("other/_core.so", "libprotobuf.so.32", "shape.proto")],
        }
    )
    (found,) = registered_twice(env)
    assert found.severity is Severity.ERROR
    assert found.culprits == ("one", "two")
    assert found.message == (
        "shape.proto is compiled into one and two, which share libprotobuf_cxxrt.so.35.1; "
        "a process that imports both ends"
    )
    assert "one package owns" in found.remedies[0]
