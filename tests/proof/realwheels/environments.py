"""Environments of installed wheels, made once per content and kept in the cache.

Every wheel is unpacked once by uv; environments share the files through hard links. An environment
that is edited (see `Edit`) gets files of its own for what is edited.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from realwheels.pins import ProofError, Wheelhouse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from realwheels.cases import Edit, Environment

_DONE = ".complete"


@cache
def find_interpreter(version: str) -> str:
    """An interpreter of a version: on PATH by its usual name, else pyenv's newest.

    Raises:
        ProofError: There is none.
    """
    name = f"python{version}"
    root = os.environ.get("PYENV_ROOT") or str(Path.home() / ".pyenv")
    candidates = [shutil.which(name) or ""]
    candidates += sorted(map(str, Path(root, "versions").glob(f"{version}*/bin/{name}")))[::-1]
    for each in filter(None, candidates):
        done = subprocess.run([each, "--version"], capture_output=True, text=True, check=False)
        if f"Python {version}." in done.stdout:
            return each
    raise ProofError(f"there is no {name} on PATH or in pyenv.")


def site_packages(python: Path) -> Path:
    """Where the environment of an interpreter keeps its distributions."""
    (found,) = python.parents[1].glob("lib/python3*/site-packages")
    return found


class Environments:
    """Makes environments.

    Args:
        folder: The cache.
        runtime: The runtime wheel.
    """

    def __init__(self, folder: Path, runtime: Path) -> None:
        self._folder = folder
        self._wheelhouse = Wheelhouse(folder)
        self._runtime = runtime

    def wheel(self, environment: Environment, distribution: str) -> Path:
        """The published file of one distribution of an environment."""
        (pin,) = [each for each in environment.pins if each.name == distribution]
        return self._wheelhouse.get([pin])[0]

    def runtime_libraries(self) -> tuple[Path, ...]:
        """The unpacked libgcc_s and libstdc++ of the runtime wheel, in load order."""
        place = self._folder / "runtime" / _digest(self._runtime)
        if not (place / _DONE).is_file():
            with zipfile.ZipFile(self._runtime) as archive:
                archive.extractall(place)
            (place / _DONE).touch()
        lib = place / "cxx11_cuda_runtime" / "lib"
        return (lib / "libgcc_s.so.1", lib / "libstdc++.so.6")

    def make(
        self,
        environment: Environment,
        *,
        runtime: bool = False,
        instead: Sequence[tuple[str, Path]] = (),
    ) -> Path:
        """The ``python`` of an environment.

        Args:
            environment: What is installed.
            runtime: Whether the runtime wheel is installed, too.
            instead: Distributions and the files that are installed in place of the published ones.

        Raises:
            ProofError: A file cannot be had, or uv refuses it.
        """
        replaced = dict(instead)
        kept = [pin for pin in environment.pins if pin.name not in replaced]
        extra = [*replaced.values(), *([self._runtime] if runtime else [])]
        key = hashlib.sha256(
            repr(
                (environment.python, kept, environment.edits, [_digest(x) for x in extra])
            ).encode()
        ).hexdigest()[:16]
        folder = self._folder / "environments" / f"py{environment.python}-{key}"
        python = folder / "bin" / "python"
        if not (folder / _DONE).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            self._install(environment.python, folder, [*self._wheelhouse.get(kept), *extra])
            for edit in environment.edits:
                _apply(edit, site_packages(python))
            (folder / _DONE).touch()
        return python

    def _install(self, version: str, folder: Path, wheels: Sequence[Path]) -> None:
        self._uv("venv", "--python", find_interpreter(version), str(folder))
        options = ["--python", str(folder / "bin" / "python"), "--no-deps", "--no-index"]
        self._uv("pip", "install", *options, "--link-mode", "hardlink", *map(str, wheels))

    def _uv(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "uv", "-q", "--offline", "--no-config"]
        command += ["--cache-dir", str(self._folder / "uv"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ProofError(f"uv {arguments[0]} failed: {done.stderr.strip()}")


def _apply(edit: Edit, site: Path) -> None:
    path = site / edit.file
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.strip() not in edit.remove]
    if len(lines) - len(kept) != len(edit.remove):
        raise ProofError(f"{edit.file} has not the lines {', '.join(edit.remove)}.")
    path.unlink()  # the hard link; other environments keep the file as it was
    path.write_text("".join(kept), encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
