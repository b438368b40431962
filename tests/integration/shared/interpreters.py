"""Every interpreter that is found: this machine's, and those that ``.ci/interpreters`` fetched.

A native one runs with a folder of its own as it is; one of the sid root sees it as ``/home``.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chroot import in_root

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = (
    *("3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"),
    *("3.13t", "3.14t", "3.15t", "pypy3", "3.13 on aarch64"),
)
KEPT = Path(
    os.environ.get("CXXRT_INTERPRETERS")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "cxxrt", "interpreters")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """One interpreter and how a program of it is started."""

    name: str
    python: str
    """Its path, inside of the root where it has one."""
    root: Path | None = None

    @property
    def is_cpython(self) -> bool:
        return self.name[0].isdigit()

    @property
    def is_sid(self) -> bool:
        """In a root whose own libraries are newer than those of the runtime wheel."""
        return self.root is not None and self.root.name == "sid"

    @property
    def emulated(self) -> bool:
        """For aarch64, on a machine that is another."""
        return self.name.endswith("aarch64") and platform.machine() != "aarch64"

    @property
    def free_threaded(self) -> bool:
        return self.name.endswith("t")

    @property
    def minor(self) -> int:
        """Of Python 3; 0 for PyPy, which says it itself."""
        return int(self.name.split()[0].rstrip("t").partition(".")[2]) if self.is_cpython else 0

    @property
    def abi(self) -> str:
        return f"cp3{self.minor}{'t' if self.free_threaded else ''}"

    def home(self, folder: Path) -> str:
        """How the interpreter sees that folder."""
        return "/home" if self.root else str(folder)

    def run(
        self, folder: Path, *arguments: str, cwd: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run it with ``site`` of a folder on its path, in a folder below that one."""
        home = self.home(folder)
        variables = {"PYTHONPATH": f"{home}/site", "PYTHONDONTWRITEBYTECODE": "1", **environ}
        command = [self.python, "-s", *arguments]
        if self.root:
            given = [f"{name}={value}" for name, value in variables.items()]
            enter = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', f"{home}/{cwd}"]
            given += [*enter, *command]
            return in_root(self.root, folder, *given, emulated=self.emulated)
        foreign = ("CXXRT_", "PYTHON", "LD_", "PIP_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return subprocess.run(
            command,
            cwd=folder / cwd,
            env={**kept, **variables},
            capture_output=True,
            text=True,
            check=False,
        )


def _native(name: str) -> Iterator[str]:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if name == version and not sys.flags.debug:
        yield sys.executable
    yield str(KEPT / name / "bin" / "python3")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from (str(path) for path in sorted(pyenv.glob(f"{name}.*/bin/python")))
    place = shutil.which(name if name == "pypy3" else f"python{name}")
    if place and "shims" not in place:
        yield place


def find(name: str) -> Interpreter | None:
    """The interpreter of that name; the newest PyPy is that of sid."""
    if name.endswith("aarch64"):
        arm64 = Interpreter(name=name, python="/usr/bin/python3.13", root=KEPT / "arm64")
        return arm64 if (KEPT / "arm64" / "usr").exists() else None
    inside = name if name == "pypy3" else f"python{name}"
    if (KEPT / "sid" / "usr" / "bin" / inside).exists():
        return Interpreter(name=name, python=f"/usr/bin/{inside}", root=KEPT / "sid")
    found = next((path for path in _native(name) if Path(path).exists()), None)
    return Interpreter(name=name, python=found) if found else None
