"""Components that make no runtime wheel: one clear refusal each, nothing left behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.elf.facts import NeededVersion, SharedObject, Soname
from cxxrt_toolchain.runtime.assemble import assemble
from cxxrt_toolchain.runtime.manifest_build import AssemblyError

if TYPE_CHECKING:
    from pathlib import Path

    from cxxrt_toolchain.runtime.recipe import RuntimeRecipe
    from cxxrt_toolchain.runtime.stage import StagedComponent


def with_facts(component: StagedComponent, index: int, facts: SharedObject) -> StagedComponent:
    libraries = list(component.libraries)
    libraries[index] = replace(libraries[index], facts=facts)
    return replace(component, libraries=tuple(libraries))


def test_a_library_of_another_machine_is_refused(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    foreign = replace(components[0].libraries[1].facts, machine="aarch64")
    gcc = with_facts(components[0], 1, foreign)
    with pytest.raises(AssemblyError, match="is for aarch64, the wheel is for x86_64"):
        assemble(recipe, "x86_64", (gcc,), tmp_path)


def test_a_library_above_the_floor_is_refused(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    too_new = NeededVersion(soname=Soname("libc.so.6"), version="GLIBC_2.38")
    needing = replace(components[0].libraries[1].facts, version_needs=(too_new,))
    gcc = with_facts(components[0], 1, needing)
    with pytest.raises(AssemblyError, match=r"needs glibc 2\.38, the wheel promises 2\.17"):
        assemble(recipe, "x86_64", (gcc,), tmp_path)


def test_a_library_before_one_that_it_needs_is_refused(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    gcc = replace(components[0], libraries=components[0].libraries[::-1])
    with pytest.raises(AssemblyError, match=r"needs libgcc_s\.so\.1, which comes after it"):
        assemble(recipe, "x86_64", (gcc,), tmp_path)


def test_one_soname_from_two_components_is_refused(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    twin = replace(components[0], name="twin")
    with pytest.raises(AssemblyError, match="of the same SONAME"):
        assemble(recipe, "x86_64", (components[0], twin), tmp_path)


def test_a_libcudart_that_the_tables_do_not_know_is_refused(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    future = replace(components[1], version="12.99.1")
    with pytest.raises(AssemblyError, match=r"do not know libcudart\.so\.12 12\.99\.1 yet"):
        assemble(recipe, "x86_64", (components[0], future), tmp_path)


def test_a_libcudart_that_contradicts_the_tables_is_refused(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    hollow = with_facts(components[1], 0, replace(components[1].libraries[0].facts, symbols=()))
    with pytest.raises(AssemblyError, match=r"12\.9\.79 lacks cuda\w+, the tables have it"):
        assemble(recipe, "x86_64", (components[0], hollow), tmp_path)


def test_a_failed_assembly_leaves_nothing(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    components[1].libraries[0].path.unlink()
    with pytest.raises(FileNotFoundError):
        assemble(recipe, "x86_64", components, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
