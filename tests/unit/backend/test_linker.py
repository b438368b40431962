"""The linker script's text, and finding the compiler; integration tests link with it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from cxxrt_toolchain.backend.config import BuildConfig
from cxxrt_toolchain.backend.linker import find_compiler, linker_script, shared_runtime_edits
from cxxrt_toolchain.errors import MissingToolError


def test_the_script_names_the_real_linker_and_the_export_list() -> None:
    script = linker_script("/usr/bin/ld", Path("/x"), BuildConfig())
    assert script.startswith("#!/bin/sh\n")
    assert "--version-script=/x/exports.map" in script
    assert script.endswith('exec /usr/bin/ld "$@"\n')
    assert not re.search("@[A-Z]+@", script)


def test_a_project_that_opts_out_gets_no_export_list() -> None:
    kept = BuildConfig(hide_vague_linkage=False)
    assert "script=1 shared=" in linker_script("/usr/bin/ld", Path("/x"), kept)
    assert "script= shared=" in linker_script("/usr/bin/ld", Path("/x"), BuildConfig())


def test_kept_modules_are_matched_by_the_last_part_of_their_name() -> None:
    config = BuildConfig(keep_exports=("foo._core", "abi"))
    assert "    _core.*|abi.*) ;;\n" in linker_script("ld", Path("/x"), config)


def test_paths_are_quoted_for_the_shell() -> None:
    script = linker_script("/my tools/ld", Path("/a b"), BuildConfig())
    assert "exec '/my tools/ld'" in script
    assert "--version-script='/a b/exports.map'" in script
    assert "sed -E -f '/a b/shared.sed' '/a b/arguments'.$$" in script


def _edited(tmp_path: Path, *arguments: str, cuda: bool = False) -> list[str]:
    program = tmp_path / "shared.sed"
    program.write_text(shared_runtime_edits(cuda=cuda), encoding="ascii")
    text = "".join(f"{each}\n" for each in arguments)
    done = subprocess.run(
        ["sed", "-E", "-f", program], input=text, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


_SHARED = ["--push-state", "-Bdynamic", "-lstdc++", "--pop-state"]
_GCC = ["--push-state", "-Bdynamic", "--as-needed", "-lgcc_s", "--pop-state"]
_CUDART = ["--push-state", "-Bdynamic", "-lcudart", "--pop-state"]


def test_what_the_compiler_makes_of_static_libstdcxx_and_libgcc_is_undone(tmp_path: Path) -> None:
    before = ["a.o", "-Bstatic", "-lstdc++", "-Bdynamic", "-lm", "-lgcc", "-lgcc_eh", "-lc"]
    after = ["a.o", "-Bstatic", *_SHARED, "-Bdynamic", "-lm", "-lgcc", *_GCC, "-lc"]
    assert _edited(tmp_path, *before) == after
    through = "-plugin-opt=-pass-through=-lgcc_"
    assert _edited(tmp_path, f"{through}eh") == [f"{through}s"]


@pytest.mark.parametrize(
    "name", ["-l:libstdc++.a", "/usr/lib/gcc/x/12/libstdc++.a", "a\\ b/libstdc++.a"]
)
def test_the_archive_by_its_name_is_no_way_around(tmp_path: Path, name: str) -> None:
    assert _edited(tmp_path, "a.o", name) == ["a.o", *_SHARED]


@pytest.mark.parametrize(
    "arguments",
    [
        ["-lstdc++", "-lm"],
        ["-Bstatic", "-lfoo", "-Bdynamic", "-lstdc++"],
        ["--push-state", "-Bstatic", "-lfoo", "--pop-state", "-lstdc++"],
        ["-o", "libstdc++.so", "libstdc++abi.a", "/x/mylibstdc++.a", "-lstdc++_nonshared"],
        ["-lcudart_static"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_everything_else_stays(tmp_path: Path, arguments: list[str]) -> None:
    assert _edited(tmp_path, *arguments) == arguments


@pytest.mark.parametrize("name", ["-lcudart_static", "/cuda/lib64/libcudart_static.a"])
def test_libcudart_is_shared_where_the_project_declares_cuda(tmp_path: Path, name: str) -> None:
    assert _edited(tmp_path, name, cuda=True) == _CUDART


def _tools(folder: Path, *names: str) -> dict[str, str]:
    for name in names:
        (folder / name).touch(mode=0o755)
    return {"PATH": str(folder)}


def test_the_variable_decides_on_the_compiler(tmp_path: Path) -> None:
    environment = _tools(tmp_path, "g++", "ccache", "g++-13")
    assert find_compiler(environment) == ["g++"]
    assert find_compiler({**environment, "CXX": "ccache g++-13"}) == ["ccache", "g++-13"]
    assert find_compiler({**environment, "CXX": "g++-13 -m64"}) == ["g++-13", "-m64"]


def test_a_missing_compiler_says_what_was_looked_for_and_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match=r"g\+\+, c\+\+ and clang\+\+ on PATH.*apt-get"):
        find_compiler({"PATH": str(tmp_path)})
    with pytest.raises(MissingToolError, match=r"\$CXX \(g\+\+-99\)"):
        find_compiler({**_tools(tmp_path, "g++"), "CXX": "g++-99"})
