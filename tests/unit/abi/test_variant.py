"""The PEP 825 form of the same runtime ABI."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxxrt_toolchain.abi.filename import BadWheelNameError
from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.abi.tag import BadTagError, RuntimeAbi
from cxxrt_toolchain.abi.variant import (
    from_variant_name,
    index_file_name,
    plain_name,
    properties,
    to_variant_name,
    variants_document,
    variants_text,
)

SPEC = load_spec()
RUNTIMES = st.builds(RuntimeAbi, epoch=st.integers(1, 2000), cuda=st.none() | st.integers(10, 99))
BASES = st.sampled_from(["cp312", "cp314t", "abi3", "none", "pypy311_pp73"])


@given(BASES, RUNTIMES, st.sampled_from(["", "1-"]))
def test_there_and_back_is_the_same_name(base: str, runtime: RuntimeAbi, build: str) -> None:
    """M-3."""
    tagged = f"foo-1.0-{build}cp312-{runtime}_{base}-manylinux_2_28_x86_64.whl"
    variant = to_variant_name(tagged)
    assert from_variant_name(variant, properties(runtime, SPEC), SPEC) == tagged
    assert plain_name(tagged) == plain_name(variant)
    assert plain_name(plain_name(variant)) == plain_name(variant)


def test_a_wheels_document_holds_its_own_variant_only() -> None:
    runtime = RuntimeAbi(epoch=1, cuda=12)
    document = json.loads(variants_text([runtime], SPEC))
    assert document["variants"] == {
        "cxxrt1_cu12": {"cxxrt": {"abi": ["1"]}, "nvidia": {"cuda_version_lower_bound": ["12.0"]}}
    }


def test_our_provider_is_static_and_the_driver_is_left_to_nvidias() -> None:
    """M-5."""
    document = variants_document([RuntimeAbi(epoch=1)], SPEC)
    assert document["providers"] == {
        "cxxrt": {"static-properties": {"abi": ["1"]}, "feature-order": ["abi"]},
        "nvidia": {
            "requires": ["nvidia-variant-provider>=0.0.1,<1.0.0"],
            "plugin-api": "nvidia_variant_provider.plugin:NvidiaVariantPlugin",
        },
    }
    assert document["default-priorities"] == {"namespace": ["cxxrt", "nvidia"]}


def test_the_index_file_is_the_union_of_the_wheels_documents() -> None:
    runtimes = [RuntimeAbi(epoch=1), RuntimeAbi(epoch=1, cuda=12)]
    union = variants_document(runtimes, SPEC)
    for runtime in runtimes:
        alone = variants_document([runtime], SPEC)
        assert union["variants"].items() >= alone["variants"].items()
        assert union["providers"] == alone["providers"]


def test_the_text_is_the_same_whatever_the_order() -> None:
    runtimes = [RuntimeAbi(epoch=1, cuda=13), RuntimeAbi(epoch=1), RuntimeAbi(epoch=1, cuda=12)]
    assert variants_text(runtimes, SPEC) == variants_text(reversed(runtimes), SPEC)


def test_the_index_file_is_named_as_wheels_are() -> None:
    assert index_file_name("Foo.Bar", "1.0.0") == "foo_bar-1.0.0-variants.json"


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["cxxrt :: abi :: 01"],
        ["cxxrt :: abi :: 1", "cxxrt :: abi :: 1"],
        ["cxxrt :: abi :: 1", "x86_64 :: level :: v4"],
        ["cxxrt :: abi :: 1", "nvidia :: cuda_version_lower_bound :: 12.0"],
    ],
)
def test_properties_other_than_the_labels_are_refused(values: list[str]) -> None:
    """M-4."""
    name = "foo-1.0-cp312-cp312-manylinux_2_28_x86_64-cxxrt1.whl"
    with pytest.raises(BadWheelNameError, match="which an ABI tag cannot say"):
        from_variant_name(name, values, SPEC)


def test_a_foreign_label_does_not_map_back() -> None:
    name = "foo-1.0-cp312-cp312-manylinux_2_28_x86_64-x86_64_v3.whl"
    with pytest.raises(BadTagError):
        from_variant_name(name, ["cxxrt :: abi :: 1"], SPEC)


@pytest.mark.parametrize(
    "filename",
    [
        "foo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl",
        "foo-1.0-cp312-cp312.cxxrt1_cp312-manylinux_2_28_x86_64.whl",
        "foo-1.0-cp312-cxxrt1_cp312.cxxrt2_cp312-manylinux_2_28_x86_64.whl",
        "foo-1.0-cp312-cxxrt1_cp312-manylinux_2_28_x86_64-cxxrt1.whl",
    ],
)
def test_what_is_not_one_runtime_abi_has_no_variant_name(filename: str) -> None:
    with pytest.raises(BadWheelNameError, match=r"foo-1\.0"):
        to_variant_name(filename)


def test_a_name_with_both_encodings_does_not_map_back() -> None:
    name = "foo-1.0-cp312-cxxrt1_cp312-manylinux_2_28_x86_64-cxxrt1.whl"
    with pytest.raises(BadWheelNameError, match="has a runtime ABI in its tag and its label"):
        from_variant_name(name, ["cxxrt :: abi :: 1"], SPEC)
