"""Two builds from nothing, in unlike surroundings, one without a network: the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.runtime.recipe_reader import provider_names, recipes_root

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.cold, pytest.mark.network]
NO_ROUTES = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
SEES_NO_NETWORK = "import socket; socket.create_connection(('127.0.0.1', 9))"


def cxxrt(*arguments: object, prefix: tuple[str, ...] = (), **environment: str) -> Path:
    """Run ``cxxrt``; the path that it prints."""
    command = [*prefix, sys.executable, "-m", "cxxrt_toolchain"]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


def members(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def assert_same(first: Path, second: Path) -> None:
    """Two wheels have the same bytes; members that differ are named first."""
    one, two = members(first), members(second)
    assert [name for name in one if one[name] != two.get(name)] == []
    assert first.read_bytes() == second.read_bytes()


@pytest.fixture(scope="module")
def no_routes() -> list[str]:
    """The beginning of a command that sees no network, not even the loopback; or a skip."""
    try:
        command = [*NO_ROUTES, sys.executable, "-c", SEES_NO_NETWORK]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare: apt-get install util-linux")
    if "Network is unreachable" not in done.stderr:
        pytest.skip(f"no network namespace can be made here: {done.stderr[-200:]}")
    return NO_ROUTES


def test_the_wheel_depends_on_neither_network_folder_umask_time_zone_nor_locale(
    tmp_path: Path, downloads: Path, built: Callable[[str, str], Path], no_routes: list[str]
) -> None:
    built("gcc-runtime", "x86_64")  # fills the downloads, or skips
    first = cxxrt(
        *("runtime", "build", "-w", tmp_path / "one", "--cache", tmp_path / "cache"),
        prefix=("sh", "-c", 'umask 022; exec "$@"', "sh"),
        CXXRT_DOWNLOADS=str(downloads),
        TZ="UTC",
        LC_ALL="C",
    )
    bundle = cxxrt(
        *("runtime", "sources", "--arch", "x86_64", "-o", tmp_path / "bundle"),
        CXXRT_DOWNLOADS=str(downloads),
    )
    second = cxxrt(
        *("runtime", "build", "--sources", bundle, "-w", tmp_path / "two"),
        *("--cache", tmp_path / "a-much-longer-name" / "cache"),
        prefix=("sh", "-c", 'umask 077; exec "$@"', "sh", *no_routes),
        TZ="Pacific/Kiritimati",
        LC_ALL="C.UTF-8",
    )
    assert not list((tmp_path / "a-much-longer-name" / "cache").glob("downloads/*"))
    assert_same(first, second)


@pytest.mark.parametrize("name", provider_names(recipes_root()))
def test_a_providers_wheel_and_its_compiler_are_built_again_without_a_network(
    name: str, tmp_path: Path, built: Callable[[str, str], Path], no_routes: list[str]
) -> None:
    built("gcc-runtime", "x86_64")  # the user's cache serves the first wheel; or skips
    first = cxxrt("provider", "build", name, "--arch", "x86_64", "-w", tmp_path / "one")
    bundle = cxxrt("provider", "sources", name, "--arch", "x86_64", "-o", tmp_path / "bundle")
    second = cxxrt(
        *("provider", "build", name, "--arch", "x86_64", "--sources", bundle),
        *("-w", tmp_path / "two", "--cache", tmp_path / "a-much-longer-name" / "cache"),
        prefix=("sh", "-c", 'umask 077; exec "$@"', "sh", *no_routes),
        TZ="Pacific/Kiritimati",
        LC_ALL="C.UTF-8",
    )
    assert not list((tmp_path / "a-much-longer-name" / "cache").glob("downloads/*"))
    assert_same(first, second)
