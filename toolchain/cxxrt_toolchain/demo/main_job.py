"""The README's main job: build the runtime, watch an import fail, mend it, look at the process.

Exit 0 if every claim held, 1 if one did not. Every Python that loads a library is a child.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import venv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from cxxrt_toolchain.collect.process.procfs import parse_maps
from cxxrt_toolchain.demo.modules import compile_modules, host_compiler, older_host_libraries
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.errors import StepFailedError
from cxxrt_toolchain.host.interpreter import module_command
from cxxrt_toolchain.report.terminal import Page, Text
from cxxrt_toolchain.temporary import scratch_folder

_RUNTIME_STEMS = (
    *("libstdc++", "libgcc_s", "libgomp", "libatomic", "libquadmath", "libgfortran"),
    "libcudart",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The environment of the child processes."""

    python: Path
    modules: Path
    library_path: str = ""
    """``LD_LIBRARY_PATH``: the older host's libraries where this machine is too new to fail."""

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the environment's interpreter with the modules importable."""
        environment = {**os.environ, "PYTHONPATH": str(self.modules)}
        if self.library_path:
            environment["LD_LIBRARY_PATH"] = self.library_path
        return subprocess.run(
            [str(self.python), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )


def run(args: argparse.Namespace) -> int:
    """Run the whole story; return the exit code."""
    page = Page()
    options = _build_options(args)
    with _folder(args.keep) as folder:
        host = host_compiler()
        with _step(page, "build the runtime wheel from its recipe"):
            wheel = Path(_cxxrt("build", "-w", str(folder), *options))
        page.line((f"    {wheel.name}, {wheel.stat().st_size / 1e6:.2f} MB", ""))
        with _step(page, "install it in a fresh environment"):
            environment = folder / "environment"
            python = _fresh_environment(environment, wheel)
        with _step(page, "compile two extensions: the recipe's g++, and this machine's"):
            modules = folder / "modules"
            modules.mkdir(exist_ok=True)
            compile_modules(Path(_cxxrt("compiler", *options)), host, modules)
        scene = _failing_scene(page, Scene(python=python, modules=modules), args, folder)
        return _working_scene(page, scene, environment)


def _build_options(args: argparse.Namespace) -> tuple[str, ...]:
    options = ["--jobs", str(args.jobs)]
    if args.recipe is not None:
        options += ["--recipe", args.recipe]
    if args.cache is not None:
        options += ["--cache", str(args.cache)]
    return tuple(options)


def _cxxrt(*arguments: str) -> str:
    """Run ``cxxrt runtime`` as a command; return the last line of its stdout."""
    command = [*module_command(sys.executable, "cxxrt_toolchain"), "runtime", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            printed, _ = process.communicate()
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt):  # the terminal has sent that to both
                process.terminate()
            process.wait()  # it ends its compilers and removes what they made
            raise
    if process.returncode != 0:
        raise StepFailedError(f"cxxrt runtime {' '.join(arguments)} failed; it said why above.")
    return printed.splitlines()[-1]


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """The folder for what the demo makes: the one to keep, or a temporary one."""
    if kept is None:
        with scratch_folder() as scratch:
            yield scratch
    else:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.absolute()


def _fresh_environment(target: Path, wheel: Path) -> Path:
    """Make an environment with its own pip and install the wheel; nothing is fetched."""
    venv.create(target, with_pip=True, clear=True, symlinks=True)
    python = target / "bin" / "python"
    command = [*module_command(str(python), "pip"), "install", "--quiet", "--no-index"]
    command += ["--disable-pip-version-check", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepFailedError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return python


def _failing_scene(page: Page, scene: Scene, args: argparse.Namespace, folder: Path) -> Scene:
    """Show the real error without the runtime; return the scene in which it appeared."""
    page.line()
    page.line(("Without the runtime", "bold"), (": import demo_modern", ""))
    failed = scene.run("-c", "import demo_modern")
    if failed.returncode == 0:
        said = "    this machine's libstdc++ is new enough: Debian 12's is put before it"
        page.line((said, ""))
        older = older_host_libraries(args.cache, folder / "older-host")
        scene = Scene(python=scene.python, modules=scene.modules, library_path=str(older))
        failed = scene.run("-c", "import demo_modern")
    error = failed.stderr.strip().splitlines()[-1:] or [f"exit {failed.returncode}"]
    page.line((f"    {error[0]}", "red"))
    if failed.returncode == 0 or "GLIBCXX_" not in error[0]:
        raise StepFailedError("The import without the runtime was expected to fail on GLIBCXX.")
    return scene


def _working_scene(page: Page, scene: Scene, environment: Path) -> int:
    page.line()
    page.line(("With it", "bold"), (": import cxx11_cuda_runtime, then the same import", ""))
    with as_file(files("cxxrt_toolchain.demo").joinpath("child.py")) as child:
        done = scene.run(str(child))
    if done.returncode != 0:
        raise StepFailedError(f"The child failed (exit {done.returncode}):\n{done.stderr}")
    *printed, last = done.stdout.splitlines()
    report = json.loads(last)
    for line in (*printed, f"caught: {report['host']}"):
        page.line((f"    {line}", "green"))
    for major, version in report["cudart"].items():
        page.line((f"    libcudart.so.{major}: cudaRuntimeGetVersion {version}", "green"))
    mapped = mapped_runtimes(report["maps"])
    page.line()
    page.line(("The C++ and CUDA runtime of this process", "bold"))
    page.table(_table(mapped, environment))
    twice = mapped_twice(mapped)
    says = f"mapped twice: {', '.join(twice)}" if twice else "every SONAME is mapped exactly once"
    page.line((says, ""))
    return 1 if twice or not mapped else 0


def _table(mapped: tuple[Mapped, ...], environment: Path) -> list[list[Text]]:
    rows: list[list[Text]] = [[((word, "dim"),) for word in ("SONAME", "mapped from", "KiB")]]
    for entry in mapped:
        ours = entry.path.is_relative_to(environment)
        where = f"runtime wheel: {entry.path.name}" if ours else str(entry.path)
        rows.append([((cell, ""),) for cell in (entry.soname, where, str(entry.kib))])
    return rows


@contextmanager
def _step(page: Page, title: str) -> Iterator[None]:
    page.line((title, "bold"), (" ...", ""))
    started = time.monotonic()
    yield
    page.line((f"    {time.monotonic() - started:.1f} s", ""))


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mapped:
    """One mapped file that carries a runtime library."""

    soname: str
    path: Path
    kib: int
    """Address space, in KiB, over all segments."""


def mapped_runtimes(maps: str) -> tuple[Mapped, ...]:
    """Return the mapped runtime libraries, sorted by SONAME; a file is one entry."""
    sizes: Counter[Path] = Counter()
    for row in parse_maps(maps.encode()):
        sizes[Path(row.path)] += (row.end - row.start) // 1024
    return tuple(
        sorted(
            Mapped(soname=_soname(path), path=path, kib=size)
            for path, size in sizes.items()
            if path.name.startswith(_RUNTIME_STEMS)
        )
    )


def mapped_twice(mapped: Sequence[Mapped]) -> tuple[str, ...]:
    """Return the SONAMEs that more than one file serves."""
    counts = Counter(entry.soname for entry in mapped)
    return tuple(soname for soname, count in counts.items() if count > 1)


def _soname(path: Path) -> str:
    with path.open("rb") as stream:
        return read_elf(stream, str(path)).soname or path.name
