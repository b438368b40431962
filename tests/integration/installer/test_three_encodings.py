"""One release, three encodings, one index: each installer takes the one that is meant for it."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

import pytest
from handmade_wheels import write_release, write_runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from installer_environments import Environment, Index, NewEnvironment

pytestmark = [pytest.mark.network, pytest.mark.isolated]

ARCH = platform.machine()
THIS = f"cp{sys.version_info.major}{sys.version_info.minor}"
NEWEST_PIP = "26.3"
RUN_OLD_PIP = ("3.9", "3.10", "3.11")
"""Newer Pythons lack what pip 20 imports (distutils)."""
PIPS = [
    ("20.3.4", "3.9"),
    ("21.3.1", "3.10"),
    ("22.3.1", "3.11"),
    ("23.3.2", "3.12"),
    ("24.3.1", "3.13"),
    ("25.3", "3.11"),
    ("26.3", "3.11"),
    ("26.3", "3.13"),
]


@pytest.fixture
def release(index: Index) -> Index:
    """The release on pypiserver, for the Python of these tests and for those of ``PIPS``."""
    for python in sorted({THIS, *(f"cp{minor.replace('.', '')}" for _, minor in PIPS)}):
        write_release(index.folder("tri"), python, ARCH)
    write_runtime(index.folder("cxx11-cuda-runtime"), "1.14.0", ARCH)
    return index


@pytest.mark.parametrize(
    ("pip", "minors"), [(NEWEST_PIP, ("3.11", "3.12", "3.13")), ("20.3.4", RUN_OLD_PIP)]
)
def test_stock_pip_takes_the_plain_wheel(
    release: Index,
    new_environment: NewEnvironment,
    find_python: Callable[..., str],
    pip: str,
    minors: tuple[str, ...],
) -> None:
    environment = new_environment(pip, find_python(*minors))
    done = environment.pip("install", "--index-url", release.url, "tri")
    assert done.returncode == 0, done.stderr
    assert environment.encoding() == "plain"
    assert environment.pip("check").returncode == 0


def test_stock_uv_takes_the_plain_wheel(release: Index, new_environment: NewEnvironment) -> None:
    environment = new_environment(None)
    done = environment.uv("pip", "install", "--index-url", release.url, "tri")
    assert done.returncode == 0, done.stderr
    assert environment.encoding() == "plain"
    assert environment.uv("pip", "check").returncode == 0


@pytest.mark.parametrize(("pip", "minor"), PIPS)
def test_cxxrt_pip_takes_the_tagged_wheel_and_its_runtime(
    release: Index,
    new_environment: NewEnvironment,
    find_python: Callable[..., str],
    pip: str,
    minor: str,
) -> None:
    environment = new_environment(pip, find_python(minor))
    done = environment.cxxrt_pip("install", "--index-url", release.url, "tri")
    assert done.returncode == 0, done.stderr
    assert environment.encoding() == "tag"
    assert "cxx11-cuda-runtime" in environment.pip("list").stdout.replace("_", "-")
    check = environment.cxxrt_pip("check")
    assert (check.returncode, check.stdout.strip()) == (0, "No broken requirements found.")


def test_a_pip_before_perennial_tags_is_refused_with_advice(
    new_environment: NewEnvironment, find_python: Callable[..., str]
) -> None:
    done = new_environment("20.2.4", find_python(*RUN_OLD_PIP)).cxxrt_pip("list")
    assert done.returncode == 3
    assert "has pip 20.2.4" in done.stderr
    assert "Install pip 20.3 or newer" in done.stderr


def test_an_environment_without_pip_is_served_by_ours(
    release: Index, new_environment: NewEnvironment
) -> None:
    environment = new_environment(None)
    done = environment.cxxrt_pip("install", "--index-url", release.url, "tri")
    assert done.returncode == 0, done.stderr
    assert environment.encoding() == "tag"


def _publish(index: Index) -> None:
    write_release(index.folder("tri"), THIS, ARCH)
    write_runtime(index.folder("cxx11-cuda-runtime"), "1.14.0", ARCH)


def _stock_pip(environment: Environment, url: str) -> None:
    done = environment.pip("install", "--index-url", url, "tri")
    assert done.returncode == 0, done.stderr


def _cxxrt_pip(environment: Environment, url: str) -> None:
    done = environment.cxxrt_pip("install", "--index-url", url, "tri")
    assert done.returncode == 0, done.stderr


def _stock_uv(environment: Environment, url: str) -> None:
    done = environment.uv("pip", "install", "--index-url", url, "tri")
    assert done.returncode == 0, done.stderr


def _uv_with_variants(environment: Environment, url: str) -> None:
    flag = ["--preview-features", "wheel-variants"]
    done = environment.uv("pip", "install", *flag, "--index-url", url, "tri")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("install", "encoding"),
    [
        (_stock_pip, "plain"),
        (_stock_uv, "plain"),
        (_cxxrt_pip, "tag"),
        (_uv_with_variants, "variant"),
    ],
)
def test_each_installer_takes_its_encoding_from_one_index(
    static_index: Index,
    new_environment: NewEnvironment,
    install: Callable[[Environment, str], None],
    encoding: str,
) -> None:
    _publish(static_index)
    environment = new_environment(NEWEST_PIP)
    install(environment, static_index.url)
    assert environment.encoding() == encoding


def test_without_the_flag_the_variant_is_invisible_to_uv_even_alone(
    static_index: Index, new_environment: NewEnvironment
) -> None:
    _publish(static_index)
    for path in static_index.folder("tri").iterdir():
        if not path.name.endswith(("-cxxrt1.whl", ".json")):
            path.unlink()
    environment = new_environment(None)
    done = environment.uv("pip", "install", "--index-url", static_index.url, "tri")
    assert done.returncode != 0
    _uv_with_variants(environment, static_index.url)
    assert environment.encoding() == "variant"


def test_a_release_that_has_only_a_tagged_wheel_is_absent_for_stock_installers(
    index: Index, new_environment: NewEnvironment
) -> None:
    """I-1, I-2."""
    write_release(index.folder("tri"), THIS, ARCH)
    write_runtime(index.folder("cxx11-cuda-runtime"), "1.14.0", ARCH)
    for path in index.folder("tri").glob("tri-*"):
        if f"-cxxrt1_{THIS}-" not in path.name:
            path.unlink()
    environment = new_environment(NEWEST_PIP)
    stock = environment.pip("install", "--index-url", index.url, "tri")
    assert stock.returncode == 1
    assert "No matching distribution found for tri" in stock.stderr
    assert environment.uv("pip", "install", "--index-url", index.url, "tri").returncode == 1
    _cxxrt_pip(environment, index.url)
    assert environment.encoding() == "tag"
