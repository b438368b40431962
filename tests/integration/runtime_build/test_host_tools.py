"""A machine with a bare compiler: make and patch are borrowed, and they run."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.runtime.host_tools import program_path
from cxxrt_toolchain.runtime.recipe_reader import load_host_tools, recipes_root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cxxrt_toolchain.runtime.recipe import Input

PINS = load_host_tools(recipes_root())


def _nothing(_items: tuple[Input, ...]) -> Mapping[Input, Path]:
    raise AssertionError("nothing is to be fetched")


def _bare(folder: Path, *programs: str) -> str:
    folder.mkdir()
    for name in programs:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)


def test_a_machine_that_has_all_keeps_its_path(tmp_path: Path) -> None:
    path = _bare(tmp_path / "bin", "sh", "sed", "awk")
    for name in ("make", "patch"):
        program = tmp_path / "bin" / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    assert program_path(PINS, tmp_path / "builds", path, _nothing) == path


@pytest.mark.network
def test_make_and_patch_are_borrowed_and_run(
    tmp_path: Path, fetch_inputs: Callable[[tuple[Input, ...]], Mapping[Input, Path]]
) -> None:
    path = _bare(tmp_path / "bin", "sh", "sed", "awk")
    longer = program_path(PINS, tmp_path / "builds", path, fetch_inputs)
    assert longer.startswith(f"{path}:")
    for name, words in (("make", "GNU Make 4.3"), ("patch", "GNU patch 2.7.6")):
        program = shutil.which(name, path=longer)
        assert program is not None
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        assert answer.stdout.startswith(words)
    assert program_path(PINS, tmp_path / "builds", path, _nothing) == longer
