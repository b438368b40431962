"""The README's first command, after its set-up: the demo on this machine's compiler and caches."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from system_runtime import OURS_IS_NEWEST

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.compile, pytest.mark.runtime, pytest.mark.network]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the demo printed, and the folder that it kept."""
    if shutil.which("g++") is None:
        pytest.skip("needs a C++ compiler: apt-get install g++")
    kept = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "demo", "--keep", str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, kept


def test_the_import_fails_with_the_real_error_without_the_runtime(demo: tuple[str, Path]) -> None:
    assert re.search(r"ImportError: .*version `GLIBCXX_3\.4\.\d+' not found", demo[0])


def test_the_same_import_runs_and_an_exception_crosses_two_compilers(
    demo: tuple[str, Path],
) -> None:
    assert "hello world, 12 formatted twelve, a word: true" in demo[0]
    assert (
        "caught: thrown by the host's g++: an exception; frames of demo_modern unwound: 1"
        in (demo[0])
    )


def test_both_cuda_runtimes_answer(demo: tuple[str, Path]) -> None:
    for major in ("12", "13"):
        assert re.search(
            rf"libcudart\.so\.{major}: cudaRuntimeGetVersion {major}\.\d+ \(status 0\)", demo[0]
        )


@OURS_IS_NEWEST
def test_every_soname_is_mapped_once_and_from_the_wheel(demo: tuple[str, Path]) -> None:
    assert "every SONAME is mapped exactly once" in demo[0]
    for soname in ("libgcc_s.so.1", "libstdc++.so.6", "libcudart.so.12", "libcudart.so.13"):
        assert demo[0].count(f"runtime wheel: {soname}") == 1


def test_a_missing_compiler_is_named_with_its_remedy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cxxrt_toolchain", "runtime", "demo"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
    )
    assert done.returncode == 3
    assert "apt-get install g++" in done.stderr
    assert "Traceback" not in done.stderr
