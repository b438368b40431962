"""What the backend's integration tests work with: an index, environments, processes to look at.

Isolated builds are real: the frontends make their environments and install into them. What they
install comes from the local server, which has our two distributions, and from the wheelhouse; only
an index without a wheelhouse leads to the machine's own package index.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol

_REPOSITORY = Path(__file__).parents[3]
_PLAIN_CORE = """\
#include <Python.h>
#include <sstream>
static PyObject* selftest(PyObject*, PyObject*) {
    std::ostringstream out;
    out << "cxxrt " << 42;
    return PyUnicode_FromString(out.str().c_str());
}
static PyMethodDef methods[] = {
    {"selftest", selftest, METH_NOARGS, nullptr}, {"fail", selftest, METH_NOARGS, nullptr}, {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&definition); }
"""
_BINDINGS = (
    ("from pybind11.setup_helpers import Pybind11Extension\nfrom setuptools import setup\n",
     "from setuptools import Extension, setup\n"),
    (", cxx_std=17", ', language="c++"'),
    ("Pybind11Extension", "Extension"),
    ("find_package(nanobind CONFIG REQUIRED)\n", ""),
    ("nanobind_add_module(_core NB_STATIC", "Python_add_library(_core MODULE WITH_SOABI"),
    (', "pybind11>=2.13"', ""),
    (', "nanobind>=2.2"', ""),
)  # fmt: skip
"""What becomes of the build files of a sample without its binding generator."""
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
    """An index server, the folder that it serves, and wheels that isolated builds need."""

    folder: Path
    url: str
    wheelhouse: Path | None
    """None: the machine's package index has them."""
    uv_cache: Path

    def publish(self, wheel: Path) -> None:
        """Put a wheel on the server."""
        shutil.copy(wheel, self.folder)

    def with_network(self) -> Index:
        """The same server beside the machine's package index."""
        return replace(self, wheelhouse=None)

    def environment(self) -> dict[str, str]:
        """Variables that lead pip and uv to this server, and to the wheelhouse or the network."""
        common = {**clean_environment(), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        if self.wheelhouse is None:
            extra = f"{_configured_extra_index()} {self.url}".strip()
            found = {"PIP_EXTRA_INDEX_URL": extra, "UV_FIND_LINKS": str(self.folder)}
            return {**common, **found}
        return {
            **common,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.url,
            "PIP_FIND_LINKS": str(self.wheelhouse),
            "UV_NO_CONFIG": "1",
            "UV_DEFAULT_INDEX": self.url,
            "UV_FIND_LINKS": str(self.wheelhouse),
            "UV_CACHE_DIR": str(self.uv_cache),
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

    def uv(self, *arguments: str) -> None:
        """Install with uv, whose isolated builds take a second less than pip's."""
        install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(self.python)]
        run([*install, *arguments], self.index.environment())

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
        frontend: ``build``, ``build-uv``, which installs with uv in any case, or ``pip``.
        index: Has the runtime and the toolchain.
        options: Config settings, each as ``key=value``.
    """
    settings = [f"--config-setting={option}" for option in options]
    if frontend == "pip":
        settings = [f"--config-settings={option}" for option in options]
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(wheels), *settings]
        run([*command, str(source)], index.environment())
    else:
        by_uv = index.wheelhouse is not None or frontend == "build-uv"
        installer = ["--installer", "uv"] if by_uv else []
        command = [sys.executable, "-m", "build", "--wheel", *installer, "-o", str(wheels)]
        run([*command, *settings, str(source)], index.environment())


def unpack_sdist(archive: BinaryIO, folder: Path) -> None:
    """Unpack a ``.tar.gz`` whose hash was checked; filters came with Python 3.11.4 only."""
    with tarfile.open(fileobj=archive) as opened:
        if hasattr(tarfile, "data_filter"):
            opened.extractall(folder, filter="data")
        else:
            opened.extractall(folder)  # noqa: S202 - its hash was checked


def copied_sources(target: Path) -> Path:
    """A copy of what this checkout's distribution is built from."""
    target.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(_REPOSITORY / name, target)
    for name in ("toolchain", "abi-tag-spec", "recipes"):
        copied(_REPOSITORY / name, target / name)
    return target


def plain_sample(source: Path, target: Path) -> Path:
    """A copy of a sample whose module is plain C API: pybind11 and nanobind compile for seconds.

    For tests of how a project is installed, which are not about what its module is written with.
    """
    copied(source, target)
    next(target.rglob("core.cc")).write_text(_PLAIN_CORE, encoding="utf-8")
    for name in ("setup.py", "CMakeLists.txt", "pyproject.toml"):
        if (target / name).exists():
            text = (target / name).read_text(encoding="utf-8")
            for before, after in _BINDINGS:
                text = text.replace(before, after)
            (target / name).write_text(text, encoding="utf-8")
    return target


def copied(source: Path, target: Path) -> Path:
    """A copy of a folder in place of the target, without what earlier builds left."""
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
