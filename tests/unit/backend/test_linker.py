"""The linker script's text, and finding the compiler; integration tests link with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.backend.linker import find_compiler, linker_script
from cxxrt_toolchain.errors import MissingToolError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_script_names_the_real_linker_and_the_export_list() -> None:
    script = linker_script("/usr/bin/ld", "/x/exports.map", [])
    assert script.startswith("#!/bin/sh\n")
    assert "--version-script=/x/exports.map" in script
    assert script.endswith('exec /usr/bin/ld "$@"\n')
    assert not re.search("@[A-Z]+@", script)


def test_without_an_export_list_no_module_gets_one() -> None:
    assert "script=1 shared=" in linker_script("/usr/bin/ld", None, [])
    assert "script= shared=" in linker_script("/usr/bin/ld", "/x/exports.map", [])


def test_kept_modules_are_matched_by_the_last_part_of_their_name() -> None:
    assert "    _core.*|abi.*) ;;\n" in linker_script("ld", "map", ["foo._core", "abi"])


def test_paths_are_quoted_for_the_shell() -> None:
    script = linker_script("/my tools/ld", "/a b/exports.map", [])
    assert "exec '/my tools/ld'" in script
    assert "--version-script='/a b/exports.map'" in script


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
