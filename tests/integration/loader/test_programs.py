"""Where no ``require()`` runs in time: programs in wheels, and hosts that embed Python (B-4)."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from machine import need_extension_builder

pytestmark = [pytest.mark.runtime, pytest.mark.compile]

LIBSTDCXX = "libstdc++.so.6"
SAYS = r"""
#include <fstream>
#include <iostream>
#include <set>
#include <string>
static void mapped() {
  std::ifstream maps("/proc/self/maps");
  std::set<std::string> found;
  for (std::string line; std::getline(maps, line);)
    if (line.find("/libstdc++.so.6") != std::string::npos)
      found.insert(line.substr(line.find('/')));
  for (const auto& each : found) std::cout << each << "\n" << std::flush;
}
"""
PROGRAM = SAYS + "int main() { mapped(); }\n"
HOST = (
    "#include <Python.h>\n" + SAYS + "int main(int, char** words) {\n"
    "  Py_Initialize();\n"
    "  int failed = PyRun_SimpleString(words[1]) != 0;\n"
    "  mapped();\n"
    "  return failed;\n"
    "}\n"
)


def compiled(source: str, target: Path, *options: str) -> Path:
    """A program of this machine's g++, in a folder made for it."""
    need_extension_builder()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".cc").write_text(source)
    command = ["g++", "-o", str(target), str(target.with_suffix(".cc")), *options]
    subprocess.run(command, check=True)
    return target


def started(*command: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LD_", "CXXRT"))}
    return subprocess.run(
        [*map(str, command)], env={**kept, **environ}, capture_output=True, text=True, check=False
    )


def test_a_program_in_a_wheel_finds_the_runtime_by_its_run_path(own_site: Path) -> None:
    path = "-Wl,-rpath,$ORIGIN/../../cxx11_cuda_runtime/lib"
    program = compiled(PROGRAM, own_site / "demo" / "bin" / "program", path)
    own = own_site / "cxx11_cuda_runtime" / "lib" / LIBSTDCXX
    assert started(program).stdout.splitlines() == [str(own)]


def test_one_without_takes_the_systems_unless_run_leads_it(
    runtime_site: Path, ours: Path, tmp_path: Path
) -> None:
    program = compiled(PROGRAM, tmp_path / "program")
    (alone,) = started(program).stdout.splitlines()
    assert not alone.startswith(str(ours))
    code = f"import subprocess; subprocess.run([{str(program)!r}], check=True)"
    led = started(
        *(sys.executable, "-m", "cxx11_cuda_runtime", "run", "-c", code),
        PYTHONPATH=str(runtime_site),
    )
    assert led.stdout.splitlines() == [str(ours / LIBSTDCXX)], led.stderr


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A C++ program that embeds this Python."""
    library = Path(sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("LDLIBRARY"))
    if ".so" not in library.name or not library.exists():
        pytest.skip("needs a Python with a shared library: configure --enable-shared")
    include = sysconfig.get_paths()["include"]
    options = [f"-I{include}", str(library), f"-Wl,-rpath,{library.parent}"]
    return compiled(HOST, tmp_path / "host", *options)


def test_the_copy_of_a_host_that_embeds_python_is_accepted_refused_or_preloaded(
    host: Path, runtime_site: Path, ours: Path, foreign: dict[str, Path]
) -> None:
    environ = {
        "PYTHONPATH": str(runtime_site),
        "PYTHONHOME": sys.base_prefix,
        "LD_LIBRARY_PATH": str(foreign["30"].parent),
    }

    def ask(glibcxx: str, **more: str) -> subprocess.CompletedProcess[str]:
        code = f"import cxx11_cuda_runtime as r; r.require(glibcxx={glibcxx!r}, who='demo')"
        done = started(host, code, **environ, **more)
        (mapped,) = done.stdout.splitlines()
        assert mapped == (str(ours / LIBSTDCXX) if more else str(foreign["30"])), done.stderr
        return done

    assert ask("3.4.30").returncode == 0
    refused = ask("3.4.33")
    assert refused.returncode == 1
    preload = f"{ours / 'libgcc_s.so.1'}:{ours / LIBSTDCXX}"
    assert f"start {host} with LD_PRELOAD={preload}" in refused.stderr
    assert ask("3.4.33", LD_PRELOAD=preload).returncode == 0
