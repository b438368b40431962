"""Components of a runtime, ready to be put into a wheel: checked files on disk.

A component with build steps is built, another is taken out of its wheel; either happens once per
content.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.runtime.build import BuildOrder, build
from cxxrt_toolchain.runtime.recipe import Component, Input, Kind, Library, Role, RuntimeRecipe
from cxxrt_toolchain.runtime.recipe_reader import compiler_component, load_host_tools, recipes_root
from cxxrt_toolchain.runtime.sources.cache import Cache, locked, new_folder
from cxxrt_toolchain.runtime.sources.fetch import Downloader, fetch
from cxxrt_toolchain.runtime.sources.seal import is_intact, seal
from cxxrt_toolchain.runtime.sources.unpack import unpack_wheel
from cxxrt_toolchain.runtime.verify import load_figures, read_library, verify_build

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import SharedObject, Soname
    from cxxrt_toolchain.runtime.conformity import Figures
    from cxxrt_toolchain.runtime.progress import Progress
    from cxxrt_toolchain.runtime.sources.bundle import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedLibrary:
    """One library file, named by its SONAME."""

    soname: Soname
    path: Path
    facts: SharedObject
    """Read with its symbols."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedComponent:
    """One component for one architecture."""

    name: str
    version: str
    license: str
    license_files: tuple[Path, ...]
    libraries: tuple[StagedLibrary, ...]
    """In load order: a library comes after those that it needs."""
    link_names: tuple[tuple[str, Soname], ...]
    """What follows ``-l`` on a link line, and the library that it means."""
    inputs: tuple[Input, ...]
    files: tuple[tuple[str, Path], ...] = ()
    """Path in the package and file, of a provider's wheel; sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """The cache, the clients and the progress lines that staging uses."""

    cache: Cache
    clients: Mapping[Kind, Downloader]
    jobs: int
    progress: Progress
    bundle: Bundle | None = None
    """Taken instead of what the clients fetch, and its recipes instead of the toolchain's own."""
    compiler: Path | None = None
    """The g++ of a runtime's build, for the steps of a provider; None for a runtime."""

    @property
    def recipes(self) -> Path:
        """The folder of the recipes."""
        return self.bundle.recipes if self.bundle else recipes_root()

    def fetch(self, items: tuple[Input, ...]) -> dict[Input, Path]:
        """Verified files of inputs."""
        if self.bundle is not None:
            return {item: self.bundle.files[item] for item in items}
        with self.progress.step("inputs"):
            return fetch(
                items,
                downloads=self.cache.downloads,
                downloaders=self.clients,
                progress=self.progress,
            )


def stage(component: Component, arch: str, glibc_floor: str, workshop: Workshop) -> StagedComponent:
    """Get a component's libraries: from the cache, by building, or out of a wheel.

    `InputError`: an input is not what its pin or recipe says; `MissingToolError`: it cannot be
    fetched or built here; `StepFailedError`: a step failed, or its result breaks a promise.
    """
    if component.built:
        folder = built_folder(component, arch, glibc_floor, workshop)
    else:
        folder = _unpacked_folder(component, arch, workshop)
    libraries = tuple(
        StagedLibrary(
            soname=library.soname,
            path=folder / "lib" / library.soname,
            facts=read_library(folder / "lib" / library.soname),
        )
        for library in component.for_arch(arch)
    )
    return StagedComponent(
        name=component.name,
        version=component.version,
        license=component.license,
        license_files=tuple(
            folder / "licenses" / Path(name).name for name in component.license_files
        ),
        libraries=libraries,
        link_names=tuple((item.link_name, item.soname) for item in component.for_arch(arch)),
        inputs=component.inputs_for(arch),
        files=tuple(
            (path.relative_to(folder).as_posix(), path)
            for name in component.files
            for path in sorted((folder / name).rglob("*"))
            if path.is_file()
        ),
    )


def find_compiler(recipe: RuntimeRecipe, arch: str, workshop: Workshop) -> Path:
    """The g++ that builds a runtime's libraries; `UsageError` if no component of it has one."""
    component = compiler_component(workshop.recipes, recipe)
    return built_folder(component, arch, recipe.glibc_floor, workshop) / "compiler" / "g++"


def built_folder(component: Component, arch: str, glibc_floor: str, workshop: Workshop) -> Path:
    """The finished build of a component: ``lib``, ``licenses`` and what the recipe keeps."""
    return build(
        _order(component, arch, glibc_floor, workshop),
        builds=workshop.cache.builds,
        jobs=workshop.jobs,
        fetch=workshop.fetch,
        verify=partial(verify_build, component=component, arch=arch, floor=glibc_floor),
        progress=workshop.progress,
    )


def built_figures(
    component: Component, arch: str, glibc_floor: str, workshop: Workshop
) -> tuple[Figures, ...]:
    """Figures of a component that is built in the cache; empty where it is not."""
    if not component.built:
        return ()
    folder = workshop.cache.builds / _order(component, arch, glibc_floor, workshop).folder_name
    return load_figures(folder) if is_intact(folder) else ()


def _order(component: Component, arch: str, glibc_floor: str, workshop: Workshop) -> BuildOrder:
    tools = load_host_tools(workshop.recipes)
    return BuildOrder(
        component=component,
        arch=arch,
        glibc=glibc_floor,
        host_tools=tools,
        compiler=workshop.compiler,
    )


def _unpacked_folder(component: Component, arch: str, workshop: Workshop) -> Path:
    """Libraries and licences out of the one wheel that an architecture has."""
    pins = component.inputs_for(arch, Role.LIBRARY)
    if len(pins) != 1 or pins[0].kind is not Kind.PYPI:
        raise InputError(f"{component.name}: needs exactly one wheel for {arch}.")
    final = workshop.cache.builds / f"{component.name}-{arch}-{pins[0].sha256[:16]}"
    wheel = workshop.fetch(pins)[pins[0]]  # compared with its pin
    members = [library.member for library in component.for_arch(arch)]
    members += component.license_files
    with locked(final):
        if not is_intact(final, workshop.progress, (wheel, members)):
            shutil.rmtree(final, ignore_errors=True)
            with new_folder(final) as work:
                unpack_wheel(wheel, work / "wheel")
                for library in component.for_arch(arch):
                    _move(work, library.member, "lib", pins[0])
                    _check_wheel_library(work, library, arch)
                for name in component.license_files:
                    _move(work, name, "licenses", pins[0])
                shutil.rmtree(work / "wheel")
                seal(work)
    return final


def _move(work: Path, member: str, folder: str, pin: Input) -> None:
    source = work / "wheel" / member
    if not source.is_file():
        raise InputError(f"{pin}: the wheel has no {member}.")
    (work / folder).mkdir(exist_ok=True)
    source.replace(work / folder / source.name)


def _check_wheel_library(work: Path, library: Library, arch: str) -> None:
    facts = read_library(work / "lib" / library.soname)
    if (facts.soname, facts.machine) != (library.soname, arch):
        raise InputError(
            f"{library.member} is {facts.soname} for {facts.machine}, "
            f"not {library.soname} for {arch}."
        )
