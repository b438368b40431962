"""The linker that stands before the real one: what each kind of output exports and searches."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from fixture_cache import compiled

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
    compiled(tmp_path / "core.o", [compiler, "-fPIC", "-c", str(tmp_path / "core.cc"), "-o", "@"])

    def run(name: str, *options: str, config: BuildConfig | None = None) -> SharedObject:
        folder = tmp_path / "linker"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write_linker(folder, config or BuildConfig(), os.environ)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        command = [compiler, "-shared", "core.o", "-o", name, f"-B{folder}/", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        sys.stderr.write(done.stderr)
        with (tmp_path / name).open("rb") as stream:
            return read_elf(stream, name, symbols=True)

    return run


def _exports(facts: SharedObject) -> set[str]:
    return {s.name for s in facts.symbols or () if s.defined and s.visible}


@pytest.mark.parametrize(
    "name",
    [
        *(_MODULE, "core.cpython-313t-x86_64-linux-gnu.so", "core.abi3.so", "core.abi3t.so"),
        *("core.pypy311-pp73-x86_64-linux-gnu.so", "core.so"),
    ],
)
def test_an_extension_module_exports_its_init_function_only(link: Link, name: str) -> None:
    assert _exports(link(name)) == {"PyInit_core"}


@pytest.mark.parametrize("name", ["libcore.so", "libcore.so.1", "other.so", "program"])
def test_any_other_output_keeps_its_exports(link: Link, name: str) -> None:
    exports = _exports(link(name))
    assert "_Z3owni" in exports
    assert len(exports) > len({"PyInit_core", "_Z3owni"})


def test_a_compiler_that_gets_no_flags_finds_the_linker_by_a_variable(
    link: Link, tmp_path: Path
) -> None:
    link("other.so")  # writes the linker's folder
    environment = {**os.environ, "COMPILER_PATH": str(tmp_path / "linker")}
    command = ["g++", "-shared", "core.o", "-o", _MODULE]
    subprocess.run(command, cwd=tmp_path, check=True, env=environment)
    with (tmp_path / _MODULE).open("rb") as stream:
        assert _exports(read_elf(stream, _MODULE, symbols=True)) == {"PyInit_core"}


def test_a_link_for_another_machine_gets_that_machines_linker(link: Link, tmp_path: Path) -> None:
    cross = shutil.which("aarch64-linux-gnu-g++")
    if cross is None:
        pytest.skip("needs aarch64-linux-gnu-g++: apt-get install g++-aarch64-linux-gnu")
    link("other.so")
    environment = {**os.environ, "COMPILER_PATH": str(tmp_path / "linker")}
    command = [cross, "-shared", "-fPIC", "core.cc", "-o", "cross.so"]
    subprocess.run(command, cwd=tmp_path, check=True, env=environment)
    with (tmp_path / "cross.so").open("rb") as stream:
        assert read_elf(stream, "cross.so").machine == "aarch64"


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


_STATIC = ("-static-libstdc++", "-static-libgcc")


@pytest.mark.parametrize(
    "options",
    [
        _STATIC,
        ("-Wl,-Bstatic", "-lstdc++", "-Wl,-Bdynamic"),
        ("-l:libstdc++.a", "-static-libgcc"),
        ("-flto", *_STATIC),
    ],
    ids=" ".join,
)
def test_a_module_gets_the_shared_runtime_whatever_its_flags_say(
    link: Link, options: tuple[str, ...], tmp_path: Path
) -> None:
    facts = link(_MODULE, *options)
    assert {"libstdc++.so.6", "libgcc_s.so.1"} <= set(facts.needed)
    assert not _own_runtime(tmp_path / _MODULE)


def test_so_does_a_shared_library_of_the_project(link: Link, tmp_path: Path) -> None:
    link("libcore.so", *_STATIC)
    assert not _own_runtime(tmp_path / "libcore.so")


@pytest.mark.parametrize("linker", ["gold", "lld", "mold"])
def test_so_does_what_another_linker_makes(link: Link, linker: str, tmp_path: Path) -> None:
    if shutil.which(f"ld.{linker}") is None:
        pytest.skip(f"needs ld.{linker}: install it with the system's package manager")
    link(_MODULE, *_STATIC, f"-fuse-ld={linker}")
    assert not _own_runtime(tmp_path / _MODULE)


def test_and_where_the_arguments_are_in_a_file(link: Link, tmp_path: Path) -> None:
    (tmp_path / "arguments").write_text("-static-libstdc++\n-static-libgcc", encoding="ascii")
    link(_MODULE, "@arguments")
    assert not _own_runtime(tmp_path / _MODULE)


def test_other_libraries_are_linked_as_the_project_wants_it(link: Link, tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    both = tmp_path / "a b" / "other.c"
    both.write_text("int other(void) { return 1; }\n", encoding="ascii")
    for command in (
        "gcc -shared -fPIC other.c -o libother.so",
        "gcc -c -fPIC other.c",
        "ar rc libother.a other.o",
    ):
        subprocess.run(command.split(), cwd=both.parent, check=True)
    options = ("-La b", "-Wl,-uother", "-Wl,-Bstatic", "-lstdc++", "-lother", "-Wl,-Bdynamic")
    facts = link(_MODULE, *options, "-Wl,-rpath,$ORIGIN/a b")
    assert "libother.so" not in facts.needed
    assert "libstdc++.so.6" in facts.needed
    assert (facts.runpath or facts.rpath) == "$ORIGIN/a b"


def test_a_link_that_is_changed_says_so_in_the_log(
    link: Link, capsys: pytest.CaptureFixture[str]
) -> None:
    link(_MODULE)
    assert capsys.readouterr().err == ""
    link(_MODULE, *_STATIC)
    said = "core.cpython-312-x86_64-linux-gnu.so gets the shared runtime"
    assert said in capsys.readouterr().err


def test_a_program_may_be_linked_statically(tmp_path: Path) -> None:
    write_linker(tmp_path, BuildConfig(), os.environ)
    (tmp_path / "program.cc").write_text(f"{_SOURCE}int main() {{ own(1); }}\n", encoding="ascii")
    command = ["g++", "program.cc", "-o", "program", f"-B{tmp_path}/", *_STATIC]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert _own_runtime(tmp_path / "program") == _PIECES


_PIECES = {"__cxa_throw", "_Unwind_RaiseException"}


def _own_runtime(path: Path) -> set[str]:
    """The pieces of libstdc++ and of libgcc's unwinder that a file has, hidden ones included."""
    done = subprocess.run(
        ["nm", "--defined-only", path], capture_output=True, text=True, check=True
    )
    return _PIECES & {line.rpartition(" ")[2] for line in done.stdout.splitlines()}
