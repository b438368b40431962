"""What a policy answers."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from cxxrt_toolchain.abi.policy import NamePatterns, Policy
from cxxrt_toolchain.abi.spec import load_policy
from cxxrt_toolchain.abi.tag import RuntimeAbi
from cxxrt_toolchain.errors import InputError

CUDA12 = RuntimeAbi(epoch=1, cuda=12)


@pytest.fixture
def policy() -> Policy:
    return load_policy(CUDA12)


def test_it_knows_what_it_is_about(policy: Policy) -> None:
    assert (policy.name, policy.runtime) == ("cxxrt1_cu12", CUDA12)
    assert policy.cxx11_abi


@pytest.mark.parametrize(
    ("soname", "allowed"),
    [
        ("libstdc++.so.6", True),
        ("libcudart.so.12", True),
        ("libcudart.so.13", False),
        ("libc.so.6", True),
        ("libssl.so.3", False),
        ("libstdc++-1a2b3c4d.so.6.0.33", False),
    ],
)
def test_only_listed_libraries_may_be_needed(policy: Policy, soname: str, *, allowed: bool) -> None:
    """P-1."""
    assert policy.allows_library(soname, (2, 28)) is allowed


def test_a_library_that_came_later_is_allowed_from_then_on(policy: Policy) -> None:
    assert not policy.allows_library("libmvec.so.1", (2, 17))
    assert policy.allows_library("libmvec.so.1", (2, 24))


@pytest.mark.parametrize(
    ("arch", "version", "answer"),
    [
        ("x86_64", "GLIBCXX_3.4.33", True),
        ("x86_64", "GLIBCXX_3.4.99", False),
        ("x86_64", "CXXABI_FLOAT128", True),
        ("aarch64", "CXXABI_FLOAT128", False),
        ("x86_64", "GCC_14.0.0", True),
        ("x86_64", "GLIBC_2.38", None),
        ("s390x", "GLIBCXX_3.4", None),
    ],
)
def test_symbol_versions_are_bounded_by_the_runtime(
    policy: Policy, arch: str, version: str, *, answer: bool | None
) -> None:
    """P-3; GLIBC is the platform tag's business (P-4)."""
    assert policy.allows_version(arch, version) is answer


@pytest.mark.parametrize(
    "name", ["libstdc++.so.6", "libstdc++-1a2b3c4d.so.6.0.33", "libgomp-e985bcbb.so.1.0.0"]
)
def test_copies_of_the_runtime_are_recognised_by_name(policy: Policy, name: str) -> None:
    """P-2."""
    assert policy.forbids_member(name)


def test_other_files_are_not_taken_for_copies(policy: Policy) -> None:
    assert not policy.forbids_member("libstdcxx_wrapper.so")
    assert not policy.forbids_member("_core.cpython-312-x86_64-linux-gnu.so")


@pytest.mark.parametrize(
    ("symbol", "forbidden"),
    [
        ("__cxa_throw", True),
        ("_ZTIN10__cxxabiv117__class_type_infoE", True),
        ("_ZNSt8ios_base4InitC1Ev", True),
        ("cudaGetDeviceCount", True),
        ("_ZNSt6vectorIiSaIiEE17_M_realloc_insertE", False),
        ("PyInit__core", False),
    ],
)
def test_definitions_that_betray_a_static_copy(
    policy: Policy, symbol: str, *, forbidden: bool
) -> None:
    assert policy.forbids_definition(symbol) is forbidden


def test_private_symbols_are_those_of_the_document(policy: Policy) -> None:
    assert policy.private_symbols("libz.so.1") == frozenset()
    document = json.loads(files("cxxrt_abi_tag_spec").joinpath("policies/cxxrt1.json").read_text())
    blacklist = {"libz.so.1": ["gzflags"]}
    changed = Policy.from_document({**document, "blacklist": blacklist})
    assert changed.private_symbols("libz.so.1") == {"gzflags"}


def test_a_document_of_an_unknown_schema_is_refused() -> None:
    """C-3."""
    with pytest.raises(InputError, match="schema 2"):
        Policy.from_document({"schema": 2, "name": "cxxrt1"})


def test_patterns_find_their_names_among_many() -> None:
    patterns = NamePatterns(["GOMP_*", "omp_[gs]et_*", "__cxa_throw"])
    names = ["GOMP_parallel", "omp_set_num_threads", "omp_init_lock", "__cxa_throw", "xGOMP_"]
    assert sorted(patterns.among(names)) == ["GOMP_parallel", "__cxa_throw", "omp_set_num_threads"]
    assert NamePatterns([]).among(names) == []
