"""A bundle of sources: what is in it, and what is refused."""

from __future__ import annotations

import hashlib
import itertools
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from recipe_texts import RUNTIME

from cxxrt_toolchain.cli import main
from cxxrt_toolchain.errors import ConfigError, InputError
from cxxrt_toolchain.runtime.recipe_reader import (
    compiler_component,
    load_provider,
    load_runtime,
    provider_names,
    recipes_root,
    runtime_names,
)
from cxxrt_toolchain.runtime.sources.bundle import bundled_inputs, open_bundle, write_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMPONENT = """
version = "14.2.0"
license = "MIT"
license-files = ["COPYING"]
libraries = [{ soname = "libthing.so.1", link-name = "thing" }]
[build]
scripts = "../scripts"
steps = [{ name = "make", run = ["sh", "make.sh"] }]
"""
PREBUILT = """
version = "12.9"
license = "MIT"
license-files = ["COPYING"]
libraries = [{ soname = "libprebuilt.so.1", link-name = "prebuilt", member = "libprebuilt.so.1" }]
"""
PROVIDER = """
name = "cxx11-proto-1.2"
version = "1.2.0"
line = "1.2"
summary = "A proto"
glibc-floor = "2.17"
compiler = "runtime"
components = ["proto"]
"""
PIN = """
[[inputs.%s]]
kind = "debian"
package = "%s"
version = "1:1.0-1"
architecture = "amd64"
source = "thing"
sha256 = "%s"
%s
"""


