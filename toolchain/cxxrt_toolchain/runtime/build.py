"""A component that has build steps: inputs to libraries, once per content.

The result is a folder in the cache with ``lib``, ``licenses`` and the folders that the recipe
keeps. Its name has the hash of all that decides about its content; it is built again only if a file
of it is no longer what was built.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import StepFailedError
from cxxrt_toolchain.runtime.host_tools import program_path
from cxxrt_toolchain.runtime.recipe import Component, Input, Kind, Role, Step
from cxxrt_toolchain.runtime.sources.cache import locked, new_folder, sweep
from cxxrt_toolchain.runtime.sources.seal import is_intact, seal
from cxxrt_toolchain.runtime.sources.unpack import unpack_deb, unpack_tarball, unpack_wheel

if TYPE_CHECKING:
    from cxxrt_toolchain.runtime.progress import Progress

_FOLDERS = {
    Role.TOOL: "toolchain",
    Role.SYSROOT: "sysroot-input",
    Role.SOURCE: "source",
    Role.REFERENCE: "reference",
}
_LOG_TAIL = 30
"""Lines of a failing step's log that its error shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """A component to build, for one architecture."""

    component: Component
    arch: str
    glibc: str
    """The newest glibc version that the libraries may need."""
    host_tools: tuple[Input, ...]
    """Programs that are borrowed where this machine lacks them; they decide nothing."""
    compiler: Path | None = None
    """The g++ of another build that the steps use; None for those that bring their own."""

    @property
    def key(self) -> str:
        """Hexadecimal digest of all that decides the result."""
        digest = hashlib.sha256()
        values = {
            "version": self.component.version,
            "arch": self.arch,
            "glibc": self.glibc,
            "inputs": sorted(
                (item.role.value, item.sha256) for item in self.component.inputs_for(self.arch)
            ),
            "steps": [(step.name, step.command) for step in self.component.steps],
            "keep": self.component.kept,
        }
        if self.compiler:
            values["compiler"] = self.compiler.parents[1].name  # which has the hash of that build
            values["files"] = self.component.files
        digest.update(json.dumps(values, sort_keys=True).encode())
        for script in sorted(self.component.scripts.iterdir()):
            if script.is_file() and script.name != "recipe.toml":
                digest.update(f"{script.name}\0".encode() + script.read_bytes())
        return digest.hexdigest()

    @property
    def folder_name(self) -> str:
        """The name of its folder in the cache."""
        return f"{self.component.name}-{self.arch}-glibc{self.glibc}-{self.key[:16]}"


def build(
    order: BuildOrder,
    *,
    builds: Path,
    jobs: int,
    fetch: Callable[[tuple[Input, ...]], Mapping[Input, Path]],
    verify: Callable[[Path], None],
    progress: Progress,
) -> Path:
    """Build a component, or find it built among the cache's ``builds``.

    ``fetch`` gets the inputs, verified; ``verify`` looks at the finished work folder and raises if
    it must not be used. A step that fails is a `StepFailedError`.
    """
    final = builds / order.folder_name
    if is_intact(final):
        return final
    with locked(final):
        if is_intact(final, progress):
            return final
        shutil.rmtree(final, ignore_errors=True)
        search_path = _absolute(os.environ.get("PATH", os.defpath))
        path = program_path(order.host_tools, builds, search_path, fetch)
        sweep(builds)
        files = fetch(order.component.inputs_for(order.arch))
        with new_folder(final) as work:
            with progress.step("unpack"):
                _unpack(files, work)
            for step in order.component.steps:
                with progress.step(step.name):
                    for note in _run_step(step, order, work, path, jobs):
                        progress.note(note)
            with progress.step("check"):
                verify(work)
            _tidy(work, (*order.component.kept, *order.component.files))
            seal(work)
    return final


def _absolute(search_path: str) -> str:
    """A ``PATH`` without what depends on the working folder: that is full of what was unpacked."""
    return os.pathsep.join(filter(os.path.isabs, search_path.split(os.pathsep)))


def _unpack(files: Mapping[Input, Path], work: Path) -> None:
    def one(item: Input) -> None:
        packed = unpack_deb if item.kind is Kind.DEBIAN else unpack_wheel
        unpack = unpack_tarball if item.is_tarball else packed
        unpack(files[item], work / _FOLDERS[item.role])

    for name in _FOLDERS.values():
        (work / name).mkdir()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        list(pool.map(one, files))


def _run_step(step: Step, order: BuildOrder, work: Path, path: str, jobs: int) -> list[str]:
    """Run a step; returns the lines of its log that begin with ``note:``."""
    program = sys.executable if step.command[0] == "python" else step.command[0]
    script = str(order.component.scripts / step.command[1])
    command = [program, script, *step.command[2:]]
    temporary = work / "tmp"  # a compiler that is killed leaves files there
    environment = {
        **{name: value for name, value in os.environ.items() if name == "HOME"},
        "TMPDIR": str(temporary),
        "PATH": path,
        "CXXRT_ARCH": order.arch,
        "CXXRT_GLIBC": order.glibc,
        "CXXRT_VERSION": order.component.version,
        "CXXRT_JOBS": str(jobs),
        "PYTHONDONTWRITEBYTECODE": "1",
        **({"CXXRT_CXX": str(order.compiler)} if order.compiler else {}),
    }
    log = work / "logs" / f"{step.name}.log"
    log.parent.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    code = _run_logged(command, work, environment, log)
    if code:
        raise StepFailedError(_failure(step, command, code, log))
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if line.startswith("note: ")]


def _run_logged(command: list[str], work: Path, environment: dict[str, str], log: Path) -> int:
    """Run a command in a session of its own, so that an interrupt ends its children, too."""
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command,
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            return process.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise


def _failure(step: Step, command: list[str], code: int, log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    kept = log.parents[2] / f"failed-{step.name}.log"
    kept.write_text(text, encoding="utf-8")
    lines = text.replace(str(log.parents[1]), ".").splitlines()
    commands = [line[2:] for line in lines if line.startswith("+ ")]
    last = commands[-1] if commands else " ".join(command)
    tail = "\n".join(f"  {line[:300]}" for line in lines[-_LOG_TAIL:])
    return (
        f"step {step.name!r} failed with status {code} in {' '.join(command)}\n"
        f"its last command was: {last[:2000]}\nthe end of its log, {kept}:\n{tail}"
    )


def _tidy(work: Path, kept: tuple[str, ...]) -> None:
    """Remove what only the build needed: sources, objects, unpacked inputs."""
    for path in work.iterdir():
        if path.name not in {"lib", "licenses", "logs", "figures.json", *kept}:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
