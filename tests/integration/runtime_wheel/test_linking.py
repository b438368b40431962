"""Other build systems find and link the runtime, and what they build runs on it.

Each program prints what the kernel has mapped, because that, and not a link line, says which
runtime it runs on.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.runtime,
    pytest.mark.compile,
    pytest.mark.skipif(
        platform.machine() != "x86_64", reason="runs the x86_64 wheel's libraries; use x86_64"
    ),
]

PROGRAM = """\
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
extern "C" int cudaRuntimeGetVersion(int *);
int main() {
  std::ostringstream text;
  text << 12;
  try { throw std::runtime_error(text.str()); }
  catch (const std::exception &error) { std::cout << error.what() << "\\n"; }
#ifdef CUDA
  int version = 0;
  int status = cudaRuntimeGetVersion(&version);
  std::cout << status << " " << version / 1000 << "\\n";
#endif
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find("lib") != std::string::npos) std::cout << line << "\\n";
}
"""
CMAKE_LISTS = """\
cmake_minimum_required(VERSION 3.15)
project(probe CXX)
find_package(cxx11_cuda_runtime {version} CONFIG {required} COMPONENTS {components})
message(STATUS "found=${{cxx11_cuda_runtime_FOUND}}")
if(cxx11_cuda_runtime_FOUND)
  add_executable(probe probe.cc)
  target_compile_definitions(probe PRIVATE CUDA)
  target_link_libraries(probe PRIVATE cxxrt::stdcxx cxxrt::{cudart})
endif()
"""


@pytest.fixture(scope="session")
def package(runtime_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, unpacked in a folder whose name needs quoting."""
    folder = tmp_path_factory.mktemp("a folder")
    with zipfile.ZipFile(runtime_wheel) as archive:
        archive.extractall(folder)
    return folder / "cxx11_cuda_runtime"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The program, in a folder of its own."""
    file = tmp_path / "probe.cc"
    file.write_text(PROGRAM)
    return file


def tool(name: str, package: str) -> str:
    """A program of this machine, or a skip that says how to get it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}: install {package}")
    return found


def run(*command: str | Path, **environment: str) -> str:
    """The output of a command that must succeed, in an environment without library paths."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LD_")}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**clean, **environment}
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def assert_runs_on(package: Path, program: Path, cuda: int | None, **environment: str) -> None:
    """The program works, and has exactly the package's libraries mapped."""
    lines = run(program, **environment).splitlines()
    assert lines[0] == "12"
    if cuda is not None:
        assert lines[1] == f"0 {cuda}"
    mapped = {line.split(maxsplit=5)[5] for line in lines if "/" in line}
    for prefix in ("libstdc++.so", "libgcc_s.so", *(["libcudart.so"] if cuda else [])):
        (path,) = (each for each in mapped if Path(each).name.startswith(prefix))
        assert Path(path).parent == package / "lib"


def needed_by(program: Path) -> set[str]:
    """``DT_NEEDED`` as binutils reads it; every compiler brings it along."""
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-dW", program)))


@pytest.mark.parametrize("major", [12, 13])
def test_a_cmake_project_finds_links_and_runs(package: Path, source: Path, major: int) -> None:
    cmake = tool("cmake", "cmake")
    tool("g++", "g++")
    text = CMAKE_LISTS.format(
        version="1.14",
        required="REQUIRED",
        components=f"stdcxx cudart{major}",
        cudart=f"cudart{major}",
    )
    (source.parent / "CMakeLists.txt").write_text(text)
    build = source.parent / "build"
    run(cmake, "-S", source.parent, "-B", build, f"-DCMAKE_PREFIX_PATH={package}")
    run(cmake, "--build", build)
    assert f"libcudart.so.{major}" in needed_by(build / "probe")
    assert_runs_on(package, build / "probe", major)


def test_cmake_finds_it_in_site_packages_as_scikit_build_core_looks(
    package: Path, source: Path
) -> None:
    """scikit-build-core puts the folder of all packages on the prefix path, too."""
    cmake = tool("cmake", "cmake")
    text = CMAKE_LISTS.format(
        version="1.9", required="REQUIRED", components="stdcxx", cudart="cudart12"
    )
    (source.parent / "CMakeLists.txt").write_text(text)
    build = source.parent / "build"
    run(cmake, "-S", source.parent, "-B", build, f"-DCMAKE_PREFIX_PATH={package.parent}")


