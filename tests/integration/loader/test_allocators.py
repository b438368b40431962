"""Preloaded allocators and the address sanitizer: one libstdc++, and C++ works on it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from debfixtures import library
from machine import need_extension_builder

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.runtime, pytest.mark.compile, pytest.mark.network]

LIBSTDCXX = "libstdc++.so.6"
WORKS = {"number": "12 3.25", "parse": 42, "regex": 1}


def _asan() -> Path:
    need_extension_builder()
    command = ["g++", "-print-file-name=libasan.so"]
    path = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    if not path.is_absolute():
        pytest.skip("needs the compiler's libasan.so")
    return path.resolve()


PRELOADED = {
    "asan": (_asan, "vendored"),
    "jemalloc": (lambda: library("bookworm-allocators", "libjemalloc.so.2"), "already-loaded"),
    "tcmalloc": (
        lambda: library("bookworm-allocators", "libtcmalloc_minimal.so.4"),
        "already-loaded",  # they need the machine's, which is there before any Python code
    ),
}


@pytest.mark.parametrize("name", PRELOADED)
def test_under_a_preloaded_allocator(
    run_state: Callable[..., Any], probes: dict[str, Path], python: str, name: str
) -> None:
    """The sanitizer looks up ``__cxa_throw`` when the process starts: who throws preloads both."""
    preload, how = PRELOADED[name]
    plain, second = str(probes["plain"]), str(probes["second"])
    needs = {"glibcxx": "3.4.21", "cudart": "12", "openmp": True, "who": "demo"}
    thrown = [["throw", plain, second]] if name != "asan" else []
    reply = run_state(
        [["import"], ["require", needs], ["probe", plain], ["probe", second], *thrown]
        + [["require", needs]] * 50,
        python=python,
        environ={"LD_PRELOAD": str(preload()), "ASAN_OPTIONS": "detect_leaks=0"},
    )
    assert reply.results == [how, "ok", WORKS, WORKS, *(1 for _ in thrown), *["ok"] * 50]
    for soname in (LIBSTDCXX, "libgcc_s", "libgomp", "libcudart.so.12"):
        assert reply.count(soname) == 1, reply.mapped


def test_under_the_sanitizer_with_the_runtime_preloaded_beside_it(
    run_state: Callable[..., Any], probes: dict[str, Path], ours: Path, python: str
) -> None:
    plain, second = str(probes["plain"]), str(probes["second"])
    both = f"{_asan()}:{ours / 'libgcc_s.so.1'}:{ours / LIBSTDCXX}"
    reply = run_state(
        [["import"], ["probe", plain], ["throw", plain, second]],
        python=python,
        environ={"LD_PRELOAD": both, "ASAN_OPTIONS": "detect_leaks=0"},
    )
    assert reply.results == ["vendored", WORKS, 1]
    assert reply.count(LIBSTDCXX) == 1
