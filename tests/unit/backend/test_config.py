"""``[tool.cxxrt]``: defaults, precedence, and errors that begin with the key's path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cxxrt_toolchain.backend.config import (
    BuildConfig,
    parse_config,
    read_config,
    settings_for_wrapped,
)
from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.repair.options import Encoding, Platform

if TYPE_CHECKING:
    from pathlib import Path


def _parse(
    table: dict[str, Any],
    settings: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
) -> BuildConfig:
    return parse_config({"tool": {"cxxrt": table}}, settings, environment or {})


def test_a_project_without_a_table_gets_setuptools_and_a_plain_name() -> None:
    config = parse_config({}, None, {})
    assert config == BuildConfig()
    assert config.build_backend == "setuptools.build_meta"
    assert config.encoding is Encoding.PLAIN


@pytest.mark.parametrize(
    ("requires", "backend"),
    [
        ([], "setuptools.build_meta"),
        (["cxxrt-toolchain", "setuptools>=77", "pybind11"], "setuptools.build_meta"),
        (["cxxrt-toolchain", "meson-python >= 0.13", "meson"], "mesonpy"),
        (["Scikit_Build.Core[pyproject]>=0.10; python_version>'3'"], "scikit_build_core.build"),
        (["setuptools-scm>=8", "hatchling"], "hatchling.build"),
        (3, "setuptools.build_meta"),
        ("hatchling", "setuptools.build_meta"),
    ],
)
def test_the_wrapped_backend_is_the_one_that_the_project_requires(
    requires: object, backend: str
) -> None:
    config = parse_config({"build-system": {"requires": requires}}, None, {})
    assert config.build_backend == backend


def test_several_backends_and_no_choice_is_an_error() -> None:
    document = {"build-system": {"requires": ["hatchling", "scikit-build-core"]}}
    with pytest.raises(ConfigError, match=r"^tool.cxxrt.build-backend is missing.*several"):
        parse_config(document, None, {})
    table = {"build-backend": "hatchling.build"}
    chosen = parse_config({**document, "tool": {"cxxrt": table}}, None, {})
    assert chosen.build_backend == "hatchling.build"


@pytest.mark.parametrize(
    ("project", "declared"),
    [
        (None, True),
        ({"name": "demo"}, False),
        ({"name": "demo", "dependencies": ["numpy"]}, False),
        ({"name": "demo", "dependencies": ["Cxx11_CUDA.runtime >= 1"]}, True),
        ({"name": "demo", "dependencies": ["cxx11-cuda-runtimes"]}, False),
        ({"name": "demo", "dependencies": ["cxx11-cuda-runtime; sys_platform == 'linux'"]}, True),
        ({"name": "demo", "dependencies": ["cxx11-cuda-runtime; sys_platform == 'win32'"]}, False),
        ({"name": "demo", "dependencies": ["cxx11-cuda-runtime; extra == 'x'", 7]}, False),
        ({"name": "demo", "dependencies": ["cxx11-cuda-runtime; os_name ~= 'posix'"]}, False),
        ({"name": "demo", "dependencies": ["cxx11-cuda-runtime; 'a' in extras"]}, False),
        ({"name": "demo", "dynamic": ["dependencies"]}, True),
        ({"name": "demo", "dynamic": ["version"]}, False),
    ],
)
def test_whether_those_who_do_not_build_see_the_runtime(
    project: dict[str, object] | None, *, declared: bool
) -> None:
    document = {} if project is None else {"project": project}
    assert parse_config(document, None, {}).runtime_declared is declared


def test_every_key_reaches_its_field() -> None:
    config = _parse(
        {
            "build-backend": "mesonpy",
            "backend-path": ["."],
            "cuda": 12,
            "encoding": "tag",
            "platform": "keep",
            "keep-exports": ["foo._core"],
            "wiring": False,
            "ignore": ["H10", "CXXRT-L10"],
        }
    )
    assert config == BuildConfig(
        build_backend="mesonpy",
        backend_path=(".",),
        cuda=12,
        encoding=Encoding.TAG,
        platform=Platform.KEEP,
        keep_exports=("foo._core",),
        wiring=False,
        ignore=config.ignore,
    )
    assert {"CXXRT-H10", "CXXRT-L102", "CXXRT-L105"} <= config.ignore
    assert "CXXRT-H1" not in config.ignore


def test_a_plain_wheel_may_ignore_what_only_the_tag_promises() -> None:
    assert _parse({"ignore": ["P5"]}).ignore == {"CXXRT-P5"}
    with pytest.raises(ConfigError, match="CXXRT-P5 cannot be ignored"):
        _parse({"ignore": ["P5"]}, {"cxxrt.encoding": "variant"})


def test_the_environment_overrides_the_table_and_the_frontend_overrides_both() -> None:
    table = {"encoding": "tag", "cuda": 12}
    environment = {"CXXRT_ENCODING": "plain", "CXXRT_BUILD_CUDA": "13"}
    assert _parse(table, None, environment).encoding is Encoding.PLAIN
    assert _parse(table, None, environment).cuda == 13
    settings = {"cxxrt.encoding": "variant", "cxxrt.cuda": "none"}
    assert _parse(table, settings, environment).encoding is Encoding.VARIANT
    assert _parse(table, settings, environment).cuda is None


def test_an_empty_variable_is_no_override() -> None:
    assert _parse({"encoding": "plain"}, None, {"CXXRT_ENCODING": ""}).encoding is Encoding.PLAIN


def test_the_installers_override_of_the_driver_is_not_a_build_setting() -> None:
    assert _parse({}, None, {"CXXRT_CUDA": "13"}).cuda is None


@pytest.mark.parametrize("word", ["0", "false", "No", "off"])
def test_every_spelling_of_no_turns_a_flag_off(word: str) -> None:
    assert not _parse({}, None, {"CXXRT_WIRING": word}).wiring


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ({"encodign": "tag"}, "tool.cxxrt.encodign is not a key"),
        ({"encoding": "wheel"}, "tool.cxxrt.encoding must be one of tag, plain, variant"),
        ({"encoding": 1}, "tool.cxxrt.encoding must be one of tag, plain, variant, not 1"),
        ({"cuda": "12.4"}, "tool.cxxrt.cuda must be a CUDA major"),
        ({"cuda": True}, "tool.cxxrt.cuda must be a CUDA major"),
        ({"cuda": [12]}, "tool.cxxrt.cuda must be a CUDA major"),
        ({"wiring": "maybe"}, 'tool.cxxrt.wiring must be true or false, not "maybe"'),
        ({"keep-exports": "foo"}, 'tool.cxxrt.keep-exports must be an array, not "foo"'),
        ({"keep-exports": [1]}, "tool.cxxrt.keep-exports[0] must be a string, not 1"),
        ({"ignore": "H1"}, "tool.cxxrt.ignore must be an array"),
        ({"ignore": ["H99"]}, "tool.cxxrt.ignore: no rule 'H99'. Near: "),
        ({"ignore": ["P4"]}, "tool.cxxrt.ignore: CXXRT-P4 cannot be ignored: it breaks what"),
        (
            {"encoding": "tag", "ignore": ["P5"]},
            "tool.cxxrt.ignore: CXXRT-P5 cannot be ignored: it breaks what",
        ),
        ({"build-backend": ""}, "tool.cxxrt.build-backend must be a string that is not empty"),
        ({"build-backend": "cxxrt_toolchain.backend"}, "tool.cxxrt.build-backend is this"),
        (
            {"keep-exports": ["a"], "hide-vague-linkage": False},
            "tool.cxxrt.keep-exports has no effect",
        ),
    ],
)
def test_a_wrong_value_is_named_by_its_path(table: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _parse(table)
    assert str(caught.value).startswith(path)


def test_wrong_overrides_are_named_by_where_they_come_from() -> None:
    with pytest.raises(ConfigError, match=r"^\$CXXRT_ENCODING must be one of"):
        _parse({}, None, {"CXXRT_ENCODING": "whl"})
    with pytest.raises(ConfigError, match=r"^-C cxxrt.encodings is not a key"):
        _parse({}, {"cxxrt.encodings": "tag"})
    with pytest.raises(ConfigError, match=r"^-C cxxrt.build-backend is not a key"):
        _parse({}, {"cxxrt.build-backend": "mesonpy"})


def test_a_table_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^tool.cxxrt must be a table, not 1"):
        parse_config({"tool": {"cxxrt": 1}}, None, {})


def test_the_wrapped_backend_sees_only_its_own_settings() -> None:
    settings = {"cxxrt.encoding": "plain", "--global-option": "-q"}
    assert settings_for_wrapped(settings) == {"--global-option": "-q"}
    assert settings_for_wrapped(None) is None


def test_broken_toml_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.cxxrt\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^pyproject.toml: not TOML"):
        read_config(tmp_path, None, {})


def test_a_project_without_pyproject_has_the_defaults(tmp_path: Path) -> None:
    assert read_config(tmp_path, None, {}) == BuildConfig()
