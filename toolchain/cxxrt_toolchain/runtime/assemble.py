"""Staged components to the runtime wheel, through `wheel.writer`.

The same components give the same bytes, whatever the folder, umask, time zone or locale. Changes no
library: NVIDIA's licence forbids it, and GCC's are finished when they are staged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

import cxxrt_toolchain
from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.host.runtime_folder import PACKAGE
from cxxrt_toolchain.runtime.anchor import ANCHOR, anchor, anchors_of
from cxxrt_toolchain.runtime.baked import (
    baked_source,
    filled_init,
    filled_short,
    joined,
    served_alone,
)
from cxxrt_toolchain.runtime.buildfiles import build_files, link_targets
from cxxrt_toolchain.runtime.distinfo import (
    ANY,
    core_metadata,
    entry_points,
    license_expression,
    platform_tag,
)
from cxxrt_toolchain.runtime.manifest_build import build_manifest
from cxxrt_toolchain.runtime.recipe_reader import load_component, recipes_root
from cxxrt_toolchain.runtime.sbom import bill_of_materials
from cxxrt_toolchain.runtime.stage import StagedComponent, Workshop, built_figures, stage
from cxxrt_toolchain.wheel.metadata import WheelFile
from cxxrt_toolchain.wheel.writer import NewMember, write_wheel

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.manifest import RuntimeManifest
    from cxxrt_toolchain.runtime.recipe import RuntimeRecipe

_GENERATED = "_baked.py"
"""The module that is generated from the manifest, not copied from the source tree."""
_FILLED = {"__init__.py": filled_init, "_short.py": filled_short}
"""The modules in which the build fills in figures, and which it joins to the first."""
SMALLEST = 9
"""zlib's level: the wheel is written once and downloaded often."""


def build_wheel(recipe: RuntimeRecipe, arch: str, workshop: Workshop, dest: Path) -> Path:
    """Build the runtime wheel of a recipe for an architecture, into a folder made if missing.

    For `ANY` it is the loader alone, which does nothing where it finds no library to serve: musl,
    macOS and the rest have a wheel to install, so that a requirement on the runtime has no marker.
    """
    dest.mkdir(parents=True, exist_ok=True)  # before minutes of building
    if arch == ANY:
        return assemble(recipe, arch, (), dest)
    components = [load_component(workshop.recipes, name) for name in recipe.components]
    staged = [stage(each, arch, recipe.glibc_floor, workshop) for each in components]
    for component in components:
        for row in built_figures(component, arch, recipe.glibc_floor, workshop):
            workshop.progress.note(str(row))
    with workshop.progress.step("wheel"):
        return assemble(recipe, arch, staged, dest)


def assemble(
    recipe: RuntimeRecipe, arch: str, components: Sequence[StagedComponent], dest: Path
) -> Path:
    """Write the wheel of components in load order, for `ANY` of none.

    Raises `AssemblyError`: they do not make one.
    """
    manifest = build_manifest(recipe, arch, components, load_symbol_tables())
    tag = f"py3-none-{platform_tag(manifest)}"
    stem = f"{PACKAGE}-{manifest.version}"
    members = [
        *_package(manifest, components),
        *dist_info(recipe, manifest, components, recipe.requires),
    ]
    return write_wheel(dest, f"{stem}-{tag}.whl", members, level=SMALLEST)


def loader_source() -> Path:
    """The folder of the loader's source: a checkout's, or the installed copy."""
    package = Path(cxxrt_toolchain.__file__).parent
    installed = package / "_loader"
    return installed if installed.is_dir() else package.parent / PACKAGE


