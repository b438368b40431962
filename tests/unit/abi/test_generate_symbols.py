"""How the symbol tables are derived from what was observed, and when that is refused."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Build = Callable[..., object]

SCRIPT = Path(__file__).parents[3] / "abi-tag-spec" / "generate_symbols.py"
SONAME = "libstdc++.so.6"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("generate_symbols", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def build(generator: ModuleType) -> Build:
    """Makes an observation: GCC's version, nodes, what the symbols file says."""

    def observation(gcc: str, nodes: str, **dated: str) -> object:
        return generator.Observation(
            soname=SONAME,
            architecture="amd64",
            gcc=Version(gcc),
            nodes=frozenset(nodes.split()),
            introduced={node: Version(version) for node, version in dated.items()},
        )

    return observation


def test_the_manual_wins_over_the_symbols_file(generator: ModuleType, build: Build) -> None:
    builds = [build("10.2.1", "A"), build("12.2.0", "A B C", A="10", B="12", C="12")]
    found = generator.first_releases(builds, {"B": Version("11.1.0"), "A": Version("9.3.0")})
    assert found == {SONAME: {"A": Version("9.3.0"), "B": Version("11.1.0"), "C": Version("12")}}


def test_a_date_before_a_build_that_lacks_the_node_is_refused(
    generator: ModuleType, build: Build
) -> None:
    builds = [build("10.2.1", "A", A="9"), build("12.2.0", "A B", A="9", B="12")]
    with pytest.raises(generator.SourcesDisagreeError, match="has B, dated 10; GCC 10 lacks it"):
        generator.first_releases(builds, {"B": Version("10")})


def test_a_date_after_a_build_that_has_the_node_is_refused(
    generator: ModuleType, build: Build
) -> None:
    builds = [build("10.2.1", "A", A="12"), build("12.2.0", "A", A="12")]
    with pytest.raises(generator.SourcesDisagreeError, match="has A, dated 12"):
        generator.first_releases(builds, {})


def test_a_node_that_nothing_dates_is_refused(generator: ModuleType, build: Build) -> None:
    with pytest.raises(generator.SourcesDisagreeError, match="no source dates A"):
        generator.first_releases([build("10.2.1", "A")], {})


def test_libcudart_symbols_go_to_the_release_that_added_them(generator: ModuleType) -> None:
    exports = {
        Version("12.0.107"): frozenset("ab"),
        Version("12.0.146"): frozenset("ab"),
        Version("12.8.57"): frozenset("abdc"),
        Version("12.10.1"): frozenset("abdc"),
    }
    assert generator.cudart_releases(exports) == {
        "12.0": ["a", "b"],
        "12.8": ["c", "d"],
        "12.10": [],
    }


@pytest.mark.parametrize(("second", "symbols"), [("12.1.0", "a"), ("12.0.2", "abc")])
def test_dropped_symbols_and_releases_that_differ_within_are_refused(
    generator: ModuleType, second: str, symbols: str
) -> None:
    exports = {Version("12.0.1"): frozenset("ab"), Version(second): frozenset(symbols)}
    with pytest.raises(generator.SourcesDisagreeError, match=second):
        generator.cudart_releases(exports)


def test_the_pins_cover_every_table_and_name_no_node_twice(generator: ModuleType) -> None:
    pins, documented = generator.read_sources()
    wheels = {Version(pin.version).major for pin in pins if pin.kind is generator.Kind.PYPI}
    tables = {p.name for p in generator.TABLES.glob("*.json") if not p.name.startswith("lib")}
    assert tables == {"gcc-runtime.json", *(f"cudart{major}.json" for major in wheels)}
    listed = SCRIPT.with_name("symbol-sources.toml").read_text(encoding="utf-8")
    assert all(listed.count(f'"{node}"') == 1 for node in documented)


def test_a_node_of_one_architecture_is_listed_with_it(generator: ModuleType) -> None:
    builds = [
        generator.Observation(
            soname=SONAME,
            architecture=name,
            gcc=Version("12.2.0"),
            nodes=frozenset(nodes.split()),
            introduced={},
        )
        for name, nodes in (("amd64", "A_1 B_1"), ("arm64", "A_1 C_1"))
    ]
    dates = {node: Version("12") for node in ("A_1", "B_1", "C_1")}
    tables = generator.first_releases(builds, dates)
    assert set(tables[SONAME]) == {"A_1", "B_1", "C_1"}
    assert generator.partial_nodes(builds, tables) == {
        SONAME: {"B_1": ["x86_64"], "C_1": ["aarch64"]}
    }
