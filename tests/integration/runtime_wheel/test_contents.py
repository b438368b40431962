"""The manifest against the files: by binutils and the publisher's own wheels, not our code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from cxxrt_toolchain.abi.manifest import RuntimeManifest
from cxxrt_toolchain.runtime.recipe import Role
from cxxrt_toolchain.runtime.recipe_reader import load_component, recipes_root
from cxxrt_toolchain.runtime.sources.cache import find_cache
from cxxrt_toolchain.runtime.sources.fetch import cached_path

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.runtime


@pytest.fixture(params=["x86_64", "aarch64"])
def wheel(request: pytest.FixtureRequest) -> Path:
    """The published wheel of each architecture."""
    suffix = "" if request.param == "x86_64" else "_aarch64"
    path: Path = request.getfixturevalue(f"runtime_wheel{suffix}")
    return path


@pytest.fixture
def package(wheel: Path, tmp_path: Path) -> Path:
    """The unpacked package."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "cxx11_cuda_runtime"


@pytest.fixture
def manifest(package: Path) -> RuntimeManifest:
    """As read by our code."""
    return RuntimeManifest.from_json((package / "manifest.json").read_text())


def readelf(*arguments: str | Path) -> str:
    """The output of binutils' readelf."""
    if shutil.which("readelf") is None:
        pytest.skip("needs readelf: install binutils")
    command = ["readelf", "-W", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_manifest_fits_its_schema(package: Path) -> None:
    folder = files("cxxrt_abi_tag_spec") / "schemas"
    schema: Any = json.loads((folder / "runtime-manifest.schema.json").read_text())
    document = json.loads((package / "manifest.json").read_text())
    jsonschema.validate(document, schema, jsonschema.Draft202012Validator)


def test_every_library_is_listed_once_and_is_named_by_its_soname(
    package: Path, manifest: RuntimeManifest
) -> None:
    found = (path for path in (package / "lib").iterdir() if path.is_file())
    present = {path.name for path in found if path.read_bytes().startswith(b"\x7fELF")}
    assert [each.soname for each in manifest.libraries] == list(
        dict.fromkeys(each.soname for each in manifest.libraries)
    )
    assert present == {each.soname for each in manifest.libraries}
    for library in manifest.libraries:
        path = package / library.path
        assert f"Library soname: [{library.soname}]" in readelf("-d", path)
        assert path.stat().st_size == library.size
        assert sha256(path.read_bytes()).hexdigest() == library.sha256


def test_binutils_reads_the_same_needs_floors_and_versions(
    package: Path, manifest: RuntimeManifest
) -> None:
    for library in manifest.libraries:
        path = package / library.path
        needed = re.findall(r"\(NEEDED\).*\[(.+)\]", readelf("-d", path))
        assert tuple(needed) == library.needed
        definitions, _, needs = readelf("-V", path).partition(".gnu.version_r")
        glibc = re.findall(r"Name: GLIBC_(\d+(?:\.\d+)+)", needs)
        assert library.glibc_floor == max(glibc, key=numbers, default="2.0")
        for namespace, version in library.versions:
            found = re.findall(rf"Name: {namespace}_(\d+(?:\.\d+)*)\b", definitions)
            assert version == max(found, key=numbers)


def numbers(version: str) -> list[int]:
    """Dotted numbers, to compare by."""
    return [int(each) for each in version.split(".")]


def test_every_marker_is_a_function_of_its_node(package: Path, manifest: RuntimeManifest) -> None:
    libstdcxx = manifest.library("libstdc++.so.6")
    assert libstdcxx is not None
    rows = [row.split() for row in readelf("--dyn-syms", package / libstdcxx.path).splitlines()]
    symbols = [(row[7], row[3], row[4]) for row in rows if len(row) == 8]
    names = [name.split("@")[0] for name, _, _ in symbols]
    assert libstdcxx.markers[0].version == dict(libstdcxx.versions)["GLIBCXX"]
    for marker in libstdcxx.markers:
        entry = f"{marker.symbol}@@GLIBCXX_{marker.version}"
        assert [(kind, bind) for name, kind, bind in symbols if name == entry] in (
            [("FUNC", "GLOBAL")],
            [("FUNC", "WEAK")],
        )
        assert names.count(marker.symbol) == 1


def test_libraries_come_in_an_order_in_which_each_can_be_loaded(manifest: RuntimeManifest) -> None:
    seen: set[str] = set()
    for library in manifest.libraries:
        own = {each.soname for each in manifest.libraries} & set(library.needed)
        assert own <= seen
        seen.add(library.soname)


def test_nvidias_files_are_byte_for_byte_those_of_its_wheels(
    package: Path, manifest: RuntimeManifest
) -> None:
    downloads = find_cache(None, os.environ).downloads
    for major, cudart in manifest.cudart:
        component = load_component(recipes_root(), f"cudart{major}")
        (pin,) = component.inputs_for(manifest.arch, Role.LIBRARY)
        with zipfile.ZipFile(cached_path(pin, downloads)) as theirs:
            (member,) = (n for n in theirs.namelist() if n.endswith(f"/{cudart.soname}"))
            assert theirs.read(member) == (package / "lib" / cudart.soname).read_bytes()


def test_first_seen_symbols_are_exported(package: Path, manifest: RuntimeManifest) -> None:
    for _, cudart in manifest.cudart:
        text = readelf("--dyn-syms", package / "lib" / cudart.soname)
        exported = set(re.findall(r"(\w+)@@libcudart", text))
        assert {symbol for symbol, _ in cudart.first_seen} <= exported
        assert len(exported) > 400
