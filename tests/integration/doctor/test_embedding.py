"""Programs that embed Python, or were packed with it: remedies that they can follow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from doctor_workshop import of_compiler
from fixture_cache import compiled
from machine import need_extension_builder

from cxxrt_toolchain.doctor.process import diagnose_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cxxrt_toolchain.rules.rule import Finding

pytestmark = [pytest.mark.compile, pytest.mark.runtime, pytest.mark.network]

HOST = """
#include <Python.h>
#include <iostream>
int main(int, char** arguments) {
  Py_Initialize();
  std::cout << "embeds " << std::flush;
  return PyRun_SimpleString(arguments[1]) ? 1 : 0;
}
"""
NEWEST = "import cxx11_cuda_runtime as r; r.require(glibcxx='3.4.33', who='app')"
WAITS = "import cxx11_cuda_runtime, sys; print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A program that embeds Python, with the interpreter's library in a folder of its own."""
    need_extension_builder()
    library = Path(sysconfig.get_config_var("LIBDIR")) / sysconfig.get_config_var("LDLIBRARY")
    if ".so" not in library.name or not library.exists():
        pytest.skip("needs a Python with a shared library: configure --enable-shared")
    (tmp_path / "app").mkdir()
    source = tmp_path / "host.cc"
    source.write_text(HOST)
    include = sysconfig.get_paths()["include"]
    paths = [f"-Wl,-rpath,$ORIGIN/_internal:{library.parent}", "-Wl,--disable-new-dtags"]
    command = ["g++", f"-I{include}", "-o", "@", str(source), str(library), *paths]
    return compiled(tmp_path / "app" / "host", command)


@pytest.fixture
def environ(runtime_env: Callable[[], Path]) -> dict[str, str]:
    site = next(runtime_env().parents[1].glob("lib/python3*/site-packages"))
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    return {**kept, "PYTHONPATH": str(site), "PYTHONHOME": sys.base_prefix}


@pytest.fixture
def look(host: Path, environ: dict[str, str]) -> Iterator[Callable[[], Finding]]:
    """What the doctor says of the libstdc++ of the running program."""
    running: list[subprocess.Popen[str]] = []

    def judge() -> Finding:
        child = subprocess.Popen(
            [host, WAITS], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(child)
        assert child.stdout is not None
        assert "ready" in child.stdout.readline()
        found = diagnose_process(child.pid).findings
        return next(each for each in found if each.rule == "CXXRT-L104")

    yield judge
    for child in running:
        child.communicate()


def test_a_program_that_embeds_python_is_started_with_ld_preload(
    host: Path, environ: dict[str, str], look: Callable[[], Finding]
) -> None:
    done = subprocess.run([host, NEWEST], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    advice = f"start {host} with LD_PRELOAD="
    assert advice in done.stderr, "the runtime's own words"
    assert "cxx11_cuda_runtime run" not in done.stderr
    (remedy,) = look().remedies
    assert remedy.startswith(advice)
    value = remedy.removeprefix(advice)
    assert f"{advice}{value}." in done.stderr, "both say the same"
    subprocess.run([host, NEWEST], env={**environ, "LD_PRELOAD": value}, check=True)


def test_a_packed_program_is_told_of_the_copy_in_its_own_folder(
    host: Path, environ: dict[str, str], look: Callable[[], Finding]
) -> None:
    own = host.parent / "_internal"
    own.mkdir()
    library = Path(sysconfig.get_config_var("LIBDIR")) / sysconfig.get_config_var("INSTSONAME")
    shutil.copy(library, own / library.name)
    copy = Path(shutil.copy(of_compiler("libstdc++.so.6"), own / "libstdc++.so.6"))
    (remedy,) = look().remedies
    assert remedy.startswith(f"replace {copy} by that of a newer GCC, or remove it")
    ours = Path(environ["PYTHONPATH"]) / "cxx11_cuda_runtime" / "lib"
    shutil.copy(ours / "libstdc++.so.6", copy)
    subprocess.run([host, NEWEST], env=environ, check=True)
