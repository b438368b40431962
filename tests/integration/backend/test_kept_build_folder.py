"""A build folder that outlives a build: its cache names files that are gone, or is not ours."""

from __future__ import annotations

import os
import subprocess
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from machine import need_extension_builder
from sample_builds import copied, plain_sample

from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from pathlib import Path

    from sample_builds import Environment

pytestmark = [pytest.mark.isolated, pytest.mark.network, pytest.mark.compile, pytest.mark.runtime]

_BACKENDS = {"nanobind_cmake": "scikit_build_core.build", "meson_module": "mesonpy"}


def _build(source: Path, wheels: Path, environment: Environment) -> tuple[Path, str]:
    """A wheel and the log, without isolation: the build environment stays, our files do not."""
    folder = environment.python.parent
    variables = environment.index.environment()
    variables["PATH"] = f"{folder}{os.pathsep}{variables['PATH']}"
    command = [str(environment.python), "-m", "pip", "wheel", "-v", "--no-deps", "-w", str(wheels)]
    command += ["--no-build-isolation", f"--config-settings=build-dir={source / 'kept'}"]
    # pip writes what a build says to the standard error output.
    done = subprocess.run(
        [*command, str(source)], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(wheels.glob("*.whl")), done.stderr


def _exports(wheel: Path) -> set[str]:
    """What the one extension module exports."""
    with Wheel.open(wheel) as opened:
        (name,) = (each.name for each in opened.members if ".cpython-" in each.name)
        symbols = read_elf(BytesIO(opened.read(name)), name, symbols=True).symbols or ()
    return {each.name for each in symbols if each.defined and each.visible}


@pytest.mark.parametrize("first", ["ours", "theirs"])
@pytest.mark.parametrize("sample", _BACKENDS)
def test_a_second_build_in_a_kept_folder(
    sample: str, first: str, samples: Path, new_environment: Environment, tmp_path: Path
) -> None:
    """It is linked with our settings, or the log says that it was not and what to do."""
    need_extension_builder()
    copy = plain_sample if sample == "nanobind_cmake" else copied
    source = copy(samples / sample, tmp_path / "project")
    new_environment.uv(
        *("cxxrt-toolchain", "cxx11-cuda-runtime", "scikit-build-core", "meson-python"),
        *("cmake", "ninja"),
    )
    core, project = source / "core.cc", source / "pyproject.toml"
    core.write_text(f"{core.read_text()}\nint seen() {{ return 1; }}\n", encoding="utf-8")
    ours = project.read_text(encoding="utf-8")
    theirs = ours.replace('"cxxrt_toolchain.backend"', f'"{_BACKENDS[sample]}"', 1)
    project.write_text(theirs if first == "theirs" else ours, encoding="utf-8")
    _build(source, tmp_path / "first", new_environment)
    project.write_text(ours, encoding="utf-8")
    if first == "ours":  # else the second build finds nothing to link
        core.write_text(f"{core.read_text()}\nint more() {{ return 2; }}\n", encoding="utf-8")
    wheel, log = _build(source, tmp_path / "second", new_environment)
    others = {name for name in _exports(wheel) if not name.startswith("PyInit_")}
    assert bool(others) == (first == "theirs")
    assert ("remove that folder" in log) == (first == "theirs")