def pin(role: str, name: str, target: str = "") -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return PIN % (role, name, digest, f'target = "{target}"' if target else "")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A recipe of one component: three inputs, of which each architecture needs two."""
    root = tmp_path / "recipes"
    for name, text in {
        "runtime.toml": RUNTIME,
        "other.toml": RUNTIME,
        "thing/recipe.toml": COMPONENT
        + pin("source", "source")
        + pin("tool", "gcc-x86", "x86_64")
        + pin("tool", "gcc-arm", "aarch64"),
        "scripts/make.sh": "true\n",
        "unused/recipe.toml": "",
        "host-tools/inputs.toml": pin("tool", "make"),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def bundle(root: Path, tmp_path: Path) -> Path:
    """For x86_64."""
    files = {}
    for item in bundled_inputs(root, "runtime", ("x86_64",)):
        files[item] = tmp_path / item.package
        files[item].write_text(item.package)
    write_bundle(root, "runtime", files, tmp_path / "new" / "bundle")
    return tmp_path / "new" / "bundle"


def test_a_bundle_has_the_inputs_and_the_recipe_and_nothing_else(bundle: Path) -> None:
    opened = open_bundle(bundle, None, "x86_64")
    assert opened.name == "runtime"
    assert {item.package: file.read_text() for item, file in opened.files.items()} == {
        name: name for name in ("source", "gcc-x86", "make")
    }
    recipes = {str(path.relative_to(opened.recipes)) for path in opened.recipes.rglob("*.*")}
    names = ("runtime.toml", "thing/recipe.toml", "scripts/make.sh", "host-tools/inputs.toml")
    assert recipes == set(names)
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


def test_the_list_of_sums_is_one_that_sha256sum_checks(bundle: Path) -> None:
    program = shutil.which("sha256sum")
    if program is None:
        pytest.skip("needs sha256sum: apt-get install coreutils")
    command = [program, "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(command, cwd=bundle, capture_output=True, text=True, check=True)
    assert done.stdout.count(": OK") == 7
    assert "# source 1:1.0-1" in (bundle / "SHA256SUMS").read_text()


def _input(bundle: Path, name: str) -> Path:
    return bundle / "inputs" / f"{hashlib.sha256(name.encode()).hexdigest()}.deb"


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda bundle: _input(bundle, "source").unlink(), "source 1:1.0-1"),
        (lambda bundle: _input(bundle, "make").write_text("other"), "make 1:1.0-1"),
        (lambda bundle: (bundle / "recipes/scripts/make.sh").write_text("rm"), "scripts/make.sh"),
        (lambda bundle: (bundle / "recipes/scripts/make.sh").unlink(), "scripts/make.sh"),
        (lambda bundle: (bundle / "recipes/scripts/new.sh").touch(), "scripts/new.sh"),
        (lambda bundle: (bundle / "recipes/runtime.toml").unlink(), "runtime.toml"),
        (lambda bundle: (bundle / "SHA256SUMS").unlink(), "is no bundle of sources"),
        (lambda bundle: (bundle / "SHA256SUMS").write_bytes(b"\xff"), "is no bundle of sources"),
        (lambda bundle: (bundle / "SHA256SUMS").write_text("text\n"), "recipe"),
        (shutil.rmtree, "is no bundle of sources"),
    ],
)
def test_a_damaged_bundle_is_2_and_names_the_file(
    damage: Callable[[Path], object],
    named: str,
    bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(bundle)
    command = ["runtime", "build", "--sources", str(bundle), "--arch", "x86_64"]
    assert main([*command, "--cache", str(tmp_path / "cache"), "-w", str(tmp_path / "out")]) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "out").exists()


def test_another_architecture_or_recipe_than_the_bundle_has_is_refused(bundle: Path) -> None:
    with pytest.raises(InputError, match="gcc-arm"):
        open_bundle(bundle, None, "aarch64")
    with pytest.raises(ConfigError, match="no runtime recipe 'other' exists"):
        open_bundle(bundle, "other", "x86_64")


@pytest.fixture
def providers_bundle(root: Path, tmp_path: Path) -> Path:
    """Of a provider whose compiler is that of another runtime component."""
    for name, text in {
        "runtime.toml": RUNTIME.replace('["thing"]', '["prebuilt", "thing"]'),
        "thing/recipe.toml": (root / "thing/recipe.toml")
        .read_text()
        .replace("[build]\n", '[build]\nkeep = ["compiler"]\n'),
        "prebuilt/recipe.toml": PREBUILT + pin("library", "prebuilt"),
        "providers/proto.toml": PROVIDER,
        "providers/other.toml": PROVIDER,
        "proto/recipe.toml": COMPONENT.replace('"../scripts"', '"."') + pin("source", "proto"),
        "proto/build.sh": "true\n",
    }.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    files = {}
    for item in bundled_inputs(root, "providers/proto", ("x86_64",)):
        files[item] = tmp_path / item.package
        files[item].write_text(item.package)
    write_bundle(root, "providers/proto", files, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_the_bundle_of_a_provider_has_its_compilers_sources_too(providers_bundle: Path) -> None:
    opened = open_bundle(providers_bundle, "providers/proto", "x86_64")
    assert {item.package for item in opened.files} == {"proto", "source", "gcc-x86", "make"}
    recipes = {str(path.relative_to(opened.recipes)) for path in opened.recipes.rglob("*.*")}
    own = {"providers/proto.toml", "proto/recipe.toml", "proto/build.sh", "prebuilt/recipe.toml"}
    shared = {"runtime.toml", "thing/recipe.toml", "scripts/make.sh", "host-tools/inputs.toml"}
    assert recipes == own | shared
    recipe = load_provider(opened.recipes, "proto")
    found = compiler_component(opened.recipes, load_runtime(opened.recipes, recipe.compiler))
    assert found.name == "thing"


@pytest.mark.parametrize(
    ("damage", "name", "named"),
    [
        (lambda bundle: _input(bundle, "proto").unlink(), "proto", "proto 1:1.0-1"),
        (lambda bundle: _input(bundle, "gcc-x86").unlink(), "proto", "gcc-x86 1:1.0-1"),
        (lambda bundle: (bundle / "recipes/proto/build.sh").write_text("rm"), "proto", "build.sh"),
        (shutil.rmtree, "proto", "cxxrt provider sources proto -o DIR writes one"),
        (lambda _: None, "other", "no recipe of a provider 'other' exists. Known: proto."),
    ],
)
def test_a_damaged_bundle_of_a_provider_is_2_and_names_the_file(
    damage: Callable[[Path], object],
    name: str,
    named: str,
    providers_bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(providers_bundle)
    command = ["provider", "build", name, "--sources", str(providers_bundle), "--arch", "x86_64"]
    assert main([*command, "--cache", str(tmp_path / "cache"), "-w", str(tmp_path / "out")]) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "out").exists()


def test_the_bundle_of_a_provider_is_none_of_its_compilers_runtime(providers_bundle: Path) -> None:
    with pytest.raises(InputError, match=r"prebuilt 1:1\.0-1.* cxxrt runtime sources -o DIR"):
        open_bundle(providers_bundle, None, "x86_64")


def test_nothing_is_fetched_for_a_place_that_is_occupied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("file", "folder/inside"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for of, name in itertools.product(
        (["runtime", "sources"], ["provider", "sources", "protobuf"]), ("file", "folder")
    ):
        command = [*of, "-o", str(tmp_path / name)]
        assert main([*command, "--cache", str(tmp_path / "cache")]) == 2
        assert "exists and is not an empty folder" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", runtime_names(recipes_root()))
def test_a_bundle_of_a_published_recipe_has_the_source_of_gcc(name: str) -> None:
    """Half of the files serve one architecture alone."""
    both = bundled_inputs(recipes_root(), name, ("x86_64", "aarch64"))
    one = bundled_inputs(recipes_root(), name, ("x86_64",))
    assert set(one) < set(both)
    assert len({item.sha256 for item in both}) == len(both)
    packages = [item.package for item in one]
    assert {"make", "patch", "ziglang"} < set(packages)
    assert [each for each in packages if each.startswith("gcc-") and each.endswith("-source")]


@pytest.mark.parametrize("name", provider_names(recipes_root()))
def test_a_bundle_of_a_published_provider_has_its_source_and_that_of_gcc(name: str) -> None:
    items = bundled_inputs(recipes_root(), f"providers/{name}", ("x86_64", "aarch64"))
    packages = [item.package for item in items]
    assert [each for each in packages if each.startswith("gcc-") and each.endswith("-source")]
    assert any(item.is_tarball for item in items)
    assert not [each for each in packages if each.startswith("nvidia-")]
