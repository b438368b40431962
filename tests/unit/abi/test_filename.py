"""Names taken apart and put together; the rules G-1 to G-7 are in the vectors."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from cxxrt_toolchain.abi.filename import BadWheelNameError, parse_wheel_name, violations
from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.abi.tag import BadTagError

NAMES = st.builds(
    lambda build, python, abi, platform, label: (
        "-".join(part for part in ("foo_bar", "1.0", build, python, abi, platform, label) if part)
        + ".whl"
    ),
    build=st.sampled_from(["", "1", "2abc"]),
    python=st.sampled_from(["cp312", "py2.py3", "pp311"]),
    abi=st.sampled_from(["cp312", "cxxrt1_cp312", "cxxrt1_abi3.cxxrt1_abi3t", "none"]),
    platform=st.sampled_from(["any", "manylinux_2_17_x86_64.manylinux2014_x86_64"]),
    label=st.sampled_from(["", "cxxrt1", "x86_64_v3", "null"]),
)


ORDINARY = re.compile(r"[A-Za-z0-9]+([._][A-Za-z0-9]+)*-[^-]+(-[A-Za-z0-9_.]+){3,4}\.whl")


@given(NAMES)
def test_a_name_put_together_again_is_the_name(filename: str) -> None:
    assert str(parse_wheel_name(filename)) == filename


def test_the_six_part_forms_are_told_apart() -> None:
    build = parse_wheel_name("foo-1.0-1-cp312-cp312-any.whl")
    label = parse_wheel_name("foo-1.0-cp312-cp312-any-cxxrt1.whl")
    assert (build.build, build.label) == ("1", None)
    assert (label.build, label.label) == ("", "cxxrt1")
    assert parse_wheel_name("a-1-2-py3-none-any-null.whl").label == "null"


def test_distribution_and_local_version_come_out_as_spelled() -> None:
    name = "Demo_Pkg-1.0+cpu-1a-cp311.cp312-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    assert str(parse_wheel_name(name)) == name


@pytest.mark.parametrize(
    "filename",
    [
        "",
        "foo.whl",
        "foo-1.0-cp312-cp312-any.zip",
        "foo-1.0-cp312-cp312-any-cxxrt1.zip",
        "foo-1.0-cp312-cp312.whl",
        "foo-x-cp312-cp312-any.whl",
        "foo-1.0-x1-cp312-cp312-any-cxxrt1.whl",
        "foo-1.0-cp312-cp312-any-CXXRT1.whl",
        "foo-1.0-cp312-cp312-any-cxxrt+1.whl",
        "../foo-1.0-cp312-cp312-any.whl",
        "foo-1.0-cp312-cp312-any\nTag: x.whl",
        "foo-1.0-cp312-cp312-any+x.whl",
        "foo.-1.0-cp312-cp312-any.whl",
        "f__o-1.0-cp312-cp312-any.whl",
        "foo-1.0-cp312-a..b-any.whl",
        "foo-1.0-cp312-" + ".".join("abcde" * 20) + "-" + ".".join("abcde" * 20) + ".whl",
    ],
)
def test_what_is_no_wheels_name_is_refused_with_the_name(filename: str) -> None:
    with pytest.raises(BadWheelNameError) as caught:
        parse_wheel_name(filename)
    assert str(caught.value).startswith(filename)


def test_a_malformed_runtime_is_an_error_and_not_a_plain_wheel() -> None:
    name = parse_wheel_name("foo-1.0-cp312-cxxrt0_cp312-manylinux_2_28_x86_64.whl")
    with pytest.raises(BadTagError):
        violations(name, load_spec())


def test_the_runtime_is_found_in_either_encoding() -> None:
    for filename in (
        "foo-1.0-cp312-cxxrt1_cu12_cp312-manylinux_2_28_x86_64.whl",
        "foo-1.0-cp312-cp312-manylinux_2_28_x86_64-cxxrt1_cu12.whl",
    ):
        assert str(parse_wheel_name(filename).runtime) == "cxxrt1_cu12"


def test_a_violation_prints_its_rule_and_the_offending_part() -> None:
    name = parse_wheel_name("foo-1.0-cp312-cxxrt1_cp312-any.whl")
    (found,) = violations(name, load_spec())
    assert str(found).startswith("G-2: platform any: only manylinux")


def test_a_variant_wheel_is_held_to_the_requirement_rule() -> None:
    """M-7."""
    name = parse_wheel_name("foo-1.0-cp312-cp312-manylinux_2_28_x86_64-cxxrt1.whl")
    spec = load_spec()
    assert [each.rule for each in violations(name, spec, requires_dist=[], variant=True)] == ["G-7"]
    needs = ["cxx11-cuda-runtime>=1.9,<2"]
    assert violations(name, spec, requires_dist=needs, variant=True) == ()


def test_an_unreadable_requirement_is_a_violation() -> None:
    name = parse_wheel_name("foo-1.0-cp312-cxxrt1_cp312-manylinux_2_28_x86_64.whl")
    found = violations(name, load_spec(), requires_dist=["cxx11 cuda runtime ???"])
    assert {each.rule for each in found} == {"G-7"}


@pytest.mark.parametrize(
    "line",
    [
        "cxx11-cuda-runtime @ file:///tmp/x.whl",
        "cxx11-cuda-runtime[all]>=1.9,<2",
        "cxx11-cuda-runtime==1.9",
        "cxx11-cuda-runtime~=1.9",
        "cxx11-cuda-runtime>=1.9,<=2",
    ],
)
def test_a_requirement_of_another_shape_is_a_violation(line: str) -> None:
    name = parse_wheel_name("foo-1.0-cp312-cxxrt1_cp312-manylinux_2_28_x86_64.whl")
    assert [each.rule for each in violations(name, load_spec(), requires_dist=[line])] == ["G-7"]


@given(
    st.lists(
        st.one_of(
            st.sampled_from(["foo", "f__o", "f.o", "ä", "1.0", "1.0_1", "1!2", "x", "2a", "cp312"]),
            st.sampled_from(["py2.py3", "none", "any", "a..b", ".a", "", "manylinux_2_17_x86_64"]),
            st.text(max_size=3),
        ),
        min_size=4,
        max_size=6,
    )
)
def test_a_name_without_a_label_is_a_name_where_packaging_finds_one(parts: list[str]) -> None:
    filename = "-".join(parts) + ".whl"
    try:
        found = parse_wheel_name(filename)
    except BadWheelNameError:
        found = None
    if found is not None and found.label is not None:
        return  # packaging knows no labels
    try:
        _, version, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        assert found is None
    else:
        if found is None:  # packaging does not ask for PEP 427's characters
            assert ORDINARY.fullmatch(filename) is None
            return
        assert Version(found.version) == version
        assert {each.lower() for each in found.expanded} == set(map(str, tags))
