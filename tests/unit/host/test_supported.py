"""Which runtime ABIs an environment supports; the grid of examples is in the vectors."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import Tag

from cxxrt_toolchain.abi.manifest import RuntimeManifest
from cxxrt_toolchain.abi.spec import Epoch, load_spec
from cxxrt_toolchain.host.supported import (
    Host,
    Veto,
    declared_epoch,
    supported_runtimes,
    supported_tags,
)

SPEC = load_spec()
BASE = [
    Tag(python, abi, platform)
    for python, abi in (("cp312", "cp312"), ("cp312", "abi3"), ("cp312", "none"), ("cp311", "abi3"))
    for platform in ("linux_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64")
] + [Tag("py3", "none", "any")]
TAGS = st.builds(
    Tag,
    st.sampled_from(["cp312", "cp311", "py3"]),
    st.sampled_from(["cp312", "abi3", "none", "cxxrt1_cp312"]),
    st.sampled_from(["any", "linux_x86_64", "manylinux_2_12_x86_64", "manylinux_2_28_aarch64"]),
)
EPOCHS = st.builds(
    Epoch,
    number=st.integers(1, 4),
    glibc_floor=st.sampled_from([(2, 12), (2, 28), (2, 34)]),
    architectures=st.sampled_from([("x86_64",), ("aarch64", "x86_64")]),
    cuda_majors=st.sets(st.integers(10, 15)).map(lambda found: tuple(sorted(found))),
)
HOSTS = st.builds(
    Host,
    driver=st.none() | st.integers(9, 16),
    installed=st.lists(EPOCHS, max_size=1).map(tuple),
    vetoes=st.frozensets(
        st.builds(
            Veto,
            epoch=st.integers(1, 4),
            cuda=st.sampled_from([0, 12, 13]),
            architecture=st.sampled_from(["x86_64", "aarch64"]),
        )
    ),
)
BASES = st.lists(TAGS, unique=True)


@given(BASES, HOSTS)
def test_the_base_tags_come_out_unchanged_and_in_order(base: list[Tag], host: Host) -> None:
    """S-8: an implementation MUST NOT remove, reorder or change a base tag."""
    expanded = supported_tags(base, host, SPEC)
    own = set(base)
    assert [tag for tag in expanded if tag in own] == base


@given(BASES, HOSTS)
def test_no_tag_occurs_twice(base: list[Tag], host: Host) -> None:
    """O-8."""
    expanded = supported_tags(base, host, SPEC)
    assert len(expanded) == len(set(expanded))


@given(BASES, HOSTS, st.none() | st.integers(9, 16))
def test_the_driver_changes_the_order_and_nothing_else(
    base: list[Tag], host: Host, driver: int | None
) -> None:
    """S-7."""
    other = replace(host, driver=driver)
    assert set(supported_tags(base, host, SPEC)) == set(supported_tags(base, other, SPEC))


@given(BASES, HOSTS)
def test_expanding_again_changes_nothing(base: list[Tag], host: Host) -> None:
    """S-9, O-8."""
    once = supported_tags(base, host, SPEC)
    assert supported_tags(once, host, SPEC) == once


@given(BASES, HOSTS)
def test_a_veto_only_removes(base: list[Tag], host: Host) -> None:
    """S-5."""
    free = supported_tags(base, replace(host, vetoes=frozenset()), SPEC)
    vetoed = set(supported_tags(base, host, SPEC))
    assert vetoed <= set(free)
    assert [tag for tag in free if tag in vetoed] == supported_tags(base, host, SPEC)


def test_a_base_tag_with_a_runtime_abi_keeps_its_place_behind_its_plain_run() -> None:
    """S-8, O-8."""
    base = [Tag("cp312", abi, "manylinux_2_28_x86_64") for abi in ("cp312", "cxxrt1_cp312")]
    expanded = supported_tags(base, Host(driver=12), SPEC)
    assert [tag.abi for tag in expanded] == [
        "cxxrt1_cu12_cp312",
        "cp312",
        "cxxrt1_cu13_cp312",
        "cxxrt1_cp312",
    ]


@given(HOSTS)
def test_preferred_runtime_abis_come_before_the_others(host: Host) -> None:
    found = supported_runtimes(host, SPEC)
    assert sorted(found, key=lambda each: each.behind) == list(found)


def test_abis_of_one_interpreter_are_ordered_as_the_specification_says() -> None:
    expanded = supported_tags(BASE, Host(driver=12), SPEC)
    abis = list(dict.fromkeys(tag.abi for tag in expanded if tag.interpreter == "cp312"))
    assert abis[:5] == [
        "cxxrt1_cu12_cp312",
        "cxxrt1_cp312",
        "cp312",
        "cxxrt1_cu13_cp312",
        "cxxrt1_cu12_abi3",
    ]


def test_a_runtime_that_is_not_installed_and_a_missing_driver_refuse_nothing() -> None:
    """S-6, S-7."""
    expanded = set(supported_tags(BASE, Host(), SPEC))
    assert Tag("cp312", "cxxrt1_cu13_cp312", "manylinux_2_28_x86_64") in expanded


def test_an_installed_runtime_adds_to_a_published_epoch_and_takes_nothing_from_it() -> None:
    """S-2."""
    epoch = Epoch(number=1, glibc_floor=(2, 5), architectures=("x86_64",), cuda_majors=(99,))
    found = supported_runtimes(Host(installed=(epoch,)), SPEC)
    assert found[:-1] == supported_runtimes(Host(), SPEC)
    assert str(found[-1].runtime) == "cxxrt1_cu99"


def test_a_private_epoch_counts_only_where_a_runtime_declares_it() -> None:
    """E-6."""
    private = replace(SPEC.epochs[0], number=1000)
    spec = replace(SPEC, epochs=(*SPEC.epochs, private))
    assert supported_runtimes(Host(), spec) == supported_runtimes(Host(), SPEC)
    found = supported_runtimes(Host(installed=(private,)), spec)
    assert str(found[0].runtime) == "cxxrt1000"


@pytest.mark.parametrize(("floor", "pair"), [("2.17", (2, 17)), ("2", (2, 0))])
def test_an_installed_runtime_declares_its_epoch(floor: str, pair: tuple[int, int]) -> None:
    """S-2."""
    manifest = RuntimeManifest(
        name="cxx11-cuda-runtime",
        version="1007.14.0",
        epoch=1007,
        arch="x86_64",
        glibc_floor=floor,
        components=(),
        libraries=(),
        cudart=(),
    )
    epoch = declared_epoch(manifest)
    assert (epoch.number, epoch.glibc_floor, epoch.cuda_majors) == (1007, pair, ())
    assert supported_runtimes(Host(installed=(epoch,)), SPEC)[0].runtime.epoch == 1007
