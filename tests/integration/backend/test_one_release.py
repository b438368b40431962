"""All wheels of one version require the same (B-7), whatever the encoding, platform or CUDA."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from machine import need_extension_builder
from sample_builds import clean_environment, plain_sample

from cxxrt_toolchain.cli import main
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.compile, pytest.mark.runtime]

_BUILD = """\
import os, sys
from cxxrt_toolchain import backend
def confstr(name):
    raise ValueError("unrecognized configuration name")
encoding, *settings = sys.argv[1:]
if encoding == "musl":
    os.confstr = confstr
else:
    settings = [f"cxxrt.encoding={encoding}", *settings]
print(backend.build_wheel("out", dict(each.split("=") for each in settings)))
"""
_DECLARED = "cxx11-cuda-runtime>=1,<2"
ENOUGH = "cxx11-cuda-runtime<2,>=1.14"
"""What the build for CUDA needs, and more than the one without does."""
_BUILDS = (["plain"], ["tag"], ["variant"], ["tag", "cxxrt.cuda=12"], ["musl"])

Release = tuple[list[Path], str]


@pytest.fixture(scope="module")
def release(
    samples: Path, runtime_wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Release]:
    """Builds one source, which declares a requirement, in all ways: wheels, and what was said."""
    need_extension_builder()

    def build(declared: str) -> Release:
        folder = tmp_path_factory.mktemp("release")
        source = plain_sample(samples / "pybind11_setuptools", folder / "project")
        project = source / "pyproject.toml"
        project.write_text(project.read_text().replace(_DECLARED, declared))
        with zipfile.ZipFile(runtime_wheel) as archive:
            archive.extractall(folder / "site")
        environ = {**clean_environment(), "PYTHONPATH": str(folder / "site"), "CUDACXX": "no-nvcc"}
        (source / "out").mkdir()
        said = []
        for arguments in _BUILDS:
            command = [sys.executable, "-c", _BUILD, *arguments]
            done = subprocess.run(
                command, cwd=source, env=environ, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            said.append(done.stderr)
        wheels = sorted((source / "out").iterdir())
        assert len(wheels) == len(_BUILDS)
        return wheels, "".join(said)

    return build


def _requirements(wheel: Path | str) -> tuple[str, ...]:
    with Wheel.open(Path(wheel)) as opened:
        return opened.metadata.requires_dist


def test_a_declared_requirement_that_is_enough_is_that_of_all_wheels(
    release: Callable[[str], Release], capsys: pytest.CaptureFixture[str]
) -> None:
    wheels, said = release(ENOUGH)
    assert {_requirements(each) for each in wheels} == {(ENOUGH,)}
    assert "declares" not in said
    main(["check", str(wheels[0].parent)])
    assert "CXXRT-W6" not in capsys.readouterr().out


def test_one_that_is_not_enough_is_said_at_the_build_and_of_the_folder(
    release: Callable[[str], Release], capsys: pytest.CaptureFixture[str]
) -> None:
    wheels, said = release(_DECLARED)
    assert len({_requirements(each) for each in wheels}) > 1
    assert f"and this wheel needs {ENOUGH}. Declare that" in said
    main(["check", str(wheels[0].parent)])
    assert "CXXRT-W6" in capsys.readouterr().out


def test_no_encoding_changes_what_a_wheel_requires(
    release: Callable[[str], Release], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels, _ = release(_DECLARED)
    for wheel in (each for each in wheels if "linux_x86_64" not in each.name.split("-")[-1]):
        for to in ("plain", "tag", "variant"):
            assert main(["encode", str(wheel), "--to", to, "-w", str(tmp_path / to)]) == 0
            there = capsys.readouterr().out.splitlines()[0]
            assert main(["encode", there, "--to", "tag", "-w", str(tmp_path / "back")]) == 0
            back = capsys.readouterr().out.splitlines()[0]
            assert _requirements(there) == _requirements(back) == _requirements(wheel)
