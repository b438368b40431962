"""Recipe files to values: what is accepted, what is refused and by which name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from recipe_texts import RUNTIME

from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.runtime.recipe import Cudart, Input, Kind, Role
from cxxrt_toolchain.runtime.recipe_reader import (
    load_component,
    load_provider,
    load_runtime,
    provider_names,
    recipes_root,
    runtime_names,
)

if TYPE_CHECKING:
    from pathlib import Path

COMPONENT = """
version = "1.0"
license = "MIT"
license-files = ["LICENSE"]
libraries = [{ soname = "libthing.so.1", link-name = "thing", member = "libthing.so.1" }]
[inputs]
library = [
  { kind = "pypi", package = "thing", version = "1.0", architecture = "any", sha256 = "%s" },
]
""" % ("0" * 64)


def _runtime(root: Path, text: str) -> Path:
    (root / "runtime.toml").write_text(text)
    return root


def _component(root: Path, text: str) -> Path:
    (root / "thing").mkdir()
    (root / "thing" / "recipe.toml").write_text(text)
    return root


def test_a_runtime_recipe_vendors_cudart_unless_it_says_otherwise(tmp_path: Path) -> None:
    recipe = load_runtime(_runtime(tmp_path, RUNTIME))
    assert (recipe.version, recipe.epoch, recipe.components) == ("1.14.0", 1, ("thing",))
    assert recipe.cudart is Cudart.VENDOR


def test_one_key_switches_cudart_to_a_dependency(tmp_path: Path) -> None:
    assert load_runtime(_runtime(tmp_path, RUNTIME + 'cudart = "depend"')).cudart is Cudart.DEPEND


def test_a_runtime_can_need_another_runtime_beside_it(tmp_path: Path) -> None:
    text = RUNTIME + 'requires = ["cxx11-protobuf-runtime >=35.1, <36"]'
    recipe = load_runtime(_runtime(tmp_path, text))
    assert recipe.requires == ("cxx11-protobuf-runtime<36,>=35.1",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epoch = 1", "epoch = 1\nrequires = ['a b']", r"runtime\.toml: requires\[0\]: "),
        ("epoch = 1", "epoch = 1\ncudarts = 'x'", r"runtime\.toml: cudarts is not a key"),
        ("epoch = 1", "epoch = '1'", r"runtime\.toml: epoch must be an integer"),
        ("epoch = 1", "epoch = 2", r"runtime\.toml: version must be EPOCH\.GCC\.REVISION"),
        ("epoch = 1", "epoch = true", r"runtime\.toml: epoch must be an integer"),
        ("epoch = 1\n", "", r"runtime\.toml: epoch is missing"),
        ('"2.17"', '"newest"', r"runtime\.toml: glibc-floor must be a string that matches"),
        ('["thing"]', '["thing", 3]', r"runtime\.toml: components\[1\] must be a string, not 3"),
        (
            "epoch = 1",
            "epoch = 1\ncudart = 'static'",
            r'cudart must be one of vendor, depend, not "static"',
        ),
        ("epoch = 1", "epoch =", r"runtime\.toml: not TOML"),
    ],
)
def test_a_wrong_key_of_a_runtime_recipe_is_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_runtime(_runtime(tmp_path, RUNTIME.replace(old, new)))


def test_an_unknown_runtime_recipe_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no runtime recipe 'nightly' exists\. Known: runtime"):
        load_runtime(_runtime(tmp_path, RUNTIME), "nightly")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('sha256 = "' + "0" * 64, 'sha256 = "' + "0" * 63, r"inputs\.library\[0\]\.sha256 must be"),
        (
            'kind = "pypi"',
            'kind = "url"',
            r'library\[0\]\.kind must be one of debian, pypi, not "url"',
        ),
        ('kind = "pypi"', 'kind = "debian"', r"library\[0\]\.source is missing"),
        ('package = "thing"', 'package = "../thing"', r"library\[0\]\.package must be a "),
        ("library = [\n", "binary = [\n", r"inputs\.binary is not a key"),
        ("link-name", "linkname", r"libraries\[0\]\.link-name is missing"),
        ('license = "MIT"', 'license = ""', r"license must be a string that is not empty"),
        (
            'member = "',
            'architectures = ["vax"], member = "',
            r'architectures\[0\] must be a string that matches x86_64\|aarch64, not "vax"',
        ),
        ("libraries =", "libraries = []\nothers =", r"others is not a key"),
    ],
)
def test_a_wrong_key_of_a_component_is_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_component(_component(tmp_path, COMPONENT.replace(old, new)), "thing")


def test_a_pin_may_not_be_repeated(tmp_path: Path) -> None:
    row = COMPONENT[COMPONENT.index("{ kind") : COMPONENT.rindex("]")]
    text = COMPONENT.replace(row, row * 2)
    with pytest.raises(ConfigError, match=r"thing 1\.0 .* is pinned twice"):
        load_component(_component(tmp_path, text), "thing")


def test_a_component_name_cannot_lead_out_of_the_recipes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not the name of a component"):
        load_component(tmp_path, "../elsewhere")


@pytest.mark.parametrize(
    ("package", "source", "version", "path"),
    [
        ("g++-14", "gcc-14", "14.2.0-19", "pool/main/g/gcc-14/g++-14_14.2.0-19_amd64.deb"),
        ("zlib1g", "zlib", "1:1.3-1", "pool/main/z/zlib/zlib1g_1.3-1_amd64.deb"),
        ("libzstd1", "libzstd", "1.5", "pool/main/libz/libzstd/libzstd1_1.5_amd64.deb"),
    ],
)
def test_the_pool_path_follows_from_the_pin(
    package: str, source: str, version: str, path: str
) -> None:
    pin = Input(
        kind=Kind.DEBIAN,
        package=package,
        version=version,
        architecture="amd64",
        sha256="0" * 64,
        source=source,
    )
    assert pin.pool_path == path


def test_a_tarball_of_a_debian_source_package_is_named_by_its_file(tmp_path: Path) -> None:
    row = 'kind = "debian", package = "abseil", version = "20220623.1", architecture = "source"'
    row += f', source = "abseil", sha256 = "{"0" * 64}"'
    named = COMPONENT.partition("[inputs]")[0] + "[inputs]\nsource = [{ %s }]\n"
    folder = _component(tmp_path, named % f'{row}, file = "abseil_20220623.1.orig.tar.gz"')
    (pin,) = load_component(folder, "thing").inputs
    assert pin.is_tarball
    assert pin.pool_path == "pool/main/a/abseil/abseil_20220623.1.orig.tar.gz"
    (folder / "thing" / "recipe.toml").write_text(named % row)
    with pytest.raises(ConfigError, match=r"inputs\.source\[0\]\.file is missing"):
        load_component(folder, "thing")
    (folder / "thing" / "recipe.toml").write_text(named % f'{row}, file = "../a.tar.gz"')
    with pytest.raises(ConfigError, match=r"inputs\.source\[0\]\.file must be"):
        load_component(folder, "thing")


# What must hold for every recipe in the repository, today's and tomorrow's.


def _shipped_components() -> list[str]:
    root = recipes_root()
    return sorted(
        {name for item in runtime_names(root) for name in load_runtime(root, item).components}
        | {name for item in provider_names(root) for name in load_provider(root, item).components}
    )


@pytest.mark.parametrize("name", runtime_names(recipes_root()))
def test_the_version_of_a_runtime_names_its_gcc(name: str) -> None:
    root = recipes_root()
    recipe = load_runtime(root, name)
    built = [c for c in (load_component(root, item) for item in recipe.components) if c.built]
    assert [c.version.partition(".")[0] for c in built] == [recipe.version.split(".")[1]]


@pytest.mark.parametrize("name", _shipped_components())
def test_a_component_serves_every_architecture(name: str) -> None:
    component = load_component(recipes_root(), name)
    for arch in ("x86_64", "aarch64"):
        assert component.for_arch(arch)
        assert component.inputs_for(arch)
        if "compiler" in component.kept:
            assert component.inputs_for(arch, Role.REFERENCE)
            assert component.inputs_for(arch, Role.SYSROOT)


@pytest.mark.parametrize("name", _shipped_components())
def test_no_recipe_names_a_host(name: str) -> None:
    component = load_component(recipes_root(), name)
    files = [recipes_root() / name / "recipe.toml", *component.scripts.iterdir()]
    for file in files:
        assert "://" not in file.read_text(encoding="utf-8"), file


@pytest.mark.parametrize("name", ["cudart12", "cudart13"])
def test_a_proprietary_component_quotes_the_clause_that_allows_shipping_it(name: str) -> None:
    component = load_component(recipes_root(), name)
    assert component.license.startswith("LicenseRef-")
    assert "distributable" in component.redistribution
    assert "not modified in any way" in component.redistribution


def test_another_gcc_is_another_data_file_and_nothing_else() -> None:
    root = recipes_root()
    published = load_component(root, "gcc-runtime")
    for major in ("15", "16"):
        other = load_component(root, f"gcc-runtime-{major}")
        assert other.scripts == published.scripts
        assert (other.steps, other.libraries) == (published.steps, published.libraries)
        assert [path.name for path in (root / other.name).iterdir()] == ["recipe.toml"]
        assert other.version.startswith(f"{major}.")
