"""The libraries that the recipes make, judged by binutils instead of our own reader."""

from __future__ import annotations

import re
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.runtime.recipe import Role
from cxxrt_toolchain.runtime.recipe_reader import load_component, load_runtime, recipes_root
from cxxrt_toolchain.runtime.sources.fetch import cached_path
from cxxrt_toolchain.runtime.sources.unpack import unpack_deb
from cxxrt_toolchain.runtime.verify import load_figures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cxxrt_toolchain.runtime.stage import StagedComponent

pytestmark = [pytest.mark.runtime, pytest.mark.network]

BUILDS = [
    *(("gcc-runtime", "x86_64"), ("gcc-runtime", "aarch64"), ("gcc-runtime-16", "x86_64")),
    pytest.param("gcc-runtime-15", "x86_64", marks=pytest.mark.cold),
]
TOP = {
    "gcc-runtime": ("3.4.33", "1.3.15"),
    "gcc-runtime-15": ("3.4.34", "1.3.15"),
    "gcc-runtime-16": ("3.4.36", "1.3.17"),
}


def _readelf(readelf: str, option: str, path: Path) -> str:
    command = [readelf, "--wide", option, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _exports(readelf: str, path: Path) -> set[str]:
    """``name@version`` of every defined, visible dynamic symbol."""
    found = set()
    for line in _readelf(readelf, "--dyn-syms", path).splitlines():
        columns = re.sub(r"\[[^]]*\]", "", line).split()  # aarch64: "DEFAULT [VARIANT_PCS] 11"
        if len(columns) < 8 or not columns[0].rstrip(":").isdigit():
            continue
        _, _, _, _, binding, visibility, section, name = columns[:8]
        if binding != "LOCAL" and section != "UND" and visibility in ("DEFAULT", "PROTECTED"):
            found.add(name.replace("@@", "@"))
    return found


@pytest.mark.parametrize(("name", "arch"), BUILDS)
def test_every_library_of_the_recipe_is_there_under_its_soname(
    name: str, arch: str, staged: Callable[[str, str], StagedComponent], readelf: str
) -> None:
    expected = [library.soname for library in load_component(recipes_root(), name).for_arch(arch)]
    libraries = staged(name, arch).libraries
    assert [library.soname for library in libraries] == expected
    for library in libraries:
        assert library.path.name == library.soname
        assert f"[{library.soname}]" in _readelf(readelf, "--dynamic", library.path)


@pytest.mark.parametrize(("name", "arch"), BUILDS)
def test_no_library_needs_a_newer_glibc_than_the_floor(
    name: str,
    arch: str,
    staged: Callable[[str, str], StagedComponent],
    built: Callable[[str, str], Path],
    readelf: str,
) -> None:
    recorded = {row.soname: row.glibc for row in load_figures(built(name, arch))}
    for library in staged(name, arch).libraries:
        text = _readelf(readelf, "--version-info", library.path)
        needs = set(re.findall(r"Name: GLIBC_(\d[\d.]*)", text))
        highest = max(needs, key=version_tuple)
        assert version_tuple(highest) <= version_tuple(load_runtime(recipes_root()).glibc_floor), (
            library.soname
        )
        assert highest == recorded[library.soname]


@pytest.mark.parametrize(("name", "arch"), BUILDS)
def test_exported_symbols_are_a_superset_of_debians_build(
    name: str,
    arch: str,
    staged: Callable[[str, str], StagedComponent],
    readelf: str,
    downloads: Path,
    tmp_path: Path,
) -> None:
    libraries = staged(name, arch).libraries
    for pin in load_component(recipes_root(), name).inputs_for(arch, Role.REFERENCE):
        file = cached_path(pin, downloads)
        if not file.exists():
            pytest.skip(f"the build came from a cache without its inputs ({pin})")
        unpack_deb(file, tmp_path)
    compared = 0
    for library in libraries:
        (reference,) = {path.resolve() for path in tmp_path.rglob(library.soname)}
        theirs = _exports(readelf, reference)
        assert theirs <= _exports(readelf, library.path), library.soname
        compared += len(theirs)
    assert compared > 6000


@pytest.mark.parametrize(("name", "arch"), BUILDS)
def test_no_library_has_an_executable_stack_or_a_foreign_search_path(
    name: str, arch: str, staged: Callable[[str, str], StagedComponent], readelf: str
) -> None:
    for library in staged(name, arch).libraries:
        (stack,) = re.findall(
            r"GNU_STACK.*?(R\w*)\s", _readelf(readelf, "--program-headers", library.path)
        )
        assert stack == "RW", library.soname
        dynamic = _readelf(readelf, "--dynamic", library.path)
        assert re.findall(r"\((RPATH|RUNPATH)\).*\[(.*)\]", dynamic) == [("RPATH", "$ORIGIN")]


@pytest.mark.parametrize(("name", "arch"), BUILDS)
def test_no_library_holds_a_path_of_the_machine_that_built_it(
    name: str, arch: str, staged: Callable[[str, str], StagedComponent], downloads: Path
) -> None:
    cache = str(downloads.parent).encode()
    for library in staged(name, arch).libraries:
        content = library.path.read_bytes()
        assert cache not in content
        assert b"/.gcc-runtime" not in content


@pytest.mark.parametrize(("name", "arch"), BUILDS)
def test_libstdcxx_defines_the_versions_of_its_gcc(
    name: str, arch: str, staged: Callable[[str, str], StagedComponent], readelf: str
) -> None:
    (library,) = [x for x in staged(name, arch).libraries if x.soname == "libstdc++.so.6"]
    text = _readelf(readelf, "--version-info", library.path)
    for namespace, top in zip(("GLIBCXX", "CXXABI"), TOP[name], strict=True):
        versions = re.findall(rf"Name: {namespace}_(\d[\d.]*)", text)
        assert max(versions, key=version_tuple) == top


@pytest.mark.parametrize(("name", "arch"), BUILDS)
def test_libgcc_finds_unwind_tables_through_the_loader(
    name: str, arch: str, staged: Callable[[str, str], StagedComponent], readelf: str
) -> None:
    library = staged(name, arch).libraries[0]
    assert library.soname == "libgcc_s.so.1"
    text = _readelf(readelf, "--dyn-syms", library.path)
    assert re.search(r"UND (dl_iterate_phdr|_dl_find_object)", text)


@pytest.mark.parametrize("name", ["cudart12", "cudart13"])
@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_nvidias_libraries_are_the_bytes_of_nvidias_wheel(
    name: str, arch: str, staged: Callable[[str, str], StagedComponent], downloads: Path
) -> None:
    component = staged(name, arch)
    (library,) = component.libraries
    (pin,) = component.inputs
    (row,) = load_component(recipes_root(), name).for_arch(arch)
    with zipfile.ZipFile(cached_path(pin, downloads)) as wheel:
        assert wheel.read(row.member) == library.path.read_bytes()
    assert "NVIDIA" in component.license_files[0].read_text(encoding="utf-8")
