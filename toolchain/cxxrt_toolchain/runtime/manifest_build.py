"""Staged components to the manifest of the wheel that will carry them.

Every figure is read from the files; nothing in it is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from packaging.version import Version

from cxxrt_toolchain.abi.manifest import Component as ManifestComponent
from cxxrt_toolchain.abi.manifest import CudaRuntime, Library, Marker, RuntimeManifest
from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.elf.facts import Binding, SharedObject, SymbolType
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.facts.families import LIBSTDCXX, cuda_major
from cxxrt_toolchain.runtime.conformity import glibc_need, version_nodes
from cxxrt_toolchain.runtime.recipe import Cudart, Role, RuntimeRecipe

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.symbols import CudartSymbols, SymbolTables
    from cxxrt_toolchain.runtime.stage import StagedComponent, StagedLibrary


class AssemblyError(InputError):
    """The staged libraries do not make a runtime wheel."""


def build_manifest(
    recipe: RuntimeRecipe, arch: str, components: Sequence[StagedComponent], tables: SymbolTables
) -> RuntimeManifest:
    """Describe the wheel that these components make.

    `AssemblyError`: a library has another architecture, needs a newer glibc than promised, comes
    before one that it needs, or is a libcudart that the tables do not have.
    """
    vendored = [
        (component, library)
        for component in components
        for library in component.libraries
        if is_vendored(recipe, library)
    ]
    libraries = tuple(_library(component, library) for component, library in vendored)
    for each in libraries:
        if Version(each.glibc_floor) > Version(recipe.glibc_floor):
            raise AssemblyError(
                f"{each.soname} needs glibc {each.glibc_floor}, "
                f"the wheel promises {recipe.glibc_floor}."
            )
    _check_order(libraries)
    for _, library in vendored:
        if library.facts.machine != arch:
            raise AssemblyError(
                f"{library.soname} is for {library.facts.machine}, the wheel is for {arch}."
            )
    return RuntimeManifest(
        name=recipe.name,
        version=recipe.version,
        epoch=recipe.epoch,
        arch=arch,
        glibc_floor=recipe.glibc_floor,
        components=tuple(_component(recipe, component) for component in components),
        libraries=libraries,
        cudart=_cudart(recipe, components, tables),
    )


def is_vendored(recipe: RuntimeRecipe, library: StagedLibrary) -> bool:
    """Whether the file goes into the wheel: all do, unless NVIDIA's are depended on."""
    return recipe.cudart is Cudart.VENDOR or cuda_major(library.soname) is None


def markers(facts: SharedObject, namespace: str = "GLIBCXX") -> tuple[Marker, ...]:
    """One function for each version node of a namespace, newest first.

    ``dlsym`` of such a function tells whether the loaded library defines the node; of the node's
    own symbol it cannot, because that one is absolute with the value 0. So a marker is a plain
    function (no IFUNC, which ``dlsym`` would run), strong where there is one (a weak template
    instance is in other libraries too), exported under exactly one version (an older library has
    no function of that name). Among those the shortest name, then the first in order.
    """
    symbols = facts.symbols or ()
    versions: dict[str, set[str | None]] = {}
    for symbol in symbols:
        if symbol.defined:
            versions.setdefault(symbol.name, set()).add(symbol.version)
    best: dict[str, tuple[bool, int, str]] = {}
    for symbol in symbols:
        version = (symbol.version or "").removeprefix(f"{namespace}_")
        if (
            version == symbol.version
            or not version_tuple(version)
            or not (symbol.defined and symbol.default and symbol.visible)
            or symbol.type is not SymbolType.FUNC
            or symbol.binding not in (Binding.GLOBAL, Binding.WEAK)
            or len(versions[symbol.name]) > 1
        ):
            continue
        rank = (symbol.binding is Binding.WEAK, len(symbol.name), symbol.name)
        best[version] = min(best.get(version, rank), rank)
    newest_first = sorted(best, key=Version, reverse=True)
    return tuple(Marker(version=each, symbol=best[each][2]) for each in newest_first)


def _library(component: StagedComponent, library: StagedLibrary) -> Library:
    content = library.path.read_bytes()
    return Library(
        soname=library.soname,
        path=f"lib/{library.soname}",
        component=component.name,
        sha256=sha256(content).hexdigest(),
        size=len(content),
        needed=library.facts.needed,
        glibc_floor=glibc_need(library.facts) or "2.0",
        versions=version_nodes(library.facts),
        markers=markers(library.facts) if library.soname == LIBSTDCXX else (),
    )


def _component(recipe: RuntimeRecipe, component: StagedComponent) -> ManifestComponent:
    inside = tuple(each.soname for each in component.libraries if is_vendored(recipe, each))
    files = tuple(f"{component.name}/{file.name}" for file in component.license_files)
    return ManifestComponent(
        name=component.name,
        version=component.version,
        license=component.license,
        license_files=files if inside else (),
        libraries=inside,
    )


def _check_order(libraries: Sequence[Library]) -> None:
    place = {library.soname: index for index, library in enumerate(libraries)}
    if len(place) != len(libraries):
        raise AssemblyError("two components bring a library of the same SONAME.")
    for library in libraries:
        for needed in library.needed:
            if place.get(needed, -1) >= place[library.soname]:
                raise AssemblyError(
                    f"{library.soname} needs {needed}, which comes after it; "
                    "a recipe lists libraries in load order."
                )


def _cudart(
    recipe: RuntimeRecipe, components: Iterable[StagedComponent], tables: SymbolTables
) -> tuple[tuple[str, CudaRuntime], ...]:
    found: dict[int, CudaRuntime] = {}
    for component in components:
        for library in component.libraries:
            major = cuda_major(library.soname)
            if major is not None:
                found[major] = _cuda_runtime(recipe, component, library, tables.cudart.get(major))
    return tuple((str(major), found[major]) for major in sorted(found))


def _cuda_runtime(
    recipe: RuntimeRecipe,
    component: StagedComponent,
    library: StagedLibrary,
    table: CudartSymbols | None,
) -> CudaRuntime:
    version = Version(component.version)
    if table is None or version >= _after(table.releases[-1]):
        raise AssemblyError(
            f"the symbol tables do not know {library.soname} {version} yet.",
            "Add its wheel to abi-tag-spec/symbol-sources.toml and generate them again.",
        )
    exported = {each.name for each in library.facts.symbols or () if each.defined}
    first_seen = {
        symbol: str(release)
        for symbol, release in table.first_seen.items()
        if table.releases[0] < release <= version
    }
    if missing := sorted(first_seen.keys() - exported):
        raise AssemblyError(f"{library.soname} {version} lacks {missing[0]}, the tables have it.")
    return CudaRuntime(
        soname=library.soname,
        version=component.version,
        first_seen=tuple(sorted(first_seen.items())),
        requirement=None if is_vendored(recipe, library) else _requirement(component),
    )


def _after(release: Version) -> Version:
    """The CUDA release after one: every 12.9.x is below 12.10."""
    return Version(f"{release.major}.{release.minor + 1}")


def _requirement(component: StagedComponent) -> str:
    """The distribution that the component's file comes from, at least as new, same major."""
    package = next(each.package for each in component.inputs if each.role is Role.LIBRARY)
    version = Version(component.version)
    return f"{package}>={version},<{version.major + 1}"
