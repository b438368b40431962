"""Beside the libraries of a newer GCC than ours: they win, or are kept, and nothing breaks."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cxxrt_toolchain.elf.patcher import find_patchelf

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.runtime, pytest.mark.compile, pytest.mark.network]

LIBSTDCXX = "libstdc++.so.6"
WORKS = {"number": "12 3.25", "parse": 42, "regex": 1}


@pytest.fixture(scope="module")
def newer_site(runtime16_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("newer")
    with zipfile.ZipFile(runtime16_wheel) as archive:
        archive.extractall(site)
    return site


@pytest.fixture(scope="module")
def newer(newer_site: Path) -> Path:
    return newer_site / "cxx11_cuda_runtime" / "lib" / LIBSTDCXX


@pytest.fixture(scope="module")
def mangled(newer: Path, probes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe on a private, renamed copy of the newer library."""
    folder = tmp_path_factory.mktemp("newer-mangled")
    patchelf = str(find_patchelf())
    private = Path(shutil.copy(newer, folder / "libstdc++-0ddba11.so.6"))
    probe = Path(shutil.copy(probes["plain"], folder / "probe.so"))
    for command in (
        [patchelf, "--set-soname", private.name, str(private)],
        [
            patchelf,
            "--replace-needed",
            LIBSTDCXX,
            private.name,
            "--set-rpath",
            "$ORIGIN",
            str(probe),
        ],
    ):
        subprocess.run(command, check=True)
    return probe


def test_a_newer_copy_that_is_loaded_serves_everything(
    run_state: Callable[..., Any], newer: Path, probes: dict[str, Path], python: str
) -> None:
    reply = run_state(
        [
            ["dlopen", str(newer)],
            ["import"],
            ["require", {"glibcxx": "3.4.33", "who": "demo"}],
            ["require", {"glibcxx": "3.4.36", "who": "demo"}],
            ["probe", str(probes["new"])],
            ["loaded"],
            ["findings"],
        ],
        python=python,
    )
    assert reply.results[1:5] == ["already-loaded", "ok", "ok", WORKS]
    assert [row[3] for row in reply.results[5] if row[0] == LIBSTDCXX] == ["3.4.36"]
    assert [row[:2] for row in reply.results[6]] == [["CXXRT-L104", "note"]]
    assert [path for path in reply.mapped if "libstdc++" in path] == [str(newer)]


def test_a_newer_copy_on_ld_library_path_wins(
    run_state: Callable[..., Any], newer: Path, probes: dict[str, Path], python: str
) -> None:
    reply = run_state(
        [["import"], ["probe", str(probes["new"])]],
        python=python,
        environ={"LD_LIBRARY_PATH": str(newer.parent)},
    )
    assert reply.results == ["ld-library-path", WORKS]
    assert [path for path in reply.mapped if "libstdc++" in path] == [str(newer)]


def test_the_newer_wheel_serves_what_the_older_one_refuses(
    run_state: Callable[..., Any], newer_site: Path, probes: dict[str, Path], python: str
) -> None:
    steps = [["import"], ["require", {"glibcxx": "3.4.36"}], ["probe", str(probes["new"])]]
    assert run_state(steps, site=newer_site, python=python).results == ["vendored", "ok", WORKS]
    assert run_state(steps, python=python).results[1]["rule"] == "CXXRT-L002"


def test_a_private_copy_of_a_newer_one_works_after_ours_or_the_older_system_one(
    run_state: Callable[..., Any],
    mangled: Path,
    foreign: dict[str, Path],
    probes: dict[str, Path],
    python: str,
) -> None:
    after_ours = run_state([["import"], ["probe", str(mangled)]], python=python)
    assert after_ours.results == ["vendored", WORKS]
    promoted = run_state(
        [
            ["dlopen", str(foreign["30"])],
            ["probe", str(probes["plain"])],
            ["import"],
            ["probe", str(mangled)],
        ],
        python=python,
    )
    assert promoted.results[1:] == [WORKS, "already-loaded", WORKS]


def test_without_us_the_newer_private_copy_crashes_the_process(
    run_state: Callable[..., Any], mangled: Path, foreign: dict[str, Path], probes: dict[str, Path]
) -> None:
    steps = [
        ["dlopen", str(foreign["30"])],
        ["probe", str(probes["plain"])],
        ["probe", str(mangled)],
    ]
    with pytest.raises(AssertionError, match="exit -11"):
        run_state(steps)
