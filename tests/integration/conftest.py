"""What integration tests share: the built runtime wheels, environments, interpreters.

A wheel is built once per session through ``cxxrt runtime build`` and the machine's own cache, so a
warm run takes seconds; pytest-xdist's workers share it under a file lock. What else takes seconds
to make and does not depend on what is tested stays there between sessions: see `fixture_cache`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from kept_environments import with_packages

from cxxrt_toolchain.runtime.sources.cache import find_cache, locked

if TYPE_CHECKING:
    from collections.abc import Callable

_ENVIRONMENT_LACKS = 3
"""Exit code of the command where the network, a mirror or a program is missing."""
_OLDEST = (3, 9)
_IDENTIFY = (
    "import sys, sysconfig; print(sys.implementation.name, *sys.version_info[:2],"
    " sysconfig.get_config_var('Py_GIL_DISABLED') or 0)"
)


class RuntimeEnv(Protocol):
    """Makes an environment with the runtime wheel in it."""

    def __call__(self, interpreter: Path | None = None) -> Path:
        """The environment's ``python``; made once per interpreter, never to be changed."""


@pytest.fixture(scope="session")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of this run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def corpus_cache() -> Path:
    """Where fetched published wheels stay between runs."""
    return find_cache(None, os.environ).downloads / "corpus"


@pytest.fixture(scope="session")
def built_wheel(shared_root: Path) -> Callable[..., Path]:
    """Builds a runtime wheel, or finds it built: options of ``cxxrt runtime build`` to path."""

    def build(*options: str) -> Path:
        folder = shared_root / "-".join(["wheel", *(each.strip("-") for each in options)])
        with locked(folder):
            return next(folder.glob("*.whl"), None) or _build(folder, options)

    return build


def _build(folder: Path, options: tuple[str, ...]) -> Path:
    command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build", "-w", str(folder)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if done.returncode == _ENVIRONMENT_LACKS:
        pytest.skip(f"the runtime wheel cannot be built here: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def runtime_wheel(built_wheel: Callable[..., Path]) -> Path:
    """The published runtime wheel for x86_64."""
    return built_wheel("--arch", "x86_64")


@pytest.fixture(scope="session")
def runtime_wheel_aarch64(built_wheel: Callable[..., Path]) -> Path:
    """The published runtime wheel for aarch64, cross-compiled."""
    return built_wheel("--arch", "aarch64")


@pytest.fixture(scope="session")
def runtime16_wheel(built_wheel: Callable[..., Path]) -> Path:
    """The same with GCC 16; its pins live in unstable and can be gone."""
    return built_wheel("--recipe", "runtime-16", "--arch", "x86_64")


@pytest.fixture(scope="session")
def runtime_env(runtime_wheel: Path) -> RuntimeEnv:
    """Makes environments with the runtime wheel: shared and read-only, one per interpreter."""

    def make(interpreter: Path | None = None) -> Path:
        python = sys.executable if interpreter is None else interpreter
        return with_packages(runtime_wheel, python=python) / "bin" / "python"

    return make


@pytest.fixture(scope="session")
def interpreters() -> tuple[Path, ...]:
    """Every installed CPython from 3.9 on, oldest first, one for each minor version and build.

    Looked for on PATH and among pyenv's versions; the test run's own is one of them.
    """
    names = [f"python3.{minor}{suffix}" for minor in range(9, 20) for suffix in ("", "t")]
    folders = [Path(each) for each in os.get_exec_path() if Path(each).is_absolute()]
    candidates = [Path(sys.executable), *(folder / name for folder in folders for name in names)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates += sorted(pyenv.glob("3.*/bin/python"))
    found: dict[tuple[int, ...], Path] = {}
    for candidate in candidates:
        if candidate.is_file() and (key := _identity(candidate)) is not None:
            found.setdefault(key, candidate)
    return tuple(path for _, path in sorted(found.items()))


def _identity(interpreter: Path) -> tuple[int, ...] | None:
    """(major, minor, free-threaded) of a CPython that is new enough and can make environments."""
    probe = f"import venv, ensurepip; {_IDENTIFY}"
    done = subprocess.run([interpreter, "-c", probe], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    name, *numbers = done.stdout.split()
    version = tuple(map(int, numbers))
    return version if name == "cpython" and version >= _OLDEST else None
