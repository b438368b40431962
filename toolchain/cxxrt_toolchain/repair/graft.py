"""Copy external libraries into a wheel with auditwheel's own code, in a process of its own.

The copy is a second wheel in a scratch folder; the caller plans from there. auditwheel works on the
whole process's current directory, and its command refuses any C++ library that is newer than the
newest ``manylinux`` promises, which is what the shared runtime is for. So a child calls the two
functions behind the command (`graft_child`), with no setting from the environment.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from cxxrt_toolchain.elf.patcher import find_patchelf
from cxxrt_toolchain.errors import MissingToolError, StepFailedError
from cxxrt_toolchain.host.interpreter import module_command

_INSTALL = "Install it: python -m pip install 'auditwheel>=6.8,<7'."
_UNKNOWN_API = 3
"""The child's exit code where auditwheel's functions are not the ones that it calls."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class GraftedLibrary:
    """One library that went into the wheel."""

    soname: str
    """As it was needed; inside the wheel its name gets a hash."""
    source: str
    """The file of this machine that was copied."""

    def __str__(self) -> str:
        return f"graft {self.soname} from {self.source}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grafting:
    """The result of grafting one wheel."""

    wheel: Path | None
    """The new wheel; None where nothing was copied."""
    libraries: tuple[GraftedLibrary, ...] = ()
    removed: tuple[str, ...] = ()
    """Needs of libpython, which auditwheel takes away: an interpreter brings it already."""
    missing: tuple[str, ...] = ()
    """SONAMEs that this machine has no library for; then nothing was copied."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The result as lines of text."""
        removed = (f"remove the need of {soname} from everything" for soname in self.removed)
        return (*map(str, self.libraries), *removed)


def graft(wheel: Path, leave: Sequence[str], scratch: Path) -> Grafting:
    """Copy the libraries that a wheel needs from outside into it, but for the patterns in `leave`.

    `scratch` is an existing empty folder. Raises `MissingToolError` without auditwheel or where its
    functions have changed, and `StepFailedError` where it failed.
    """
    if find_spec("auditwheel") is None:
        raise MissingToolError(f"{wheel.name}: grafting libraries needs auditwheel.", _INSTALL)
    command = module_command(sys.executable, "cxxrt_toolchain.repair.graft_child")
    command += [str(wheel.resolve()), str(scratch.resolve()), *leave]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=_environment(scratch)
    )
    if done.returncode == _UNKNOWN_API:
        raise MissingToolError(
            f"{wheel.name}: this auditwheel has other functions than we call: "
            f"{done.stderr.strip().splitlines()[-1]}.",
            _INSTALL,
        )
    if done.returncode:
        raise StepFailedError(
            f"auditwheel could not graft into {wheel.name}:\n{done.stderr.strip()[-2000:]}"
        )
    answer = json.loads(done.stdout.splitlines()[-1])
    libraries = tuple(
        GraftedLibrary(soname=soname, source=source)
        for soname, source in sorted(answer["libraries"].items())
    )
    result = scratch / wheel.name
    return Grafting(
        wheel=result if result.is_file() else None,
        libraries=() if answer["missing"] else libraries,
        removed=tuple(answer["removed"]),
        missing=tuple(answer["missing"]),
    )


def _environment(scratch: Path) -> dict[str, str]:
    """Ours, with the patchelf that we use, and nothing that changes what auditwheel does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUDITWHEEL_")}
    path = os.pathsep.join([str(find_patchelf().parent), os.environ.get("PATH", os.defpath)])
    return {**kept, "PATH": path, "TMPDIR": str(scratch)}
