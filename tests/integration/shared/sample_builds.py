"""What the backend's integration tests work with: an index, environments, processes to look at.

The isolated environments get everything but our two distributions from the machine's own package
index: its pip configuration stays as it is, and the local server is one more index.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

_PROBE = """\
import importlib, json, sys
answers = {name: importlib.import_module(name).selftest() for name in sys.argv[1:]}
paths = {line.split(maxsplit=5)[-1].strip() for line in open("/proc/self/maps") if "/" in line}
names = ("libstdc++", "libgcc_s", "libcudart", "libgomp")
print(json.dumps({"answers": answers, "runtimes": sorted(
    p for p in paths if any(n in p.rsplit("/", 1)[-1] for n in names))}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a process says after it imported modules and ran their self-tests."""

    answers: dict[str, str]
    runtimes: tuple[Path, ...]
    """Mapped runtime libraries."""

    def mapped(self, soname: str) -> tuple[Path, ...]:
        return tuple(path for path in self.runtimes if path.name.startswith(soname))


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index server, and the folder that it serves."""

    folder: Path
    url: str

    def publish(self, wheel: Path) -> None:
        """Put a wheel on the server."""
        shutil.copy(wheel, self.folder)

    def environment(self) -> dict[str, str]:
        """Variables for pip: the machine's configuration, and this server."""
        return {
            **clean_environment(),
            "PIP_EXTRA_INDEX_URL": f"{_configured_extra_index()} {self.url}".strip(),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment that installs from the index server."""

    python: Path
    index: Index

    def install(self, *arguments: str) -> None:
        """Install with the wrapper that knows the tag, as a user does today."""
        wrapper = [sys.executable, "-m", "cxxrt_toolchain", "pip", "--python", str(self.python)]
        run([*wrapper, "install", "-q", *arguments], self.index.environment())

    def stock_pip(self, *arguments: str) -> str:
        return run([str(self.python), "-m", "pip", *arguments], self.index.environment())

    def probe(self, *modules: str) -> Probe:
        answer = json.loads(self.run(_PROBE, *modules))
        return Probe(answers=answer["answers"], runtimes=tuple(Path(p) for p in answer["runtimes"]))

    def run(self, code: str, *arguments: str) -> str:
        return run([str(self.python), "-c", code, *arguments], clean_environment())


class BuildSample(Protocol):
    """Builds a sample project's wheel in isolation."""

    def __call__(self, name: str, frontend: str = "build", *options: str) -> Path: ...


def clean_environment() -> dict[str, str]:
    """This process's variables without those that change a build or a process's libraries."""
    foreign = ("CXXRT_", "PYTHON", "LD_", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "NVCC_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def run(command: list[str], environment: dict[str, str], cwd: Path | None = None) -> str:
    """Run to success, or fail the test with everything that the command said."""
    done = subprocess.run(
        command, env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build_wheel(source: Path, wheels: Path, frontend: str, index: Index, *options: str) -> None:
    """Build a project's wheel in an isolated environment.

    Args:
        source: The project; it is built in place.
        wheels: Where the wheel goes.
        frontend: ``build`` or ``pip``.
        index: Has the runtime and the toolchain.
        options: Config settings, each as ``key=value``.
    """
    settings = [f"--config-setting={option}" for option in options]
    if frontend == "pip":
        settings = [f"--config-settings={option}" for option in options]
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(wheels), *settings]
        run([*command, str(source)], index.environment())
    else:
        command = [sys.executable, "-m", "build", "--wheel", "-o", str(wheels), *settings]
        run([*command, str(source)], index.environment())


def unpack_sdist(archive: BinaryIO, folder: Path) -> None:
    """Unpack a ``.tar.gz`` whose hash was checked; filters came with Python 3.11.4 only."""
    with tarfile.open(fileobj=archive) as opened:
        if hasattr(tarfile, "data_filter"):
            opened.extractall(folder, filter="data")
        else:
            opened.extractall(folder)  # noqa: S202 - its hash was checked


def copied(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    ignored = shutil.ignore_patterns(
        ".git", ".*_cache", "__pycache__", "build", "dist", "*.egg-info"
    )
    return shutil.copytree(source, target, ignore=ignored)


def _configured_extra_index() -> str:
    found = os.environ.get("PIP_EXTRA_INDEX_URL")
    if found is not None:
        return found
    command = [sys.executable, "-m", "pip", "config", "get", "global.extra-index-url"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return " ".join(answer.stdout.split()) if answer.returncode == 0 else ""
