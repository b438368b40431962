"""What the installer's tests work with: environments with a chosen pip, and a folder's index."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


def clean_environ() -> dict[str, str]:
    """No configuration of pip, uv or cxxrt: only the test's index counts."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "CXXRT_", "PYTHON"))
    }
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def run(self, *command: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env={**clean_environ(), **extra}, capture_output=True, text=True, check=False
        )

    def pip(self, *args: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return self.run(self.python, "-m", "pip", *args, **extra)

    def cxxrt_pip(self, *args: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return self.run(
            sys.executable, "-m", "cxxrt_toolchain", "pip", "--python", self.python, *args, **extra
        )

    def uv(self, *args: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return self.run(
            sys.executable, "-m", "uv", *args, "--no-config", "--python", self.python, **extra
        )

    def encoding(self, package: str = "tri") -> str:
        """Which file of a hand-made package is installed here."""
        done = self.run(self.python, "-c", f"import {package}; print({package}.ENCODING)")
        return done.stdout.strip() or done.stderr


class NewEnvironment(Protocol):
    def __call__(self, pip: str | None, python: str | None = None) -> Environment: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A folder of files that is served as a simple index."""

    root: Path
    url: str
    per_project: bool = False
    """One folder per project, as the pages of the simple API have it."""

    def folder(self, project: str) -> Path:
        """Where the files of a project go."""
        found = self.root / project if self.per_project else self.root
        found.mkdir(parents=True, exist_ok=True)
        return found
