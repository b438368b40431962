"""A provider's wheel from its recipe: libraries, what a build finds them by, what they require.

Its package holds no code: the wheels that use it open the libraries by the rows that their build
wrote into them. The same recipe gives the same bytes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.bounds import requirement_text
from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.runtime.assemble import SMALLEST, dist_info
from cxxrt_toolchain.runtime.buildfiles import link_targets, linker_scripts
from cxxrt_toolchain.runtime.distinfo import platform_tag
from cxxrt_toolchain.runtime.manifest_build import AssemblyError, build_manifest
from cxxrt_toolchain.runtime.recipe_reader import load_component, load_runtime
from cxxrt_toolchain.runtime.stage import built_figures, find_compiler, stage
from cxxrt_toolchain.wheel.writer import NewMember, write_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cxxrt_toolchain.abi.manifest import RuntimeManifest
    from cxxrt_toolchain.runtime.recipe import RuntimeRecipe
    from cxxrt_toolchain.runtime.stage import StagedComponent, Workshop


def build_provider(recipe: RuntimeRecipe, arch: str, workshop: Workshop, dest: Path) -> Path:
    """Build the wheel of a provider for an architecture, into a folder made if missing."""
    dest.mkdir(parents=True, exist_ok=True)  # before minutes of building
    root, floor = workshop.recipes, recipe.glibc_floor
    components = [load_component(root, name) for name in recipe.components]
    compiler = find_compiler(load_runtime(root, recipe.compiler), arch, workshop)
    workshop = replace(workshop, compiler=compiler)
    staged = [stage(each, arch, floor, workshop) for each in components]
    for component in components:
        for row in built_figures(component, arch, floor, workshop):
            workshop.progress.note(str(row))
    with workshop.progress.step("wheel"):
        return assemble(recipe, arch, staged, dest)


def assemble(
    recipe: RuntimeRecipe, arch: str, components: Sequence[StagedComponent], dest: Path
) -> Path:
    """Write the wheel of components in load order; `AssemblyError`: they do not make one."""
    tables = load_symbol_tables()
    manifest = build_manifest(recipe, arch, components, tables)
    for library in manifest.libraries:
        if not library.soname.endswith(f".so.{recipe.line}"):
            raise AssemblyError(f"{library.soname} does not end in the line, .so.{recipe.line}.")
    facts = [library.facts for each in components for library in each.libraries]
    needs = ((need.soname, need.version) for each in facts for need in each.version_needs)
    runtime = requirement_text(tables, needs, {}, epoch=recipe.epoch)
    requires = (*([runtime] if runtime else []), *recipe.requires)
    members = [
        *_package(recipe.package, manifest, components),
        *dist_info(recipe, manifest, components, requires),
    ]
    name = f"{recipe.package}-{manifest.version}-py3-none-{platform_tag(manifest)}.whl"
    return write_wheel(dest, name, members, level=SMALLEST)


def _package(
    package: str, manifest: RuntimeManifest, components: Sequence[StagedComponent]
) -> Iterator[NewMember]:
    docstring = f'"""{manifest.name}: libraries and headers, no code; see manifest.json."""\n'
    yield NewMember(f"{package}/__init__.py", docstring.encode())
    yield NewMember(f"{package}/manifest.json", manifest.to_json().encode())
    for component in components:
        for library in component.libraries:
            content = library.path.read_bytes()
            yield NewMember(f"{package}/lib/{library.soname}", content, executable=True)
        for inside, path in component.files:
            yield NewMember(f"{package}/{inside}", path.read_bytes())
    link_names = [name for component in components for name in component.link_names]
    for name, text in linker_scripts(link_targets(manifest, link_names)).items():
        yield NewMember(f"{package}/{name}", text.encode())
