"""RPATH and RUNPATH entries, resolved by their text alone."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.facts.searchpath import escapes, installed_path, origin_path, resolve


@pytest.mark.parametrize(
    ("member", "entry", "path"),
    [
        ("demo/_ext.so", "$ORIGIN", "demo"),
        ("demo/_ext.so", "${ORIGIN}/../demo.libs", "demo.libs"),
        ("demo/sub/_ext.so", "$ORIGIN/../../demo.libs/", "demo.libs"),
        ("_ext.so", "$ORIGIN/demo.libs", "demo.libs"),
        ("demo-1.0.data/platlib/demo/_ext.so", "$ORIGIN/..", "."),
        ("demo/_ext.so", "$ORIGIN/../..", ".."),
    ],
)
def test_an_origin_entry_is_a_path_below_site_packages(member: str, entry: str, path: str) -> None:
    assert resolve(member, entry) == path


@pytest.mark.parametrize("entry", ["/usr/lib", "", "lib", "$ORIGINAL/x", "$ORIGIN/../.."])
def test_what_leads_elsewhere_escapes(entry: str) -> None:
    assert escapes("demo/_ext.so", entry)


@pytest.mark.parametrize("entry", ["$ORIGIN", "$ORIGIN/../nvidia/cuda_nvrtc/lib", "$ORIGIN/.."])
def test_other_packages_of_site_packages_are_inside(entry: str) -> None:
    assert not escapes("demo/_ext.so", entry)


def test_scripts_and_data_are_not_installed_into_site_packages() -> None:
    assert installed_path("demo-1.0.data/scripts/tool") is None
    assert installed_path("demo-1.0.data/purelib/demo/x.so") == "demo/x.so"
    assert origin_path("demo-1.0.data/data/lib/x.so", "cxx11_cuda_runtime/lib") is None
    assert not escapes("demo-1.0.data/data/lib/x.so", "$ORIGIN/../../..")


@pytest.mark.parametrize(
    ("member", "entry"),
    [
        ("_ext.so", "$ORIGIN/cxx11_cuda_runtime/lib"),
        ("demo/_ext.so", "$ORIGIN/../cxx11_cuda_runtime/lib"),
        ("demo.libs/libfoo.so", "$ORIGIN/../cxx11_cuda_runtime/lib"),
        ("a/b/c/_ext.so", "$ORIGIN/../../../cxx11_cuda_runtime/lib"),
        ("demo-1.0.data/platlib/demo/_ext.so", "$ORIGIN/../cxx11_cuda_runtime/lib"),
    ],
)
def test_the_entry_for_the_runtime_leads_there_and_back(member: str, entry: str) -> None:
    assert origin_path(member, "cxx11_cuda_runtime/lib") == entry
    assert resolve(member, entry) == "cxx11_cuda_runtime/lib"
