"""The committed symbol tables against the real libraries that they were generated from."""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.errors import MissingToolError
from cxxrt_toolchain.runtime.recipe_reader import load_component, load_runtime, recipes_root

if TYPE_CHECKING:
    from types import ModuleType

    from cxxrt_toolchain.abi.manifest import RuntimeManifest

SCRIPT = Path(__file__).parents[3] / "abi-tag-spec" / "generate_symbols.py"


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


@pytest.mark.network
@pytest.mark.parametrize("major", [12, 13])
def test_nvidias_wheels_give_the_committed_table(generator: ModuleType, major: int) -> None:
    pins, documented = generator.read_sources()
    chosen = [
        pin
        for pin in pins
        if pin.kind is generator.Kind.PYPI and Version(pin.version).major == major
    ]
    tables = generator.generate(generator.fetch_sources(chosen), documented)
    name = f"cudart{major}.json"
    assert tables == {name: (generator.TABLES / name).read_text(encoding="utf-8")}


@pytest.mark.network
def test_the_script_finds_every_table_current(generator: ModuleType) -> None:
    try:
        assert generator.main(["--check"]) == 0
    except MissingToolError as error:
        pytest.skip(f"sid's pins are gone from the mirrors within weeks: {error}")


@pytest.mark.network
def test_debians_stable_libraries_agree_with_the_committed_table(generator: ModuleType) -> None:
    """Without sid's pins, which are gone from the mirrors within weeks: so no GCC above 14."""
    pins, _ = generator.read_sources()
    stable = [
        pin
        for pin in pins
        if pin.kind is generator.Kind.DEBIAN and pin.version.startswith(("12.2.0-14", "14.2.0-19"))
    ]
    observed = [
        generator.observe_package(pin, path)
        for pin, path in generator.fetch_sources(stable).items()
    ]
    committed = load_symbol_tables().versions
    for build in observed:
        for node in build.nodes:
            assert committed[build.soname][node].major <= build.gcc.major, (build.soname, node)
        absent = {
            node
            for node, release in committed[build.soname].items()
            if release <= build.gcc and node not in build.nodes
        }
        others = [each for each in observed if each.soname == build.soname]
        assert all(any(node in each.nodes for each in others) for node in absent)


@pytest.mark.runtime
def test_the_runtime_provides_every_node_that_the_tables_promise_of_its_gcc(
    runtime_manifest: RuntimeManifest, runtime_nodes: dict[str, set[str]]
) -> None:
    """A-5: a bound of ``>=1.14`` must be kept by the runtime 1.14."""
    recipe = load_runtime(recipes_root())
    gcc = Version(load_component(recipes_root(), recipe.components[0]).version)
    for soname, nodes in load_symbol_tables().versions.items():
        if runtime_manifest.library(soname) is None:
            continue
        promised = {node for node, release in nodes.items() if release <= gcc}
        elsewhere = {"GCC_4.5.0", "GCC_11.0", "GCC_14.0", "GLIBC_2.0"}  # aarch64's libgcc_s only
        assert promised - elsewhere <= runtime_nodes[soname]


@pytest.mark.runtime
@pytest.mark.network
def test_markers_tell_the_versions_of_other_peoples_libraries_apart(
    generator: ModuleType, runtime_manifest: RuntimeManifest
) -> None:
    """In Debian's libstdc++ of GCC 12 and 14 exactly the functions of its own nodes are found."""
    libstdcxx = runtime_manifest.library("libstdc++.so.6")
    assert libstdcxx is not None
    pins, _ = generator.read_sources()
    chosen = [
        pin
        for pin in pins
        if (pin.package, pin.architecture) == ("libstdc++6", "amd64")
        and pin.version.startswith(("12.2.0-14", "14.2.0-19"))
    ]
    for path in generator.fetch_sources(chosen).values():
        contents = generator.deb_files(path, "data")
        name, content = next(each for each in contents.items() if "/libstdc++.so.6" in each[0])
        library = read_elf(io.BytesIO(content), name, symbols=True)
        exported = generator.exported(library)
        found = {each.version for each in libstdcxx.markers if each.symbol in exported}
        nodes = {each.removeprefix("GLIBCXX_") for each in library.version_definitions}
        assert found == {each.version for each in libstdcxx.markers} & nodes
        assert max(found, key=Version) == max(
            (each for each in nodes if each.startswith("3.4")), key=Version
        )
