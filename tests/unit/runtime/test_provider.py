"""Recipes of providers: what is read and refused, and what the wheel is made of."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from email.parser import Parser
from typing import TYPE_CHECKING

import pytest
from recipe_texts import RUNTIME

from cxxrt_toolchain.elf.facts import NeededVersion, Soname
from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.runtime.manifest_build import AssemblyError
from cxxrt_toolchain.runtime.provider.wheel import assemble
from cxxrt_toolchain.runtime.recipe import Input, Kind, Role
from cxxrt_toolchain.runtime.recipe_reader import (
    load_component,
    load_provider,
    provider_names,
    recipes_root,
)

if TYPE_CHECKING:
    from pathlib import Path

    from cxxrt_toolchain.runtime.recipe import RuntimeRecipe
    from cxxrt_toolchain.runtime.stage import StagedComponent

PROVIDER = """
name = "cxx11-thing-1.2"
version = "1.2.0"
line = "1.2"
summary = "A thing"
glibc-floor = "2.17"
compiler = "runtime"
components = ["thing"]
requires = ['tool==1.2; extra == "tool"']
"""
SDIST = Input(
    kind=Kind.PYPI,
    package="thing",
    version="1.2",
    architecture="sdist",
    sha256="c" * 64,
    role=Role.SOURCE,
)


def _provider(root: Path, text: str) -> RuntimeRecipe:
    (root / "providers").mkdir()
    (root / "runtime.toml").write_text(RUNTIME)
    (root / "providers" / "thing.toml").write_text(text)
    return load_provider(root, "thing")


def test_a_provider_has_its_line_and_the_epoch_of_its_compilers_runtime(tmp_path: Path) -> None:
    recipe = _provider(tmp_path, PROVIDER)
    assert (recipe.line, recipe.epoch, recipe.package) == ("1.2", 1, "cxx11_thing_1_2")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"1.2.0"', '"1.3.0"', r"thing\.toml: version must be"),
        ('"cxx11-thing-1.2"', '"cxx11-thing"', r"thing\.toml: name must be"),
        ('line = "1.2"', 'line = "new"', r"thing\.toml: line must be"),
        ('line = "1.2"', 'epoch = 1\nline = "1.2"', r"thing\.toml: epoch is not a key"),
        ('"runtime"', '"runtime-99"', r"no runtime recipe 'runtime-99' exists.*Known: runtime"),
        ('summary = "A thing"\n', "", r"thing\.toml: summary is missing"),
        ("'tool==1.2; extra", "'tool=1.2; extra", r"thing\.toml: requires\[0\]: "),
    ],
)
def test_a_wrong_key_of_a_provider_is_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"(?s){message}"):
        _provider(tmp_path, PROVIDER.replace(old, new))


def test_an_unknown_provider_lists_the_known_ones(tmp_path: Path) -> None:
    _provider(tmp_path, PROVIDER)
    with pytest.raises(ConfigError, match=r"no recipe of a provider 'x' exists") as caught:
        load_provider(tmp_path, "x")
    assert "Known: thing." in str(caught.value)


@pytest.mark.parametrize("name", provider_names(recipes_root()))
def test_a_published_recipe_builds_every_architecture_in_its_namespace(name: str) -> None:
    recipe = load_provider(recipes_root(), name)
    for component in (load_component(recipes_root(), each) for each in recipe.components):
        for arch in ("x86_64", "aarch64"):
            sonames = [each.soname for each in component.for_arch(arch)]
            assert sonames
            assert all(each.endswith(f".so.{recipe.line}") for each in sonames)
            assert component.inputs_for(arch, Role.SOURCE)
        assert component.namespace == f"cxxrt_{recipe.line.replace('.', '_')}"


@pytest.fixture
def component(components: tuple[StagedComponent, ...], tmp_path: Path) -> StagedComponent:
    """A library that needs libstdc++, with a header."""
    (tmp_path / "thing.h").write_text("// thing\n")
    return _named(components[0], "libthing_cxxrt.so.1.2", tmp_path)


def _named(base: StagedComponent, soname: str, folder: Path) -> StagedComponent:
    needs = (NeededVersion(soname=Soname("libstdc++.so.6"), version="GLIBCXX_3.4.32"),)
    found = replace(
        base.libraries[0].facts,
        soname=Soname(soname),
        needed=(Soname("libstdc++.so.6"),),
        version_needs=needs,
        symbols=(),
    )
    library = replace(base.libraries[0], soname=Soname(soname), facts=found)
    return replace(
        base,
        name="thing",
        license="MIT",
        libraries=(library,),
        link_names=(("thing", Soname(soname)),),
        inputs=(SDIST,),
        files=(("include/thing.h", folder / "thing.h"),),
    )


def test_the_wheel_has_libraries_headers_manifest_bound_and_extra(
    component: StagedComponent, tmp_path: Path
) -> None:
    for folder in ("r", "out", "again"):
        (tmp_path / folder).mkdir()
    wheel = assemble(_provider(tmp_path / "r", PROVIDER), "x86_64", [component], tmp_path / "out")
    assert wheel.name == "cxx11_thing_1_2-1.2.0-py3-none-manylinux_2_17_x86_64.whl"
    with zipfile.ZipFile(wheel) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert members["cxx11_thing_1_2/lib/libthing.so"] == b"INPUT(libthing_cxxrt.so.1.2)\n"
    assert members["cxx11_thing_1_2/include/thing.h"] == b"// thing\n"
    manifest = json.loads(members["cxx11_thing_1_2/manifest.json"])
    assert [each["soname"] for each in manifest["libraries"]] == ["libthing_cxxrt.so.1.2"]
    info = "cxx11_thing_1_2-1.2.0.dist-info"
    metadata = Parser().parsestr(members[f"{info}/METADATA"].decode())
    assert metadata.get_all("Requires-Dist") == [
        *("cxx11-cuda-runtime<2,>=1.13", 'tool==1.2; extra == "tool"')
    ]
    assert (metadata["Provides-Extra"], metadata["Summary"]) == ("tool", "A thing")
    assert metadata["License-Expression"] == "Apache-2.0 AND MIT"
    assert b"cxx11_thing_1_2 = cxx11_thing_1_2\n" in members[f"{info}/entry_points.txt"]
    assert b"pkg:pypi/thing@1.2" in members[f"{info}/sboms/cxx11_thing_1_2.cdx.json"]
    assert (
        assemble(
            load_provider(tmp_path / "r", "thing"), "x86_64", [component], tmp_path / "again"
        ).read_bytes()
        == wheel.read_bytes()
    )


def test_a_library_outside_of_the_line_is_refused(
    component: StagedComponent, tmp_path: Path
) -> None:
    (tmp_path / "r").mkdir()
    other = _named(component, "libthing_cxxrt.so.1.3", tmp_path)
    with pytest.raises(AssemblyError, match=r"does not end in the line, \.so\.1\.2"):
        assemble(_provider(tmp_path / "r", PROVIDER), "x86_64", [other], tmp_path)
    assert not list(tmp_path.glob("*.whl"))
