"""Rows of providers: bounds, looseness of requirements, proofs, names of copies."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import cxxrt_abi_tag_spec
from cxxrt_toolchain.abi.provider import (
    NoProviderError,
    load_providers,
    provided,
    provided_copy,
    read_library,
)

DATA = Path(cxxrt_abi_tag_spec.__file__).parent
GENERATOR = Path(__file__).parents[3] / "abi-tag-spec" / "generate_providers.py"
MKL2, MKL3, TBB = (load_providers()[f"lib{n}"] for n in ("mkl_rt.so.2", "mkl_rt.so.3", "tbb.so.12"))


def test_a_symbol_that_left_and_came_back_counts_from_its_last_coming_on() -> None:
    releases = {"1": {"added": ["a", "b"]}, "2": {"removed": ["a"]}, "10": {"added": ["a"]}}
    table = read_library({"complete": True, "releases": releases})
    assert table.added == {"a": Version("10"), "b": Version("1")}
    assert table.removed == {}


@pytest.mark.parametrize(
    ("text", "symbols", "release"),
    [
        ("", [], "any release"),
        ("mkl", [], "2024.0.0"),
        ("mkl>=2026", [], "2027"),
        ("mkl>=2026,<2027", [], ""),
        ("mkl==2026.1.0", [], ""),
        ("mkl>=2026,<2027", ["CGEMMTR"], "2026.0.0"),
        ("mkl>=2026,<2027; python_version>'3'", [], "any release"),
    ],
)
def test_a_requirement_is_too_loose_if_it_accepts_a_release_that_is_not_enough(
    text: str, symbols: list[str], release: str
) -> None:
    assert MKL3.too_loose([Requirement(text)] if text else [], symbols) == release


def test_two_requirements_on_one_distribution_hold_together() -> None:
    both = [Requirement("mkl>=2026"), Requirement("mkl<2027")]
    assert MKL3.too_loose(both, []) == ""


def test_a_removed_symbol_bounds_from_above_and_is_part_of_the_proof() -> None:
    assert MKL2.requirement(["dcombssq_"]) == "mkl<2025.0.1,>=2024.0.0"
    assert MKL2.evidence(["dcombssq_"]) == ("mkl_get_version", "dcombssq_")


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (None, "mkl<2027,>=2026.0.0"),
        ("2026.1.0", "mkl<2027,>=2026.0.0"),
        ("2026.9.0", "mkl<2027,>=2026.9.0"),
        ("2027.1.0", "mkl>=2027.1.0"),
    ],
)
def test_a_release_that_no_table_knows_bounds_what_was_linked_against_it(
    built: str | None, text: str
) -> None:
    assert MKL3.requirement(["cblas_dgemm"], built) == text
    assert load_providers()["libnvrtc.so.13"].requirement(["nvrtcNew"], "13.9.1")


def test_a_row_without_a_table_is_bounded_by_its_soname_alone() -> None:
    row = load_providers()["libiomp5.so"]
    assert row.requirement([], "2026.2.0") == "intel-openmp>=2024.0.0"


def test_the_proof_has_the_newest_of_what_is_needed() -> None:
    needed = ["TBB_runtime_version", "_ZN3tbb6detail2r116current_task_ptrEv"]
    assert TBB.evidence(needed) == ("TBB_runtime_version", needed[1])
    assert TBB.requirement(needed) == "tbb>=2022.3.1"


def test_symbols_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(NoProviderError, match="linked against different releases"):
        MKL2.requirement(["dcombssq_", "CTRMM_OOP"])


@pytest.mark.parametrize(
    ("name", "soname"),
    [
        ("libtbb.so.12", "libtbb.so.12"),
        ("libtbb-0f3c1a2b.so.12.15", "libtbb.so.12"),
        ("libmkl_rt-0f3c1a2b.so.3", "libmkl_rt.so.3"),
        ("libmkl_rt.so.1", None),
        ("libtbb.so", None),
        ("libtbb_debug.so.12", None),
    ],
)
def test_a_copy_is_known_by_its_name(name: str, soname: str | None) -> None:
    row = provided_copy(name)
    assert (row.soname if row else None) == soname


def test_a_row_serves_its_architectures_only() -> None:
    assert provided("libmkl_rt.so.3", "x86_64") is not None
    assert provided("libmkl_rt.so.3", "aarch64") is None


def test_every_table_has_a_row_pins_and_releases_that_fit_the_row() -> None:
    spec = importlib.util.spec_from_file_location("generate_providers", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    pinned = {(pin.package, pin.version) for pin in generator.pins()}
    served = generator.served()
    for path in sorted((DATA / "symbols").glob("lib*.json")):
        document = json.loads(path.read_bytes())
        row = load_providers()[document["soname"]]
        assert document["soname"] in served[document["distribution"]]
        assert {(row.distribution, release) for release in document["releases"]} <= pinned
        assert row.first == min(document["releases"], key=Version)
        assert row.below is None or Version(max(document["releases"], key=Version)) < Version(
            row.below
        )


def test_a_file_of_the_specification_has_one_row_for_a_soname_and_names_others_that_exist() -> None:
    files = [json.loads(path.read_bytes()) for path in (DATA / "providers").glob("*.json")]
    sonames = [s for each in files for row in each["libraries"] for s in row["sonames"]]
    assert len(sonames) == len(set(sonames))
    after = {name for row in load_providers().values() for name in row.after}
    assert after <= {*sonames, "libgomp.so.1"}
