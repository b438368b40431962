"""Staged components to a wheel: its members, its texts, and what is refused."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from email.parser import Parser
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from cxxrt_toolchain.abi.manifest import RuntimeManifest
from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.runtime.assemble import assemble
from cxxrt_toolchain.runtime.baked import samples
from cxxrt_toolchain.runtime.recipe import Cudart, RuntimeRecipe
from cxxrt_toolchain.runtime.recipe_reader import load_component, load_runtime, recipes_root

if TYPE_CHECKING:
    from pathlib import Path

    from cxxrt_toolchain.runtime.stage import StagedComponent


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_the_perennial_tag_of_its_floor(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    wheel = assemble(recipe, "x86_64", components, tmp_path)
    assert wheel.name == "cxx11_cuda_runtime-1.14.0-py3-none-manylinux_2_17_x86_64.whl"
    assert wheel.parent == tmp_path


def test_the_manifest_is_made_of_the_files(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    members = contents(assemble(recipe, "x86_64", components, tmp_path))
    manifest = RuntimeManifest.from_json(members["cxx11_cuda_runtime/manifest.json"].decode())
    assert [each.soname for each in manifest.libraries] == [
        "libgcc_s.so.1",
        "libstdc++.so.6",
        "libcudart.so.12",
    ]
    for library in manifest.libraries:
        content = members[f"cxx11_cuda_runtime/{library.path}"]
        assert (library.sha256, library.size) == (sha256(content).hexdigest(), len(content))
    libstdcxx = manifest.library("libstdc++.so.6")
    assert libstdcxx is not None
    assert [each.symbol for each in libstdcxx.markers] == ["_Znew", "_Zold"]
    (major, cudart), *rest = manifest.cudart
    assert (major, cudart.version, rest) == ("12", "12.9.79", [])
    assert dict(cudart.first_seen)["cudaEventElapsedTime_v2"] == "12.8"
    assert "cudaMalloc" not in dict(cudart.first_seen)


def test_what_the_recipe_wants_beside_the_wheel_is_a_requirement(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    wanting = replace(recipe, requires=("cxx11-protobuf-runtime<36,>=35.1",))
    members = contents(assemble(wanting, "x86_64", components, tmp_path))
    text = members["cxx11_cuda_runtime-1.14.0.dist-info/METADATA"].decode()
    assert Parser().parsestr(text)["Requires-Dist"] == "cxx11-protobuf-runtime<36,>=35.1"


def test_the_loader_gets_the_constants_of_the_manifest(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    members = contents(assemble(recipe, "x86_64", components, tmp_path))
    source = members["cxx11_cuda_runtime/_baked.py"].decode()
    baked: dict[str, Any] = {}
    exec(compile(source, "_baked.py", "exec"), baked)  # noqa: S102 - our own generated module
    assert "import" not in source
    assert baked["VERSION"] == "1.14.0"
    assert baked["GLIBCXX"] == 33
    assert baked["MARKERS"] == ((33, "_Znew"), (0, "_Zold"))
    assert baked["LIBRARIES"] == ("libgcc_s.so.1", "libstdc++.so.6", "libcudart.so.12")
    release, first_seen = baked["CUDART"]["12"]
    assert release == "12.9"
    assert [each[0] for each in first_seen] == ["12.8", "12.5", "12.4", "12.3", "12.2", "12.1"]


def test_the_generated_constants_have_the_names_of_the_placeholder(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    members = contents(assemble(recipe, "x86_64", components, tmp_path))
    placeholder = recipes_root().parent / "toolchain" / "cxx11_cuda_runtime" / "_baked.py"
    generated = members["cxx11_cuda_runtime/_baked.py"].decode()
    assert _assigned(generated) == _assigned(placeholder.read_text(encoding="utf-8"))


def _assigned(source: str) -> set[str]:
    return set(re.findall(r"^([A-Z_]+)(?::[^=]+)? =", source, re.MULTILINE))


def test_every_source_of_the_loader_is_in_the_wheel(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    members = contents(assemble(recipe, "x86_64", components, tmp_path))
    source = recipes_root().parent / "toolchain" / "cxx11_cuda_runtime"
    wanted = {f"cxx11_cuda_runtime/{path.relative_to(source)}" for path in source.rglob("*.py")}
    wanted.remove("cxx11_cuda_runtime/_short.py")
    assert b"\ndef _serve(" in members["cxx11_cuda_runtime/__init__.py"]
    assert b'_quickly("_short")' not in members["cxx11_cuda_runtime/__init__.py"]
    assert wanted | {"cxx11_cuda_runtime/py.typed"} <= members.keys()
    assert not [name for name in members if "__pycache__" in name]


def test_linker_scripts_stand_for_symlinks(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    members = contents(assemble(recipe, "x86_64", components, tmp_path))
    lib = "cxx11_cuda_runtime/lib"
    assert members[f"{lib}/libstdc++.so"] == b"INPUT(libstdc++.so.6)\n"
    assert members[f"{lib}/libgcc_s.so"] == b"INPUT(libgcc_s.so.1 -lgcc)\n"
    assert members[f"{lib}/libcudart.so"] == b"INPUT(libcudart.so.12)\n"
    assert members[f"{lib}/cu12/libcudart.so"] == b"INPUT(../libcudart.so.12)\n"


def test_build_systems_find_every_library_and_no_absolute_path(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    members = contents(assemble(recipe, "x86_64", components, tmp_path))
    folder = "cxx11_cuda_runtime"
    config = members[f"{folder}/cmake/cxx11_cuda_runtimeConfig.cmake"].decode()
    for name in ("gcc_s", "stdcxx", "cudart12"):
        assert f"add_library(cxxrt::{name} SHARED IMPORTED)" in config
        text = members[f"{folder}/pkgconfig/cxxrt-{name}.pc"].decode()
        assert text.startswith("prefix=${pcfiledir}/..\n")
        assert "Version: 1.14.0\n" in text
    assert (
        "Requires.private: cxxrt-gcc_s\n" in members[f"{folder}/pkgconfig/cxxrt-stdcxx.pc"].decode()
    )
    texts = [body for name, body in members.items() if name.endswith((".pc", ".cmake"))]
    assert not [body for body in texts if str(tmp_path).encode() in body]


def test_metadata_follows_pep_639(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    members = contents(assemble(recipe, "x86_64", components, tmp_path))
    info = "cxx11_cuda_runtime-1.14.0.dist-info"
    metadata = Parser().parsestr(members[f"{info}/METADATA"].decode())
    assert metadata["Metadata-Version"] == "2.4"
    assert metadata["License-Expression"] == (
        "Apache-2.0 AND GPL-3.0-or-later WITH GCC-exception-3.1 AND LicenseRef-NVIDIA-Proprietary"
    )
    files = metadata.get_all("License-File")
    assert files == ["LICENSE", "gcc-runtime/COPYING3", "cudart12/License.txt"]
    assert all(members[f"{info}/licenses/{name}"] for name in files)
    assert metadata["Requires-Dist"] is None
    assert "libstdc++.so.6 | gcc-runtime 14.2.0 | GLIBCXX_3.4.33" in metadata.get_payload()


def test_the_bill_of_materials_names_inputs_without_a_host(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    members = contents(assemble(recipe, "x86_64", components, tmp_path))
    text = members["cxx11_cuda_runtime-1.14.0.dist-info/sboms/cxx11_cuda_runtime.cdx.json"]
    bill = json.loads(text)
    purls = [each["purl"] for row in bill["components"] for each in row["pedigree"]["ancestors"]]
    assert purls == [
        "pkg:deb/debian/g%2B%2B-14-source@14.2.0-19%2Bb1?arch=all",
        "pkg:pypi/nvidia-cuda-runtime-cu12@12.9.79",
    ]
    assert "timestamp" not in bill["metadata"]


def test_the_bills_references_all_resolve(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    members = contents(assemble(recipe, "x86_64", components, tmp_path))
    text = members["cxx11_cuda_runtime-1.14.0.dist-info/sboms/cxx11_cuda_runtime.cdx.json"]
    bill = json.loads(text)
    known = {bill["metadata"]["component"]["bom-ref"]}
    for component in bill["components"]:
        known |= {component["bom-ref"], *(each["bom-ref"] for each in component["components"])}
    used = {ref for row in bill["dependencies"] for ref in (row["ref"], *row["dependsOn"])}
    assert used == known


def test_depending_on_nvidia_leaves_its_files_out_and_requires_them(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    depending = replace(recipe, cudart=Cudart.DEPEND)
    members = contents(assemble(depending, "x86_64", components, tmp_path))
    info = "cxx11_cuda_runtime-1.14.0.dist-info"
    metadata = Parser().parsestr(members[f"{info}/METADATA"].decode())
    assert metadata["Requires-Dist"] == "nvidia-cuda-runtime-cu12>=12.9.79,<13"
    assert "NVIDIA" not in metadata["License-Expression"]
    assert not [name for name in members if "libcudart" in name or "License.txt" in name]
    manifest = RuntimeManifest.from_json(members["cxx11_cuda_runtime/manifest.json"].decode())
    assert dict(manifest.cudart)["12"].requirement == metadata["Requires-Dist"]
    assert manifest.library("libcudart.so.12") is None


def test_the_same_components_give_the_same_bytes(
    recipe: RuntimeRecipe, components: tuple[StagedComponent, ...], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    first = assemble(recipe, "x86_64", components, tmp_path).read_bytes()
    assert assemble(recipe, "x86_64", components, tmp_path / "other").read_bytes() == first


def test_the_published_release_is_in_the_specifications_list() -> None:
    """Bounds are computed from that list, so a new recipe version belongs into it."""
    recipe = load_runtime(recipes_root())
    listed = {str(each.version): each for each in load_symbol_tables().releases}[recipe.version]
    for name in recipe.components:
        component = load_component(recipes_root(), name)
        major = int(component.version.partition(".")[0])
        expected = listed.gcc if name.startswith("gcc") else listed.cudart[major]
        assert str(expected) == component.version


@pytest.mark.parametrize("size", [1, 8, 928, 5000, 200_000, 3_000_000])
@pytest.mark.parametrize("kept", [(0.0, 1.0), (0.5, 1.0), (0.0, 0.5), (0.3, 0.31)])
def test_samples_reach_from_the_beginning_to_the_end_and_are_never_zeros(
    size: int, kept: tuple[float, float]
) -> None:
    first, end = int(size * kept[0]), max(int(size * kept[0]) + 1, int(size * kept[1]))
    content = bytes(first) + bytes(1 + at % 255 for at in range(first, end)) + bytes(size - end)
    found = samples(content)
    assert all(any(piece) and content[at : at + 8] == piece for at, piece in found)
    assert found[0][0] in range(first - 7, first + 1)
    assert found[-1][0] in range(end - 8, end)
    assert len(found) <= 9
