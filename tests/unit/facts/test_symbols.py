"""Sorting dynamic symbols into what the rules ask about."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from cxxrt_toolchain.abi.spec import load_policy
from cxxrt_toolchain.abi.tag import RuntimeAbi
from cxxrt_toolchain.elf.facts import Binding, Soname, SymbolGroup
from cxxrt_toolchain.facts.symbols import digest, sample, spells_old_string
from cxxrt_toolchain.facts.wheel import SymbolSample


def symbol(
    name: str,
    *,
    defined: bool = True,
    binding: Binding = Binding.GLOBAL,
    soname: str | None = None,
    version: str | None = None,
) -> SymbolGroup:
    """A group of one."""
    return SymbolGroup(
        defined=defined,
        binding=binding,
        version=version,
        soname=Soname(soname) if soname else None,
        names=(name,),
    )


@pytest.mark.parametrize(
    "name",
    [
        "_Z5greetRKSs",
        "_ZN5arrow10Decimal12810FromStringERKSsPS0_PiS4_",
        "_ZN2tv11NVRTCModule6kernelESs",
        "_Z1fILi5EEvSs",
        "_Z1fS0_Ss",
    ],
)
def test_the_substitution_for_the_old_string_is_found(name: str) -> None:
    assert spells_old_string(name)


@pytest.mark.parametrize(
    "name",
    [
        "_Z3fooRK7ClassSs",
        "_ZN9SsIsAClass3runEv",
        "_Z1fv",
        "Ss",
        "plain_c_Ss",
        "_Z5greetRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
        "_Z99999999999Ss",
    ],
)
def test_identifiers_and_other_names_are_not_taken_for_it(name: str) -> None:
    assert not spells_old_string(name)


def test_a_sample_counts_distinct_names_and_keeps_the_first_three() -> None:
    assert sample(["d", "b", "a", "c", "a"]) == SymbolSample(count=4, examples=("a", "b", "c"))
    assert not sample([])
    assert str(sample(["a"])) == "1 (a)"
    assert str(sample("abcd")) == "4 (a, b, c, …)"
    assert str(sample([])) == "none"


def test_bindings_tell_strong_weak_and_unique_apart() -> None:
    found = digest(
        [
            symbol("_ZSt28__throw_bad_array_new_lengthv"),
            symbol("_ZNSt6vectorI4MineSaIS0_EED1Ev", binding=Binding.WEAK),
            symbol("_ZZNSt19_Sp_make_shared_tag5_S_tiEvE5__tag", binding=Binding.UNIQUE),
            symbol("_ZNKSt4hashI4MineEclERKS0_"),
        ]
    )
    assert found.libstdcxx_strong.examples == ("_ZSt28__throw_bad_array_new_lengthv",)
    assert found.libstdcxx_weak.count == 1
    assert found.unique.count == 1


def test_only_symbols_versioned_by_libcudart_are_needed_from_it() -> None:
    found = digest(
        [
            symbol("cudaMalloc", defined=False, soname="libcudart.so.12"),
            symbol("cudaOfMine", defined=False),
            symbol("cublasCreate", defined=False, soname="libcublas.so.12"),
        ]
    )
    assert found.cudart_needed == ("cudaMalloc",)


def test_a_copy_relocation_of_an_executable_is_no_export_of_its_own() -> None:
    copied = symbol("_ZNSt5ctypeIcE2idE", version="GLIBCXX_3.4")
    assert not digest([copied]).locale_ids
    assert digest([copied], ["GLIBCXX_3.4"]).locale_ids


def test_what_devtoolset_links_in_is_no_whole_libstdcxx() -> None:
    newer = ["_ZNSt7codecvtIDsc11__mbstate_tE2idE", "_ZNSt7codecvtIDiDu11__mbstate_tE2idE"]
    found = digest([symbol(name) for name in newer])
    assert not found.locale_ids
    assert found.libstdcxx_strong.count == len(newer)
    assert digest([symbol("_ZNSt5ctypeIwE2idE")]).locale_ids


def test_libstdcxx_names_are_no_evidence_for_a_string_abi() -> None:
    found = digest([symbol("_ZNSt13runtime_errorC1ERKSs"), symbol("_ZNSsC1Ev", defined=False)])
    assert not found.old_strings_exported
    assert not found.old_strings_needed


def test_needed_names_of_libstdcxx_show_what_an_object_was_compiled_with() -> None:
    old = [symbol("_ZNSsC1Ev", defined=False), symbol("_ZNSt13runtime_errorC1ERKSs", defined=False)]
    new = symbol("_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEC1Ev", defined=False)
    assert digest([*old, new]).old_strings_of_libstdcxx.count == 2
    assert not digest([new]).old_strings_of_libstdcxx
    assert not digest([symbol("_ZNSt13runtime_errorC1ERKSs")]).old_strings_of_libstdcxx


def test_every_definition_that_a_policy_forbids_is_kept() -> None:
    policy = load_policy(RuntimeAbi(epoch=1, cuda=12))
    known = [
        "GOMP_parallel",
        "_Unwind_RaiseException",
        "_Unwind_Resume",
        "_ZNSt8ios_base4InitC1Ev",
        "_ZTIN10__cxxabiv117__class_type_infoE",
        "__cxa_begin_catch",
        "__cxa_throw",
        "__gxx_personality_v0",
        "cudaGetDeviceCount",
        "omp_get_num_threads",
    ]
    for pattern in policy.forbidden_definitions:
        assert any(fnmatchcase(name, pattern) for name in known), f"no example of {pattern}"
    assert digest(map(symbol, [*known, "PyInit_x"])).forbidden_definitions == tuple(known)
    assert digest([symbol("__cxa_throw", defined=False)]).forbidden_definitions == ()


def test_undefined_symbols_that_a_platform_calls_private_are_kept() -> None:
    found = digest([symbol("inflate_table", defined=False), symbol("inflate", defined=False)])
    assert found.private_needs == (("", "inflate_table"),)
    assert digest([symbol("inflate_table")]).private_needs == ()
    weak = symbol("inflate_table", defined=False)._replace(binding=Binding.WEAK)
    assert digest([weak]).private_needs == ()


def test_many_names_are_all_there_and_few_are_compared_by_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cxxrt_toolchain.facts.symbols._FEW", 4)
    names = [f"name{number}" for number in range(9)] + ["\N{GREEK SMALL LETTER PI}", ""]
    many = digest(symbol(name) for name in names).exported
    assert list(many) == names
    assert (len(many), "name8" in many, "name9" in many) == (11, True, False)
    assert digest(map(symbol, names[:4])) == digest(map(symbol, names[:4]))