def _package(
    manifest: RuntimeManifest, components: Sequence[StagedComponent]
) -> Iterator[NewMember]:
    source = loader_source()
    for file in sorted(source.rglob("*")):
        inside = file.relative_to(source)
        if file.suffix in (".py", ".typed") and str(inside) not in (_GENERATED, *_FILLED):
            yield NewMember(f"{PACKAGE}/{inside.as_posix()}", file.read_bytes())
    staged = (each for component in components for each in component.libraries)
    paths = {str(each.soname): each.path for each in staged}
    contents = {each.soname: paths[each.soname].read_bytes() for each in manifest.libraries}
    if manifest.arch == ANY:
        for name in _FILLED:
            yield NewMember(f"{PACKAGE}/{name}", (source / name).read_bytes())
        yield NewMember(f"{PACKAGE}/{_GENERATED}", baked_source(manifest, {}).encode())
        return
    files = {**contents, ANCHOR: anchor(manifest.arch)}
    package, short = (
        filled((source / name).read_text(encoding="utf-8"), manifest, files)
        for name, filled in _FILLED.items()
    )
    yield NewMember(f"{PACKAGE}/__init__.py", joined(package, short).encode())
    yield NewMember(f"{PACKAGE}/{ANCHOR}", anchor(manifest.arch), executable=True)
    for soname in served_alone(manifest):
        for name, elsewhere in anchors_of(soname).items():
            content = anchor(manifest.arch, name, (soname,), elsewhere)
            yield NewMember(f"{PACKAGE}/{name}", content, executable=True)
    yield NewMember(f"{PACKAGE}/{_GENERATED}", baked_source(manifest, contents).encode())
    yield NewMember(f"{PACKAGE}/manifest.json", manifest.to_json().encode())
    for library in manifest.libraries:
        yield NewMember(f"{PACKAGE}/{library.path}", paths[library.soname], executable=True)
    link_names = [name for component in components for name in component.link_names]
    for name, text in build_files(manifest, link_targets(manifest, link_names)).items():
        yield NewMember(f"{PACKAGE}/{name}", text.encode())


def dist_info(
    recipe: RuntimeRecipe,
    manifest: RuntimeManifest,
    components: Sequence[StagedComponent],
    requires: Sequence[str],
) -> Iterator[NewMember]:
    """The members of the ``.dist-info`` of a recipe's wheel; `requires` are its Requires-Dist."""
    folder = f"{recipe.package}-{manifest.version}.dist-info"
    licenses = dict(_licenses(manifest, components))
    file = "providers/description.md" if recipe.line else "description.md"
    description = (recipes_root() / file).read_text(encoding="utf-8")
    metadata = core_metadata(manifest, licenses, description, requires, recipe.summary)
    wheel = WheelFile(
        generator=f"cxxrt-toolchain {cxxrt_toolchain.__version__}",
        root_is_purelib=manifest.arch == ANY,
        tags=(f"py3-none-{platform_tag(manifest)}",),
    )
    yield NewMember(f"{folder}/METADATA", metadata.encode())
    yield NewMember(f"{folder}/WHEEL", str(wheel).encode())
    for name, content in licenses.items():
        yield NewMember(f"{folder}/licenses/{name}", content)
    if manifest.arch == ANY:
        return
    bill = bill_of_materials(manifest, components, license_expression(manifest))
    yield NewMember(f"{folder}/entry_points.txt", entry_points(recipe.package).encode())
    yield NewMember(f"{folder}/sboms/{recipe.package}.cdx.json", bill.encode())


def _licenses(
    manifest: RuntimeManifest, components: Sequence[StagedComponent]
) -> Iterator[tuple[str, bytes]]:
    """Member below ``licenses/`` and text: the loader's, then those of each vendored component."""
    yield "LICENSE", _own_license()
    inside = {each.name for each in manifest.components if each.libraries}
    for component in components:
        for file in component.license_files if component.name in inside else ():
            yield f"{component.name}/{file.name}", file.read_bytes()


def _own_license() -> bytes:
    """The Apache text: a checkout's, or the one that is installed with the toolchain."""
    checkout = recipes_root().parent / "LICENSE"
    if checkout.is_file():
        return checkout.read_bytes()
    try:
        files = distribution("cxxrt-toolchain").files or ()
        installed = next(each for each in files if each.match("licenses/LICENSE"))
    except (PackageNotFoundError, StopIteration):
        raise InputError(
            "the toolchain's own LICENSE is not installed with it.", "Install it with pip."
        ) from None
    return installed.read_binary()
