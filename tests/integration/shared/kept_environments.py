"""Virtual environments and wheels that are prepared once, below the machine's cache.

What comes from a package index is asked for again each week, so that new releases are seen. uv
prepares the environments: how they are made is not what the tests judge.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixture_cache import kept, version_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_WEEK = 7 * 24 * 60 * 60
_UV = [sys.executable, "-m", "uv"]


def identity(python: str | Path) -> tuple[str, str]:
    """What tells an interpreter from every other: its path, and its version with the build."""
    return str(python), version_of(str(python), "-VV")


def with_bundled_pip(python: str | Path = sys.executable) -> Path:
    """The folder of an environment as ``python -m venv`` makes it: pip, compiled, and no more."""
    return _by_venv(python)


def bare(python: str | Path = sys.executable) -> Path:
    """The folder of an environment as ``python -m venv --without-pip`` makes it."""
    return _by_venv(python, "--without-pip")


def _by_venv(python: str | Path, *options: str) -> Path:
    command = [str(python), "-m", "venv", *options]
    key = (*identity(python), options)
    return kept("venv", key, lambda folder: _run(*command, str(folder)))


def with_packages(*requirements: str | Path, python: str | Path = sys.executable) -> Path:
    """The folder of an environment with wheels and what their names lead to, compiled.

    Its scripts work wherever it is copied to. Skips the test where no index has a requirement.

    Args:
        requirements: Wheels, which are installed without what they require, or requirements.
        python: The interpreter.
    """
    wheels = [each for each in requirements if isinstance(each, Path)]
    named = [each for each in requirements if isinstance(each, str)]
    fresh = () if all("==" in each for each in named) else (_week(),)

    def build(folder: Path) -> None:
        options = ["-q", "--relocatable", "--no-project", "--python", str(python)]
        _run(*_UV, "venv", *options, str(folder))
        # Copies: uv's cache must not see what happens to an environment.
        install = [*_UV, "pip", "install", "-q", "--compile-bytecode", "--link-mode", "copy"]
        install += ["--python", str(folder / "bin" / "python")]
        if wheels:
            _run(*install, "--no-deps", "--no-index", *map(str, wheels))
        if named:
            _run(*install, *named, lacking=f"no package index has {', '.join(named)}")

    names = [each.name for each in wheels]
    return kept("env", (*identity(python), named, names, *wheels, *fresh), build)


def wheelhouse(requirements: Iterable[str], *more: str) -> Path:
    """A folder of wheels: the requirements with all that they require, and more without.

    Skips the test where no index has them.
    """
    wanted = sorted(requirements)
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]

    def build(folder: Path) -> None:
        lacking = "no package index has what isolated builds need"
        _run(*pip, "--prefer-binary", "-d", str(folder), *wanted, lacking=lacking)
        for each in more:
            _run(*pip, "--no-deps", "-d", str(folder), each, lacking=lacking)

    return kept("wheelhouse", (*identity(sys.executable), wanted, more, _week()), build)


def _week() -> int:
    return int(time.time() // _WEEK)


def _run(*command: str, lacking: str | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and lacking and shutil.which(command[0]):
        pytest.skip(f"{lacking}: {(done.stderr.strip().splitlines() or ['no output'])[-1]}")
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
