"""``cxxrt runtime`` as a user calls it: exit codes, streams, one paragraph per error."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _cxxrt(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cxxrt_toolchain", "runtime", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_list_names_recipes_versions_components_and_licences(tmp_path: Path) -> None:
    done = _cxxrt("list", "--cache", str(tmp_path))
    assert done.returncode == 0, done.stderr
    for text in (
        "runtime: cxx11-cuda-runtime 1.14.0, glibc 2.17",
        "runtime-15: cxx11-cuda-runtime 1.15.0, glibc 2.17",
        "runtime-16: cxx11-cuda-runtime 1.16.0, glibc 2.17",
        "gcc-runtime 14.2.0 (GPL-3.0-or-later WITH GCC-exception-3.1",
        "cudart13 13.",
        "not built in this cache",
    ):
        assert text in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.runtime
@pytest.mark.network
def test_list_prints_the_figures_of_what_is_built(built: Callable[[str, str], Path]) -> None:
    built("gcc-runtime", "x86_64")
    done = _cxxrt("list", "--arch", "x86_64")
    assert "libstdc++.so.6: " in done.stdout
    assert "needs GLIBC_2.17" in done.stdout
    assert "GLIBCXX_3.4.33" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("build", "--recipe", "nightly"), 2, "no runtime recipe 'nightly' exists. Known: runtime"),
        (("build", "--jobs", "0"), 2, "--jobs must be at least 1"),
        (("build", "--arch", "vax"), 2, "invalid choice: 'vax'"),
        (("build", "--cache", "with space"), 2, "Name another folder with --cache"),
        (("build", "--cache", "/dev/null/x"), 3, "cannot be written"),
        ((), 2, "COMMAND"),
    ],
)
def test_a_wrong_call_is_one_paragraph_and_its_exit_code(
    arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = _cxxrt(*arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_build_without_a_reachable_mirror_says_what_to_set(tmp_path: Path) -> None:
    done = _cxxrt(
        "compiler",
        "--arch",
        "x86_64",
        "--cache",
        str(tmp_path),
        CXXRT_DEBIAN_MIRROR="http://127.0.0.1:9/debian",
        CXXRT_DOWNLOADS=str(tmp_path / "downloads"),
    )
    assert done.returncode == 3
    assert "cannot be fetched" in done.stderr
    assert "CXXRT_DEBIAN_MIRROR" in done.stderr
    assert "Traceback" not in done.stderr
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []
