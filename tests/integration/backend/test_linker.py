"""The linker that stands before the real one: what each kind of output exports and searches."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.backend.config import BuildConfig
from cxxrt_toolchain.backend.linker import write_linker
from cxxrt_toolchain.elf.reader import read_elf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cxxrt_toolchain.elf.facts import SharedObject

    Link = Callable[..., SharedObject]

pytestmark = pytest.mark.compile

_SOURCE = """\
#include <string>
#include <vector>
struct Mine { std::string text; };
std::vector<Mine> own(int count) { return std::vector<Mine>(count); }
extern "C" void* PyInit_core() { return own(3).data(); }
"""
_MODULE = "core.cpython-312-x86_64-linux-gnu.so"


@pytest.fixture(params=["g++", "clang++"])
def link(tmp_path: Path, request: pytest.FixtureRequest) -> Link:
    """Links the source under a name, with our linker, as a build tool would."""
    compiler = shutil.which(request.param)
    if compiler is None:
        pytest.skip(f"needs {request.param}: install it with the system's package manager")
    (tmp_path / "core.cc").write_text(_SOURCE, encoding="utf-8")
    subprocess.run([compiler, "-fPIC", "-c", "core.cc"], cwd=tmp_path, check=True)

    def run(name: str, *options: str, config: BuildConfig | None = None) -> SharedObject:
        folder = tmp_path / "linker"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write_linker(folder, config or BuildConfig(), os.environ)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        command = [compiler, "-shared", "core.o", "-o", name, f"-B{folder}/", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        with (tmp_path / name).open("rb") as stream:
            return read_elf(stream, name, symbols=True)

    return run


def _exports(facts: SharedObject) -> set[str]:
    return {s.name for s in facts.symbols or () if s.defined and s.visible}


@pytest.mark.parametrize("name", [_MODULE, "core.abi3.so", "core.pypy311-pp73-x86_64-linux-gnu.so"])
def test_an_extension_module_exports_its_init_function_only(link: Link, name: str) -> None:
    assert _exports(link(name)) == {"PyInit_core"}


@pytest.mark.parametrize("name", ["libcore.so", "libcore.so.1", "core.so", "program"])
def test_any_other_output_keeps_its_exports(link: Link, name: str) -> None:
    exports = _exports(link(name))
    assert "_Z3owni" in exports
    assert len(exports) > len({"PyInit_core", "_Z3owni"})


def test_a_kept_module_and_a_project_that_opts_out_keep_their_exports(link: Link) -> None:
    kept = BuildConfig(keep_exports=("package.core",))
    assert "_Z3owni" in _exports(link(_MODULE, config=kept))
    assert "_Z3owni" in _exports(link(_MODULE, config=BuildConfig(hide_vague_linkage=False)))


def test_the_projects_own_version_script_wins(link: Link, tmp_path: Path) -> None:
    script = tmp_path / "own.map"
    script.write_text("MINE_1 { global: PyInit_core; _Z3owni; local: *; };\n", encoding="ascii")
    facts = link(_MODULE, f"-Wl,--version-script={script}")
    assert {"PyInit_core", "_Z3owni"} <= _exports(facts)
    assert "MINE_1" in facts.version_definitions


def test_arguments_in_a_response_file_are_seen(link: Link, tmp_path: Path) -> None:
    (tmp_path / "arguments").write_text("-Wl,-z,now\n", encoding="ascii")
    assert _exports(link(_MODULE, "@arguments")) == {"PyInit_core"}


@pytest.mark.parametrize("linker", ["gold", "lld", "mold"])
def test_another_linker_of_the_users_choice_gets_the_list_too(link: Link, linker: str) -> None:
    if shutil.which(f"ld.{linker}") is None:
        pytest.skip(f"needs ld.{linker}: install it with the system's package manager")
    assert _exports(link(_MODULE, f"-fuse-ld={linker}")) == {"PyInit_core"}


@pytest.mark.parametrize(
    ("folder", "up"), [("", ""), ("package/", "../"), ("package/inner/", "../../")]
)
def test_in_a_distutils_tree_the_runtime_is_found_from_where_the_module_will_lie(
    link: Link, folder: str, up: str
) -> None:
    facts = link(f"build/lib.linux-x86_64-cpython-312/{folder}{_MODULE}")
    assert facts.runpath == f"$ORIGIN/{up}cxx11_cuda_runtime/lib"
    assert facts.rpath is None


def test_elsewhere_and_without_the_runtime_no_search_path_is_added(link: Link) -> None:
    assert link(_MODULE).runpath is None
    tree = f"build/lib.linux-x86_64-cpython-312/{_MODULE}"
    assert link(tree, "-nostdlib", "-Wl,--unresolved-symbols=ignore-all").runpath is None


def test_the_users_search_path_stays_in_front(link: Link) -> None:
    facts = link(f"build/lib.linux-x86_64-cpython-312/{_MODULE}", "-Wl,-rpath,$ORIGIN/mine")
    assert (facts.runpath or facts.rpath) == "$ORIGIN/mine:$ORIGIN/cxx11_cuda_runtime/lib"
