"""The symbol tables against the lists that GCC itself publishes in its source.

In: the source packages that the recipes pin. What is compared: the history in libstdc++'s manual
(GCC 3.4 to the newest), the version scripts, and the baselines of the ABI check of each release.
"""

from __future__ import annotations

import importlib.util
import io
import re
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixture_cache import kept
from packaging.version import Version

from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.errors import MissingToolError
from cxxrt_toolchain.runtime.recipe_reader import load_component, recipes_root

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

pytestmark = pytest.mark.network

GENERATOR = Path(__file__).parents[2] / "abi-tag-spec" / "generate_symbols.py"
WANTED = {
    "manual": "libstdc++-v3/doc/xml/manual/abi.xml",
    "script": "libstdc++-v3/config/abi/pre/gnu.ver",
    "x86_64": "libstdc++-v3/config/abi/post/x86_64-linux-gnu/baseline_symbols.txt",
    "aarch64": "libstdc++-v3/config/abi/post/aarch64-linux-gnu/baseline_symbols.txt",
    "gomp": "libgomp/libgomp.map",
    "gfortran": "libgfortran/gfortran.map",
}
ONLY_X86 = {"CXXABI_FLOAT128"}
ONLY_RISCV = {"CXXABI_1.3.16"}
"""The manual, at GCC 15.1.0: "CXXABI_1.3.16 for RISC-V only"."""
MANUAL_ERRATA = {("GLIBCXX", "16.1.0"): "3.4.34"}
"""The manual's line repeats GCC 15's number; version script and baseline have GLIBCXX_3.4.36."""
TABLES = load_symbol_tables().versions


def generator() -> ModuleType:
    """The script that made the tables, for its downloads; it is no part of a package."""
    spec = importlib.util.spec_from_file_location("generate_symbols", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=["gcc-runtime", "gcc-runtime-16"])
def source(request: pytest.FixtureRequest) -> tuple[int, dict[str, str]]:
    """GCC's major, and the texts of `WANTED` in its source."""
    recipe = load_component(recipes_root(), request.param)
    (pin,) = (pin for pin in recipe.inputs if pin.package.endswith("-source"))

    def unpack(folder: Path) -> None:
        try:
            package = generator().fetch_sources([pin])[pin]
        except MissingToolError as error:
            pytest.skip(f"no mirror of this machine has {pin}: {error}")
        for key, text in _texts(package).items():
            (folder / key).write_text(text, encoding="utf-8")

    # To decompress GCC's source takes seconds.
    folder = kept("gcc-texts", (pin.sha256, WANTED), unpack)
    texts = {key: (folder / key).read_text("utf-8") for key in WANTED if (folder / key).exists()}
    return Version(pin.version.partition("-")[0]).major, texts


def _texts(package: Path) -> dict[str, str]:
    content = package.read_bytes()
    place = content.index(b"data.tar")
    size = int(content[place + 48 : place + 58])
    found: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(content[place + 60 : place + 60 + size])) as outer:
        inner = next(member for member in outer if member.name.endswith("-dfsg.tar.xz"))
        with tarfile.open(fileobj=outer.extractfile(inner), mode="r|xz") as tree:
            for member in tree:
                name = member.name.partition("/")[2]
                for key, path in WANTED.items():
                    if name == path:
                        stream = tree.extractfile(member)
                        assert stream is not None
                        found[key] = stream.read().decode()
                if len(found) == len(WANTED):
                    break
    return found


def known(soname: str, major: int) -> Mapping[str, Version]:
    """What the tables say that GCC of that major defines."""
    return {node: since for node, since in TABLES[soname].items() if since.major <= major}


def test_the_manual_names_the_same_newest_version_for_every_release(
    source: tuple[int, dict[str, str]],
) -> None:
    listed = re.findall(
        r"<para>GCC ([0-9.]+): GLIBCXX_([0-9.]+)(?:, CXXABI_([0-9.]+))?", source[1]["manual"]
    )
    assert len(listed) >= 30
    for release, *numbers in listed:
        for namespace, number in zip(("GLIBCXX", "CXXABI"), numbers, strict=True):
            if not number or MANUAL_ERRATA.get((namespace, release)) == number:
                continue
            versions = [
                Version(node.removeprefix(f"{namespace}_"))
                for node, since in TABLES["libstdc++.so.6"].items()
                if re.fullmatch(rf"{namespace}_[0-9.]+", node) and since <= Version(release)
            ]
            assert max(versions) == Version(number), release


def test_the_manual_dates_the_versions_of_libgcc_alike(source: tuple[int, dict[str, str]]) -> None:
    lines = re.findall(r"<para>GCC ([0-9.]+): (GCC_[0-9.]+)", source[1]["manual"])
    listed = {node: release for release, node in lines}
    shared = set(listed) & set(TABLES["libgcc_s.so.1"])
    assert len(shared) >= 12
    for node in shared:
        since, release = TABLES["libgcc_s.so.1"][node], Version(listed[node])
        assert since.release == release.release[: len(since.release)], node


def test_the_version_script_of_libstdcxx_has_the_same_nodes(
    source: tuple[int, dict[str, str]],
) -> None:
    major, texts = source
    nodes = set(re.findall(r"^((?:GLIBCXX|CXXABI)_[A-Z0-9_.]+) \{", texts["script"], re.MULTILINE))
    assert nodes - ONLY_RISCV == set(known("libstdc++.so.6", major)) - ONLY_X86


@pytest.mark.parametrize(("architecture", "absent"), [("x86_64", set()), ("aarch64", ONLY_X86)])
def test_the_baseline_of_the_abi_check_has_the_same_nodes(
    source: tuple[int, dict[str, str]], architecture: str, absent: set[str]
) -> None:
    major, texts = source
    nodes = set(re.findall(r"\b((?:GLIBCXX|CXXABI)_[A-Z0-9_.]+)", texts[architecture]))
    assert nodes == set(known("libstdc++.so.6", major)) - absent


def test_the_version_script_of_libgomp_has_the_same_nodes(
    source: tuple[int, dict[str, str]],
) -> None:
    major, texts = source
    assert set(re.findall(r"^([A-Z_]+_[0-9.]+) \{", texts["gomp"], re.MULTILINE)) == set(
        known("libgomp.so.1", major)
    )


def test_the_version_script_of_libgfortran_has_the_same_nodes(
    source: tuple[int, dict[str, str]],
) -> None:
    major, texts = source
    nodes = set(re.findall(r"^(GFORTRAN_[A-Z0-9_.]+) \{", texts["gfortran"], re.MULTILINE))
    assert nodes == set(known("libgfortran.so.5", major))
