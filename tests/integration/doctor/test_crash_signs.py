"""Real crashes that announce themselves by a text: what the doctor makes of it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from bodies import GLOBALLY
from doctor_workshop import of_compiler

from cxxrt_toolchain.doctor.imports import diagnose_imports

if TYPE_CHECKING:
    from pathlib import Path

    from doctor_workshop import Workshop

    from cxxrt_toolchain.rules.rule import Finding

pytestmark = pytest.mark.compile

_HIDDEN = ("-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL")
_FIND = """
#include <dlfcn.h>
template <class F> F* found(const char* name) { return (F*)dlsym(RTLD_DEFAULT, name); }
"""
RETHROWS = """
extern "C" __attribute__((visibility("default"))) void classify() {
  try { throw; } catch (...) { }
}
static const char* check() { return nullptr; }
"""
THROWS = f"""{_FIND}
static const char* check() {{
  try {{ throw 1; }} catch (...) {{ found<void()>("classify")(); }}
  return nullptr;
}}
"""
COUNTS = """
extern "C" int omp_get_max_threads();
static const char* check() { return omp_get_max_threads() ? nullptr : "none"; }
"""


def crash(*modules: str) -> Finding:
    diagnosis = diagnose_imports(sys.executable, modules, timeout=60)
    assert [each.outcome.value for each in diagnosis.steps] == ["imported", "crashed"]
    (found,) = [each for each in diagnosis.findings if each.rule == "CXXRT-D27"]
    return found


def test_a_second_exception_runtime_ends_the_process(workshop: Workshop) -> None:
    """``throw;`` in a runtime of its own, in which nothing was thrown."""
    of_compiler("libstdc++.a")
    workshop.make("maker", RETHROWS, *_HIDDEN, start=GLOBALLY)
    workshop.make("victim", THROWS, "-ldl")
    found = crash("maker", "victim")
    assert "SIGABRT" in found.message
    assert (
        "it printed 'terminate called without an active exception': "
        "two exception runtimes (CXXRT-D20), or a thread that was not joined"
    ) in found.evidence


@pytest.mark.network
def test_two_openmp_runtimes_that_do_not_go_together(workshop: Workshop, tmp_path: Path) -> None:
    """Intel's, and the same under LLVM's name: they are one code."""
    runtime = _fetched(tmp_path)
    other = workshop.renamed(runtime, "libomp.so")
    workshop.make("first", COUNTS, libraries=[runtime])
    workshop.make("second", COUNTS, libraries=[other])
    found = crash("first", "second")
    assert (
        "libiomp5.so of first 1.0 and libomp.so of second 1.0 cannot share a process"
        in found.message
    )
    assert found.culprits == ("first", "second")
    assert any(line.startswith("it printed 'OMP: Error #15'") for line in found.evidence)
    assert found.remedies == ("Install builds of these packages that use one OpenMP runtime",)


def _fetched(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    done = subprocess.run([*command, "intel-openmp"], capture_output=True, text=True, check=False)
    wheel = next(folder.glob("intel_openmp-*.whl"), None)
    if wheel is None:
        pytest.skip(f"needs Intel's OpenMP runtime: {done.stderr.strip()[-200:]}")
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith("/libiomp5.so")]
        target = folder / "libiomp5.so"
        target.write_bytes(archive.read(member))
    return target
