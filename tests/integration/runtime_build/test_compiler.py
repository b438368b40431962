"""The recipe's own compiler: C++23 extensions for this Python, on the recipe's libraries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from debfixtures import debian_set

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.runtime.conformity import glibc_need

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.runtime, pytest.mark.network, pytest.mark.compile]

DATA = Path(__file__).parent / "data"
USE = "import modern; print(modern.greet('world'))"


def _run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    return subprocess.run(
        command, env={**inherited, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def header() -> Path:
    """The folder of this interpreter's Python.h."""
    folder = Path(sysconfig.get_paths()["include"])
    if not (folder / "Python.h").exists():
        pytest.skip(f"needs {folder}/Python.h: apt-get install python3-dev")
    return folder


@pytest.fixture
def modern(built: Callable[[str, str], Path], header: Path, tmp_path: Path) -> Path:
    """The extension module, compiled."""
    out = tmp_path / f"modern{sysconfig.get_config_var('EXT_SUFFIX')}"
    compiler = built("gcc-runtime", "x86_64") / "compiler" / "g++"
    options = ["-std=c++23", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    done = _run(compiler, *options, f"-I{header}", DATA / "modern.cc", "-o", out)
    assert done.returncode == 0, done.stderr
    return out


def test_an_extension_with_print_and_format_runs_on_the_recipes_libraries(
    modern: Path, built: Callable[[str, str], Path]
) -> None:
    lib = built("gcc-runtime", "x86_64") / "lib"
    maps = "; print(*{l.split()[-1] for l in open('/proc/self/maps') if 'libstdc++' in l})"
    done = _run(
        sys.executable, "-c", USE + maps, PYTHONPATH=str(modern.parent), LD_LIBRARY_PATH=str(lib)
    )
    lines = ["printed for    world", "hello **world**", str(lib / "libstdc++.so.6")]
    assert done.stdout.splitlines() == lines, done.stderr


def test_an_exception_of_the_extension_becomes_pythons(
    modern: Path, built: Callable[[str, str], Path]
) -> None:
    lib = built("gcc-runtime", "x86_64") / "lib"
    code = "import modern\ntry: modern.greet('')\nexcept ValueError as e: print(e)"
    done = _run(sys.executable, "-c", code, PYTHONPATH=str(modern.parent), LD_LIBRARY_PATH=str(lib))
    assert done.stdout == "name is empty\n", done.stderr


def test_what_it_compiles_keeps_the_floor_and_leads_nowhere(modern: Path) -> None:
    with modern.open("rb") as stream:
        facts = read_elf(stream, modern.name)
    assert version_tuple(glibc_need(facts)) <= (2, 17)
    assert (facts.rpath, facts.runpath) == (None, None)
    assert any(need.version == "GLIBCXX_3.4.32" for need in facts.version_needs) or any(
        version_tuple(need.version.partition("_")[2]) >= (3, 4, 29)
        for need in facts.version_needs
        if need.version.startswith("GLIBCXX_")
    )


def test_the_compiler_works_where_it_is_moved_to(
    built: Callable[[str, str], Path], tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(built("gcc-runtime", "x86_64"), moved, symlinks=True)
    (tmp_path / "a.cc").write_text('#include <print>\nint main() { std::print("moved\\n"); }\n')
    link = tmp_path / "c++"
    link.symlink_to(moved / "compiler" / "g++")
    out = tmp_path / "a"
    done = _run(link, "-std=c++23", tmp_path / "a.cc", "-o", out, "-Wl,--trace")
    assert done.returncode == 0, done.stderr
    opened = {Path(line).resolve() for line in done.stdout.splitlines() if line.startswith("/")}
    assert moved / "lib/libstdc++.so.6" in opened
    assert all(path.is_relative_to(tmp_path) or path.parts[1] == "tmp" for path in opened)
    assert _run(out, LD_LIBRARY_PATH=str(moved / "lib")).stdout == "moved\n"


def test_c_and_openmp_compile_too(built: Callable[[str, str], Path], tmp_path: Path) -> None:
    folder = built("gcc-runtime", "x86_64")
    (tmp_path / "a.c").write_text(
        "#include <omp.h>\n#include <stdio.h>\n"
        "int main(void) { int n = 0;\n#pragma omp parallel for reduction(+:n)\n"
        'for (int i = 0; i < 100; ++i) n += i;\nprintf("%d\\n", n); return 0; }\n'
    )
    out = tmp_path / "a"
    done = _run(folder / "compiler/gcc", "-Werror", "-fopenmp", tmp_path / "a.c", "-o", out)
    assert done.returncode == 0, done.stderr
    assert _run(out, LD_LIBRARY_PATH=str(folder / "lib")).stdout == "4950\n"


def test_the_cross_compilers_program_runs_under_qemu(
    built: Callable[[str, str], Path], tmp_path: Path
) -> None:
    qemu = shutil.which("qemu-aarch64-static")
    if qemu is None:
        pytest.skip("needs qemu-aarch64-static: apt-get install qemu-user-static")
    root = debian_set("arm64-root")
    folder = built("gcc-runtime", "aarch64")
    (tmp_path / "a.cc").write_text(
        "#include <format>\n#include <iostream>\n#include <stdexcept>\n"
        'int main() { try { throw std::runtime_error(std::format("{:#x}", 48879)); }\n'
        "catch (const std::exception& e) { std::cout << e.what() << std::endl; } }\n"
    )
    out = tmp_path / "a"
    done = _run(folder / "compiler/g++", "-std=c++23", tmp_path / "a.cc", "-o", out)
    assert done.returncode == 0, done.stderr
    done = _run(qemu, "-L", root, "-E", f"LD_LIBRARY_PATH={folder / 'lib'}", out)
    assert done.stdout == "0xbeef\n", done.stderr


def test_the_command_prints_the_compilers_path_last(built: Callable[[str, str], Path]) -> None:
    folder = built("gcc-runtime", "x86_64")
    done = _run(sys.executable, "-m", "cxxrt_toolchain", "runtime", "compiler")
    assert done.stdout.splitlines()[-1] == str(folder / "compiler" / "g++"), done.stderr
    version = _run(done.stdout.splitlines()[-1], "-dumpfullversion").stdout
    assert re.fullmatch(r"14\.2\.\d+\n", version)
