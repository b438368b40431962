"""The tag's grammar and order; the vectors of the specification hold the examples."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxxrt_toolchain.abi.tag import AbiTag, BadTagError, RuntimeAbi, claims_runtime, without_runtime

SEGMENTS = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True).filter(
    lambda text: not text.startswith("cxxrt")
)
BASES = (
    st.lists(SEGMENTS, min_size=1, max_size=4)
    .map("_".join)
    .filter(lambda text: text[0].isalpha() and not text.startswith("cu"))
)
RUNTIMES = st.builds(
    RuntimeAbi, epoch=st.integers(1, 10**6), cuda=st.none() | st.integers(10, 10**4)
)
TAGS = st.builds(AbiTag, base=BASES, runtime=RUNTIMES)


@given(TAGS)
def test_parsing_the_text_of_a_tag_gives_the_tag(tag: AbiTag) -> None:
    """T-7."""
    assert AbiTag.parse(str(tag)) == tag
    assert claims_runtime(str(tag))


@given(RUNTIMES)
def test_parsing_the_text_of_a_runtime_abi_gives_it_back(runtime: RuntimeAbi) -> None:
    assert RuntimeAbi.parse(str(runtime)) == runtime


@given(st.text(alphabet="abcxrtu0123456789_.+-CX\n ", max_size=24))
def test_what_parses_formats_to_itself_and_the_rest_is_refused(text: str) -> None:
    """T-1 and T-7: one text form per tag."""
    with suppress(BadTagError):
        assert str(AbiTag.parse(text)) == text


@pytest.mark.parametrize("text", ["cxxrt1cu12_cp312", "cp312_cxxrt1", "abi3_cxxrt1_cu12"])
def test_a_refusal_shows_the_form(text: str) -> None:
    with pytest.raises(BadTagError, match=r"the runtime ABI first: .*cxxrt1_cu12_cp312"):
        AbiTag.parse(text)


@given(RUNTIMES, st.text(alphabet="abcprtu0123_", max_size=12))
def test_a_runtime_abi_before_another_base_says_what_it_says_before_cp312(
    runtime: RuntimeAbi, base: str
) -> None:
    """T-4: no base changes how the runtime ABI before it is read."""
    with suppress(BadTagError):
        assert AbiTag.parse(f"{runtime}_{base}") == AbiTag(base=base, runtime=runtime)


@given(TAGS)
def test_the_base_is_what_remains_without_the_runtime_abi(tag: AbiTag) -> None:
    assert without_runtime(tag.base) == tag.base
    if "cu" not in tag.base:
        assert without_runtime(str(tag)) == tag.base


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("cxxrt01_cp312", "cp312"),
        ("cp312_cxxrt1_cu12", "cp312"),
        ("cxxrt1+cp312", "cp312"),
        ("CXXRT1_CU12_cp312", "cp312"),
        ("pypy311_pp73_cxxrt1", "pypy311_pp73"),
        ("pypy311_pp73", "pypy311_pp73"),
    ],
)
def test_the_base_of_a_malformed_tag(text: str, base: str) -> None:
    assert without_runtime(text) == base


@pytest.mark.parametrize("text", ["cxxrt1", "cxxrt1_cu12", "cxxrt1_", "CXXRT1_CP312", "cxxrt1_7"])
def test_a_tag_without_a_base_has_none(text: str) -> None:
    with pytest.raises(BadTagError, match="names no base ABI"):
        without_runtime(text)


@given(TAGS, TAGS)
def test_the_order_is_total_and_agrees_with_equality(one: AbiTag, two: AbiTag) -> None:
    assert (one < two) + (two < one) + (one == two) == 1


def test_tags_sort_by_base_epoch_and_cuda_as_numbers() -> None:
    texts = ["cxxrt1_abi3", "cxxrt1_cp312", "cxxrt1_cu12_cp312", "cxxrt2_cp312", "cxxrt10_cp312"]
    assert [str(tag) for tag in sorted(map(AbiTag.parse, reversed(texts)))] == texts


def test_tags_are_hashable_and_cannot_be_changed() -> None:
    tag = AbiTag.parse("cxxrt1_cp312")
    assert {tag: 1}[AbiTag.parse("cxxrt1_cp312")] == 1
    with pytest.raises(FrozenInstanceError):
        setattr(tag, "base", "cp313")  # noqa: B010 - a plain assignment would not type-check


@pytest.mark.parametrize("text", ["cp312", "abi3", "none", "xcxxrt1", "", "libcxxrt"])
def test_a_plain_abi_claims_no_runtime(text: str) -> None:
    assert not claims_runtime(text)


@pytest.mark.parametrize(
    "text", ["cxxrt0_cp312", "cxxrt1", "cp312_cxxrt1", "cp312+cxxrt1", "CXXRT1_CP312"]
)
def test_a_malformed_tag_still_claims_a_runtime(text: str) -> None:
    assert claims_runtime(text)


@pytest.mark.parametrize("text", ["", "cxxrt", "cxxrt0", "cxxrt1_", "cxxrt1_cu", "cxxrt1_cp312"])
def test_a_malformed_runtime_abi_is_refused(text: str) -> None:
    with pytest.raises(BadTagError, match="no runtime ABI"):
        RuntimeAbi.parse(text)
