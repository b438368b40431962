"""A Fortran module of the recipe's gfortran: libgfortran and libquadmath are the runtime's."""

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
MAPPED = """
import cxxrt_sample_fortran as sample
print(sample.selftest())
for name in ("libgfortran", "libquadmath"):
    print(*sorted({line.split()[-1] for line in open("/proc/self/maps") if name in line}))
"""


@pytest.fixture
def wheel(tmp_path: Path, index: Index, samples: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample, compiled by the compiler of the published runtime."""
    need_extension_builder()
    command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "compiler"]
    compiler = run(command, index.environment()).splitlines()[-1]
    for variable, name in (("CC", "gcc"), ("CXX", "g++"), ("FC", "gfortran")):
        monkeypatch.setenv(variable, compiler.replace("g++", name))
    source = copied(samples / "fortran_meson", tmp_path / "source")
    build_wheel(source, tmp_path / "dist", "build", index)
    return next((tmp_path / "dist").glob("*.whl"))


def test_a_fortran_module_needs_the_libraries_of_the_runtime_and_finds_them_there(
    wheel: Path, new_environment: Environment, runtime_wheel: Path
) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        (module,) = (name for name in names if name.endswith(".so"))
        facts = read_elf(io.BytesIO(archive.read(module)), module, symbols=True)
        metadata = archive.read("cxxrt_sample_fortran-1.0.dist-info/METADATA").decode()
    assert {"libgfortran.so.5", "libquadmath.so.0"} <= set(facts.needed)
    assert not [name for name in names if "libgfortran" in name or "libquadmath" in name]
    assert facts.runpath == "$ORIGIN/../cxx11_cuda_runtime/lib"
    needs = {need.version for need in facts.version_needs}
    assert {"GFORTRAN_8", "QUADMATH_1.0"} <= needs, needs
    assert "Requires-Dist: cxx11-cuda-runtime" in metadata
    check = [sys.executable, "-m", "cxxrt_toolchain", "check", str(wheel)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

    pip = [str(new_environment.python), "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(wheel), str(runtime_wheel)], check=True)
    said, *mapped = new_environment.run(MAPPED).splitlines()
    assert said == "cxxrt 42"
    for line, name in zip(mapped, ("libgfortran.so.5", "libquadmath.so.0"), strict=True):
        (path,) = line.split()
        assert path.endswith(f"/cxx11_cuda_runtime/lib/{name}")
