"""The loader and a C++ program on an old glibc and on aarch64, for real: Debian's own Pythons.

bullseye's glibc 2.31 runs through its own ld.so; aarch64 through qemu-user. What runs there is
child.py with its usual steps, so the answers have the same form.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from debfixtures import debian_set, library
from system_runtime import OURS_IS_NEWEST

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [pytest.mark.runtime, pytest.mark.compile, pytest.mark.network]

HERE = Path(__file__).parent
WORKS = {"number": "12 3.25", "parse": 42, "regex": 1}
LIBSTDCXX = "libstdc++.so.6"


def run_there(
    command: Sequence[str | Path], root: Path, site: Path, steps: Sequence[Sequence[object]]
) -> dict[str, Any]:
    """Run child.py under another system's Python."""
    environ = {"PATH": os.defpath, "PYTHONHOME": str(root / "usr"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [*map(str, command), "-S", "-B", str(HERE / "child.py"),
         json.dumps([["path", str(site)], *steps])],
        env=environ, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    reply: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return reply


@pytest.fixture(scope="module")
def bullseye() -> tuple[Path, list[str | Path]]:
    root = debian_set("bullseye-root")
    libraries = root / "lib" / "x86_64-linux-gnu"
    loader = libraries / "ld-2.31.so"
    path = f"{libraries}:{root / 'usr/lib/x86_64-linux-gnu'}"
    return root, [loader, "--library-path", path, root / "usr/bin/python3.9"]


@OURS_IS_NEWEST
def test_on_glibc_2_31_the_vendored_copy_is_loaded_and_a_cxx_module_runs_on_it(
    bullseye: tuple[Path, list[str | Path]], runtime_site: Path, probes: dict[str, Path], ours: Path
) -> None:
    root, python = bullseye
    code = "import os; print(os.confstr('CS_GNU_LIBC_VERSION'))"
    glibc = subprocess.run(
        [*map(str, python), "-S", "-c", code],
        env={"PYTHONHOME": str(root / "usr")}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert glibc.stdout.strip() == "glibc 2.31"
    names = [str(probes[name]) for name in ("plain", "second")]
    reply = run_there(
        python,
        root,
        runtime_site,
        [
            ["import"],
            ["require", {"glibcxx": "3.4.30", "cudart": "12", "who": "demo"}],
            ["require", {"openmp": True, "cudart": "13"}],
            *(["probe", name] for name in names),
            ["throw", *names],
            ["findings"],
        ],
    )
    assert reply["results"][1:] == ["vendored", "ok", "ok", WORKS, WORKS, 1, []]
    assert [each for each in reply["mapped"] if "libstdc++" in each] == [str(ours / LIBSTDCXX)]
    assert "_ctypes" not in reply["modules"]


def test_on_glibc_2_31_its_own_older_copy_is_kept_when_it_came_first(
    bullseye: tuple[Path, list[str | Path]], runtime_site: Path, probes: dict[str, Path]
) -> None:
    root, python = bullseye
    own = root / "usr/lib/x86_64-linux-gnu" / LIBSTDCXX
    reply = run_there(
        python,
        root,
        runtime_site,
        [
            ["dlopen", str(own)],
            ["import"],
            ["require", {"glibcxx": "3.4.28"}],
            ["require", {"glibcxx": "3.4.30"}],
            ["probe", str(probes["plain"])],
        ],
    )
    assert reply["results"][2:4] == ["already-loaded", "ok"]
    assert reply["results"][4]["rule"] == "CXXRT-L002"
    assert reply["results"][5] == WORKS


def test_a_library_that_needs_a_newer_glibc_is_refused_in_words(
    bullseye: tuple[Path, list[str | Path]], runtime_site: Path, tmp_path: Path
) -> None:
    root, python = bullseye
    site = Path(shutil.copytree(runtime_site, tmp_path / "site"))
    newer = library("bookworm-libstdcxx", LIBSTDCXX)
    shutil.copy(newer, site / "cxx11_cuda_runtime" / "lib" / LIBSTDCXX)
    with (site / "cxx11_cuda_runtime" / "_baked.py").open("a") as baked:
        baked.write("WHOLE = {}\n")  # as if this were the file that the wheel brought
    error = run_there(python, root, site, [["import"]])["results"][1]
    assert error["rule"] == "CXXRT-L001"
    assert "needs glibc 2.17 or newer and found glibc 2.31" in error["message"]


@pytest.fixture(scope="module")
def arm64() -> tuple[Path, list[str | Path]]:
    emulator = shutil.which("qemu-aarch64-static")
    if emulator is None:
        pytest.skip("needs qemu-aarch64-static: install qemu-user-static")
    root = debian_set("arm64-root")
    return root, [emulator, "-L", root, root / "usr/bin/python3.11"]


@pytest.fixture(scope="module")
def arm64_site(runtime_wheel_aarch64: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("arm64-site")
    with zipfile.ZipFile(runtime_wheel_aarch64) as archive:
        archive.extractall(site)
    return site


def test_on_aarch64_the_vendored_copies_are_loaded(
    arm64: tuple[Path, list[str | Path]], arm64_site: Path
) -> None:
    root, python = arm64
    reply = run_there(
        python,
        root,
        arm64_site,
        [
            ["import"],
            ["require", {"glibcxx": "3.4.30", "cudart": "12", "openmp": True, "who": "demo"}],
            ["require", {"glibcxx": "3.4.99", "who": "demo"}],
            ["require", {"cudart": "13"}],
            ["loaded"],
        ],
    )
    results = reply["results"][1:]
    assert results[0:2] == ["vendored", "ok"]
    assert results[2]["rule"] == "CXXRT-L002"
    assert results[3] == "ok"
    lib = arm64_site / "cxx11_cuda_runtime" / "lib"
    for row in results[4]:
        assert row[1:3] == [str(lib / row[0]), "vendored"]
    assert {row[0] for row in results[4]} >= {LIBSTDCXX, "libcudart.so.12", "libcudart.so.13"}


def test_on_aarch64_a_cxx_module_runs_on_the_vendored_copy(
    arm64: tuple[Path, list[str | Path]], arm64_site: Path, arm64_probe: Path
) -> None:
    root, python = arm64
    probe = str(arm64_probe)
    steps = [["import"], ["probe", probe], ["throw", probe, probe]]
    reply = run_there(python, root, arm64_site, steps)
    assert reply["results"][1:] == ["vendored", WORKS, 1]
    expected = str(arm64_site / "cxx11_cuda_runtime" / "lib" / LIBSTDCXX)
    assert [each for each in reply["mapped"] if "libstdc++" in each] == [expected]


@pytest.fixture(scope="module")
def arm64_probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """probe.cc for aarch64, by a cross compiler."""
    compiler = shutil.which("aarch64-linux-gnu-g++")
    if compiler is None:
        pytest.skip("needs aarch64-linux-gnu-g++: install g++-aarch64-linux-gnu")
    output = tmp_path_factory.mktemp("arm64-probe") / "probe.so"
    subprocess.run(
        [compiler, "-O1", "-std=c++17", "-DPROBE_OLD", "-shared", "-fPIC", "-o", str(output),
         str(HERE / "probe.cc")],
        check=True,
    )  # fmt: skip
    return output
