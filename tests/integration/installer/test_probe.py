"""Real interpreters describe themselves; a real driver library is asked, in a child only."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.errors import InputError, MissingToolError
from cxxrt_toolchain.host import probe as probe_module
from cxxrt_toolchain.host.describe import describe, find_interpreter
from cxxrt_toolchain.host.probe import cuda_driver, manifest_of, probe

if TYPE_CHECKING:
    from collections.abc import Callable

SPEC = load_spec()
NVIDIA = Path("/proc/driver/nvidia/version")


@pytest.mark.parametrize("minor", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_any_interpreter_describes_itself(find_python: Callable[..., str], minor: str) -> None:
    found = describe(find_python(minor), SPEC)
    assert found.python.startswith(f"{minor}.")
    assert found.vetoes == ()
    libc, version = platform.libc_ver()
    assert found.glibc == (version if libc == "glibc" else "")


def test_its_tags_are_those_that_packaging_computes_in_it(find_python: Callable[..., str]) -> None:
    found = describe(find_python("3.12"), SPEC, with_tags=True)
    assert found.tags[0].startswith("cp312-cp312-")
    assert found.tags[-1] == "py30-none-any"
    assert not any("cxxrt" in tag for tag in found.tags)


def test_a_python_before_3_7_is_named_and_the_way_out_too(find_python: Callable[..., str]) -> None:
    with pytest.raises(MissingToolError, match=r"is Python 3\.6\.\d+; this needs 3\.7 or newer"):
        describe(find_python("3.6"), SPEC)


def test_a_python_too_old_for_packaging_still_describes_itself_without_tags(
    find_python: Callable[..., str],
) -> None:
    python = find_python("3.7")
    assert describe(python, SPEC).python.startswith("3.7.")
    with pytest.raises(MissingToolError, match="too old for the package 'packaging'"):
        describe(python, SPEC, with_tags=True)


def test_what_is_no_interpreter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no Python interpreter at"):
        find_interpreter(str(tmp_path / "python"))
    text = tmp_path / "text"
    text.write_text("no program\n")
    with pytest.raises(MissingToolError, match="cannot run"):
        describe(find_interpreter(str(text)), SPEC)


def test_a_program_that_is_no_python_fails_with_its_output(tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho not me >&2\nexit 7\n")
    script.chmod(0o755)
    with pytest.raises(InputError, match=r"exit 7.*not me"):
        describe(str(script), SPEC)


def test_an_environment_without_the_runtime_has_no_manifest() -> None:
    question = "from importlib.util import find_spec; exit(not find_spec('cxx11_cuda_runtime'))"
    clean = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([sys.executable, "-c", question], env=clean, check=False)
    assert (manifest_of(describe(sys.executable, SPEC)) is not None) is (done.returncode == 0)


@pytest.fixture
def fake_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a ``libcuda.so.1`` with that body of ``cuDriverGetVersion`` on the loader's path."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler: apt-get install gcc")

    def make(body: str) -> None:
        source = tmp_path / "cuda.c"
        source.write_text(f"#include <unistd.h>\nint cuDriverGetVersion(int *v) {{ {body} }}\n")
        library = tmp_path / "libcuda.so.1"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
        monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))

    return make


@pytest.mark.compile
@pytest.mark.parametrize(
    ("body", "major"),
    [
        ("*v = 12090; return 0;", 12),
        ("*v = 13000; return 0;", 13),
        ("*v = 12090; return 34;", None),  # CUDA_ERROR_STUB_LIBRARY
        ("*v = 0; return 0;", None),
    ],
)
def test_the_driver_is_asked_in_a_child(
    fake_driver: Callable[[str], None], body: str, major: int | None
) -> None:
    fake_driver(body)
    assert cuda_driver(SPEC, {}) == major
    assert "libcuda" not in Path("/proc/self/maps").read_text()


@pytest.mark.compile
@pytest.mark.parametrize("body", ["sleep(60); return 0;", "__builtin_trap(); return 0;"])
def test_a_driver_that_hangs_or_crashes_leaves_the_kernel_to_answer(
    fake_driver: Callable[[str], None], body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_driver(body)
    monkeypatch.setattr(probe_module, "_TIMEOUT", 1)
    version = tmp_path / "version"
    monkeypatch.setattr(probe_module, "_KERNEL_DRIVER", version)
    assert cuda_driver(SPEC, {}) is None
    version.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu Jan 23\n")
    assert cuda_driver(SPEC, {}) == 12


@pytest.mark.compile
def test_the_variable_spares_the_question(fake_driver: Callable[[str], None]) -> None:
    fake_driver("*v = 13000; return 0;")
    assert cuda_driver(SPEC, {"CXXRT_CUDA": "none"}) is None
    assert cuda_driver(SPEC, {"CXXRT_CUDA": "12"}) == 12


@pytest.mark.gpu
def test_a_real_driver_is_found() -> None:
    if not NVIDIA.exists():
        pytest.skip("needs an NVIDIA driver: /proc/driver/nvidia/version is missing")
    found = cuda_driver(SPEC, {})
    assert found is not None
    assert found >= 11
    assert "libcuda" not in Path("/proc/self/maps").read_text()


def test_a_host_is_probed_from_the_interpreter_and_the_variable() -> None:
    host = probe(describe(sys.executable, SPEC), SPEC, {"CXXRT_CUDA": "13"})
    assert host.driver == 13
    assert host.vetoes == frozenset()