@pytest.mark.parametrize(
    ("version", "components", "found"),
    [
        ("1.14.0", "stdcxx gomp atomic quadmath gfortran gcc_s cudart12 cudart13", True),
        ("1.0", "stdcxx", True),
        ("1.15", "stdcxx", False),
        ("2.0", "stdcxx", False),
        ("0.9", "stdcxx", False),
        ("1.14", "cudart11", False),
    ],
)
def test_cmake_compares_versions_within_the_epoch(
    package: Path, source: Path, version: str, components: str, *, found: bool
) -> None:
    cmake = tool("cmake", "cmake")
    text = CMAKE_LISTS.format(
        version=version, required="QUIET", components=components, cudart="cudart12"
    )
    (source.parent / "CMakeLists.txt").write_text(text)
    build = source.parent / "build"
    output = run(cmake, "-S", source.parent, "-B", build, f"-DCMAKE_PREFIX_PATH={package}")
    assert ("found=1" in output or "found=TRUE" in output) is found


def test_cmake_does_not_take_the_libraries_of_another_machine(package: Path, source: Path) -> None:
    cmake = tool("cmake", "cmake")
    text = CMAKE_LISTS.format(
        version="1.14", required="QUIET", components="stdcxx", cudart="cudart12"
    )
    (source.parent / "CMakeLists.txt").write_text(text)
    output = run(
        cmake,
        *("-S", source.parent, "-B", source.parent / "build"),
        *(f"-DCMAKE_PREFIX_PATH={package}", "-DCMAKE_SYSTEM_NAME=Linux"),
        "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
    )
    assert "found=0" in output


@pytest.mark.parametrize("major", [12, 13])
def test_pkg_config_links_the_chosen_cuda_major(package: Path, source: Path, major: int) -> None:
    compiler, pkg_config = tool("g++", "g++"), tool("pkg-config", "pkg-config")
    names = ["cxxrt-stdcxx", f"cxxrt-cudart{major}"]
    flags = run(
        pkg_config, "--cflags", "--libs", *names, PKG_CONFIG_PATH=str(package / "pkgconfig")
    )
    program = source.with_suffix("")
    run(compiler, "-DCUDA", source, "-o", program, *shlex.split(flags), rpath_link(package))
    assert f"libcudart.so.{major}" in needed_by(program)
    assert_runs_on(package, program, major, LD_LIBRARY_PATH=str(package / "lib"))


def rpath_link(package: Path) -> str:
    """Where the linker looks for what a needed library needs."""
    return f"-Wl,-rpath-link,{package / 'lib'}"


def test_every_pkg_config_file_is_valid_and_has_the_version(package: Path) -> None:
    pkg_config = tool("pkg-config", "pkg-config")
    files = sorted((package / "pkgconfig").glob("*.pc"))
    assert len(files) == 8
    for file in files:
        environment = {"PKG_CONFIG_PATH": str(file.parent)}
        run(pkg_config, "--validate", file.stem, **environment)
        assert run(pkg_config, "--modversion", file.stem, **environment) == "1.14.0\n"


@pytest.mark.parametrize("linker", ["bfd", "gold", "lld", "mold"])
@pytest.mark.parametrize(("folder", "major"), [("lib", 13), ("lib/cu12", 12), ("lib/cu13", 13)])
def test_plain_link_options_work_without_symlinks(
    package: Path, source: Path, linker: str, folder: str, major: int
) -> None:
    compiler = tool("g++", "g++")
    tool(f"ld.{linker}", {"bfd": "binutils", "gold": "binutils"}.get(linker, linker))
    search = [f"-L{package / folder}", f"-L{package / 'lib'}"]
    program = source.with_suffix("")
    link = [f"-fuse-ld={linker}", *search, "-lstdc++", "-lcudart", rpath_link(package)]
    run(compiler, "-DCUDA", source, "-o", program, *link, f"-Wl,-rpath,{package / 'lib'}")
    assert f"libcudart.so.{major}" in needed_by(program)
    assert_runs_on(package, program, major)


@pytest.mark.network
@pytest.mark.isolated
def test_scikit_build_core_and_pkgconf_find_it_by_their_entry_points(
    runtime_wheel: Path, source: Path
) -> None:
    tool("cmake", "cmake")
    folder = source.parent
    run("python3", "-m", "venv", folder / "env")
    python = folder / "env" / "bin" / "python"
    pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "install", "-q", runtime_wheel, "scikit-build-core", "pkgconf", "ninja")
    libs = run(python, "-m", "pkgconf", "--libs", "cxxrt-stdcxx")
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    assert f"-L{site}/cxx11_cuda_runtime/" in libs.replace("pkgconfig/../", "")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["scikit-build-core"]\n'
        'build-backend = "scikit_build_core.build"\n'
        '[project]\nname = "probe"\nversion = "1"\n'
        "[tool.scikit-build.search]\nsite-packages = false\n"
    )
    text = CMAKE_LISTS.format(
        version="1.14", required="REQUIRED", components="stdcxx", cudart="cudart12"
    )
    (folder / "CMakeLists.txt").write_text(f"{text}install(TARGETS probe DESTINATION probe)\n")
    run(*pip, "wheel", "--no-build-isolation", "--no-deps", "-w", folder / "out", folder)
    assert list((folder / "out").glob("probe-1-*.whl"))
