"""Components as staging hands them over, without a compiler: facts by hand, contents made up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.elf.facts import Binding, DynamicSymbol, SharedObject, Soname, SymbolType
from cxxrt_toolchain.runtime.recipe import Input, Kind, Role, RuntimeRecipe
from cxxrt_toolchain.runtime.stage import StagedComponent, StagedLibrary

if TYPE_CHECKING:
    from pathlib import Path

GCC_INPUT = Input(
    kind=Kind.DEBIAN,
    package="g++-14-source",
    version="14.2.0-19+b1",
    architecture="all",
    sha256="a" * 64,
    source="gcc-14",
    role=Role.SOURCE,
)
CUDA_INPUT = Input(
    kind=Kind.PYPI,
    package="nvidia-cuda-runtime-cu12",
    version="12.9.79",
    architecture="manylinux2014_x86_64",
    sha256="b" * 64,
)


def function(name: str, version: str) -> DynamicSymbol:
    return DynamicSymbol(
        name=name,
        version=version,
        soname=None,
        defined=True,
        default=True,
        binding=Binding.GLOBAL,
        type=SymbolType.FUNC,
        visible=True,
        size=8,
        address=64,
    )


def facts(
    soname: str,
    *needed: str,
    defines: tuple[str, ...] = (),
    symbols: tuple[DynamicSymbol, ...] = (),
) -> SharedObject:
    return SharedObject(
        bits=64,
        little_endian=True,
        machine="x86_64",
        kind="dyn",
        soname=Soname(soname),
        needed=tuple(Soname(each) for each in needed),
        rpath=None,
        runpath=None,
        version_needs=(),
        version_definitions=defines,
        executable_stack=False,
        static_tls=False,
        symbols=symbols,
    )


def staged(folder: Path, found: SharedObject) -> StagedLibrary:
    assert found.soname is not None
    path = folder / found.soname
    path.write_bytes(f"content of {found.soname}".encode())
    return StagedLibrary(soname=found.soname, path=path, facts=found)


@pytest.fixture
def components(tmp_path: Path) -> tuple[StagedComponent, StagedComponent]:
    folder = tmp_path / "staged"
    folder.mkdir()
    copying, eula = folder / "COPYING3", folder / "License.txt"
    copying.write_text("GPL\n")
    eula.write_text("EULA\n")
    libgcc = facts("libgcc_s.so.1", "libc.so.6", defines=("GCC_3.0", "GCC_14.0.0"))
    libstdcxx = facts(
        "libstdc++.so.6",
        "libc.so.6",
        "libgcc_s.so.1",
        defines=("GLIBCXX_3.4", "GLIBCXX_3.4.33"),
        symbols=(function("_Zold", "GLIBCXX_3.4"), function("_Znew", "GLIBCXX_3.4.33")),
    )
    exports = load_symbol_tables().cudart[12].first_seen
    cudart = facts(
        "libcudart.so.12",
        "libc.so.6",
        symbols=tuple(function(name, "libcudart.so.12") for name in exports),
    )
    gcc = StagedComponent(
        name="gcc-runtime",
        version="14.2.0",
        license="GPL-3.0-or-later WITH GCC-exception-3.1",
        license_files=(copying,),
        libraries=(staged(folder, libgcc), staged(folder, libstdcxx)),
        link_names=(("gcc_s", Soname("libgcc_s.so.1")), ("stdc++", Soname("libstdc++.so.6"))),
        inputs=(GCC_INPUT,),
    )
    cuda = StagedComponent(
        name="cudart12",
        version="12.9.79",
        license="LicenseRef-NVIDIA-Proprietary",
        license_files=(eula,),
        libraries=(staged(folder, cudart),),
        link_names=(("cudart", Soname("libcudart.so.12")),),
        inputs=(CUDA_INPUT,),
    )
    return gcc, cuda


@pytest.fixture
def recipe() -> RuntimeRecipe:
    return RuntimeRecipe(
        name="cxx11-cuda-runtime",
        version="1.14.0",
        epoch=1,
        glibc_floor="2.17",
        components=("gcc-runtime", "cudart12"),
    )
