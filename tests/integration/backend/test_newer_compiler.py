"""A compiler that is newer than the runtime's libstdc++: versions are kept, the bound says which.

The compiler is that of the GCC 16 recipe, the runtime that of the published one (GCC 14).
"""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from machine import need_extension_builder
from sample_builds import build_wheel, copied, run

from cxxrt_toolchain.elf.reader import read_elf

if TYPE_CHECKING:
    from pathlib import Path

    from sample_builds import Environment, Index

pytestmark = [pytest.mark.compile, pytest.mark.runtime, pytest.mark.isolated, pytest.mark.network]


@pytest.fixture
def newer_wheel(
    tmp_path: Path,
    index: Index,
    samples: Path,
    runtime16_wheel: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The sample, compiled by GCC 16 against the runtime of GCC 14."""
    need_extension_builder()
    assert runtime16_wheel.is_file(), "its build brings the compiler"
    command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "compiler"]
    done = run([*command, "--recipe", "runtime-16"], index.environment())
    compiler = done.splitlines()[-1]
    monkeypatch.setenv("CXX", compiler)
    monkeypatch.setenv("CC", compiler.replace("g++", "gcc"))
    source = copied(samples / "newer_compiler", tmp_path / "source")
    build_wheel(source, tmp_path / "dist", "build", index)
    return next((tmp_path / "dist").glob("*.whl"))


def test_the_requirement_names_the_runtime_that_the_compiler_needs(
    newer_wheel: Path, new_environment: Environment, runtime16_wheel: Path
) -> None:
    with ZipFile(newer_wheel) as archive:
        metadata = archive.read("newer_compiler-1.0.dist-info/METADATA").decode()
        module = next(name for name in archive.namelist() if name.endswith(".so"))
        facts = read_elf(io.BytesIO(archive.read(module)), module, symbols=True)
    assert "Requires-Dist: cxx11-cuda-runtime<2,>=1.16" in metadata
    lost = [
        symbol.name
        for symbol in facts.symbols or ()
        if not symbol.defined and symbol.name.startswith("_Z") and symbol.version is None
    ]
    assert lost == [], "every C++ symbol has the version of its library"

    pip = [str(new_environment.python), "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
    unpacked = new_environment.python.parents[1] / "site"
    with ZipFile(newer_wheel) as archive:
        archive.extractall(unpacked)
    code = f"import sys; sys.path.insert(0, {str(unpacked)!r}); import flagged"
    subprocess.run([*pip, str(runtime16_wheel)], check=True)
    assert new_environment.run(f"{code}; print(flagged.selftest())") == "cxxrt 42\n"


def test_an_older_runtime_is_refused_with_the_remedy(
    newer_wheel: Path, new_environment: Environment, runtime_wheel: Path
) -> None:
    pip = [str(new_environment.python), "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(runtime_wheel)], check=True)
    unpacked = new_environment.python.parents[1] / "site"
    with ZipFile(newer_wheel) as archive:
        archive.extractall(unpacked)
    code = f"import sys; sys.path.insert(0, {str(unpacked)!r}); import flagged"
    done = subprocess.run(
        [str(new_environment.python), "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "CXXRT-L002" in done.stderr
    assert "undefined symbol" not in done.stderr
