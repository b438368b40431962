"""Environments for processes on a device: our wheels, alone or beside those of another one.

In: the folder that `gpu_builds` has filled. Out: environments, and what children in them answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
LIMIT = 150
"""Seconds for one process; the first import of torch on a machine reads gigabytes."""
ASK_TORCH = """\
import importlib.util as u, json, runpy, sys
found = u.find_spec("torch")
cuda = found and runpy.run_path(found.origin.replace("__init__", "version"))["cuda"]
print(json.dumps({"cuda": cuda, "cupy": u.find_spec("cupy") is not None,
                  "path": [each for each in sys.path if each.endswith("-packages")]}))
"""


class Record(Protocol):
    """Writes a fact into the test's entry of the report (``--junitxml``)."""

    def __call__(self, name: str, fact: object) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheels:
    """What `gpu_builds` has built."""

    folder: Path

    def one(self, name: str) -> Path:
        """The wheel of a distribution, by the beginning of its file name."""
        (found,) = self.folder.glob(f"{name}-*.whl")
        return found

    def pair(self, name: str) -> list[Path]:
        """The two wheels of a pair, first the first."""
        return sorted((self.folder / "pairs" / name).glob("*.whl"))

    @property
    def runtime(self) -> Path:
        """The runtime wheel."""
        return self.one("cxx11_cuda_runtime")

    @property
    def ptx(self) -> Path:
        """The kernel that comes as text."""
        return HERE.parents[1] / "packages" / "cuda_ptx" / "cxxrt_sample_ptx" / "twice.ptx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An interpreter, and where our wheels are installed for it."""

    python: Path
    site: Path
    variables: tuple[tuple[str, str], ...] = ()
    """Of its processes, beside `environment_of_children`."""

    def ask(self, script: str, *arguments: str) -> Any:  # noqa: ANN401 - JSON
        """The answer of a script of this folder, run in a process of its own."""
        command = [str(self.python), str(HERE / script), *arguments]
        return asked(command, variables=self.variables)

    def answer(self, code: str) -> Any:  # noqa: ANN401 - JSON
        """The answer of some lines of Python."""
        return asked([str(self.python), "-c", code], variables=self.variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Torch:
    """An environment that has torch for CUDA."""

    python: str
    cuda: str
    cupy: bool
    path: tuple[str, ...]
    """Its folders of packages."""


def new_environment(
    folder: Path, wheels: Iterable[Path], beside: Iterable[str] = ()
) -> Environment:
    """Unpack wheels into a new environment of the interpreter that runs this, without pip.

    Args:
        folder: For the environment.
        wheels: What is installed in it.
        beside: Folders of packages that it sees behind its own.
    """
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (site,) = folder.glob("lib/python*/site-packages")
    _unpack(wheels, site)
    (site / "beside.pth").write_text("".join(f"{each}\n" for each in beside), encoding="utf-8")
    return Environment(python=folder / "bin" / "python", site=site)


def overlay(folder: Path, wheels: Iterable[Path], python: str) -> Environment:
    """Unpack wheels into a folder before those of another environment, which stays as it is.

    It stays the environment of its processes, too: cuda-pathfinder looks for NVIDIA's wheels in
    ``site.getsitepackages()`` and not on ``sys.path``.
    """
    _unpack(wheels, folder)
    variables = (("PYTHONPATH", str(folder)),)
    return Environment(python=Path(python), site=folder, variables=variables)


def _unpack(wheels: Iterable[Path], folder: Path) -> None:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)


def asked(
    command: list[str], *, accept: tuple[int, ...] = (0,), variables: Iterable[tuple[str, str]] = ()
) -> Any:  # noqa: ANN401 - JSON
    """The JSON that a command writes to stdout; it has to end with one of these codes."""
    done = subprocess.run(
        command,
        env={**environment_of_children(), **dict(variables)},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode in accept, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def doctor(*arguments: str) -> Any:  # noqa: ANN401 - JSON
    """The document of ``cxxrt doctor --json``."""
    command = [sys.executable, "-m", "cxxrt_toolchain", "doctor", "--json", *arguments]
    return asked(command, accept=(0, 1))


def environment_of_children() -> dict[str, str]:
    """This process's variables without ours and Python's.

    Those of the dynamic linker stay: on some machines the driver is only found through them.
    """
    foreign = ("CXXRT_", "PYTHON", "PYTEST")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    # What children write down must not end up in the environments that are looked at.
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}
