"""One state of the loader per child process, on real libraries; probes built with the host's g++.

``run_state(steps)`` answers what the child said; see child.py for the protocol. The number of
states that ran is printed at the end of the session.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from debfixtures import library
from fixture_cache import kept, version_of

from cxxrt_toolchain.elf.patcher import find_patchelf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HERE = Path(__file__).parent
SERVED = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15")
states = {"run": 0}
"""How many children the session started."""


@dataclass(frozen=True)
class Reply:
    """What one child said."""

    results: list[Any]
    mapped: list[str]
    """Runtime libraries that the kernel has mapped."""
    modules: list[str]
    """What the import of the package brought into sys.modules."""
    required: list[str]
    """What ``require`` did."""

    def count(self, name: str) -> int:
        """Number of mapped files whose name starts like this."""
        return sum(Path(path).name.startswith(name) for path in self.mapped)


def find_pythons() -> dict[str, str]:
    """Interpreters on PATH and under pyenv, by minor version."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}": sys.executable}
    for minor in SERVED:
        places = [str(path) for path in sorted(pyenv.glob(f"{minor}.*/bin/python"))]
        on_path = shutil.which(f"python{minor}")
        for place in [*places, *([on_path] if on_path and "shims" not in on_path else [])]:
            found.setdefault(minor, place)
    return {minor: found[minor] for minor in SERVED if minor in found}


PYTHONS = find_pythons()


@pytest.fixture(params=SERVED[:5])
def python(request: pytest.FixtureRequest) -> str:
    """Each interpreter that the loader serves."""
    if request.param not in PYTHONS:
        pytest.skip(f"needs Python {request.param}: install it or put it on PATH")
    return PYTHONS[request.param]


@pytest.fixture(scope="session")
def runtime_site(runtime_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sys.path with the runtime wheel unpacked in it."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(runtime_wheel) as archive:
        archive.extractall(site)
    return site


@pytest.fixture
def own_site(runtime_site: Path, tmp_path: Path) -> Path:
    """A private copy of ``runtime_site`` that a test may damage."""
    return Path(shutil.copytree(runtime_site, tmp_path / "own-site"))


@pytest.fixture(scope="session")
def ours(runtime_site: Path) -> Path:
    """The vendored libraries."""
    return runtime_site / "cxx11_cuda_runtime" / "lib"


@pytest.fixture(scope="session")
def run_state(runtime_site: Path) -> Callable[..., Reply]:
    """Run steps in a child; by default the wheel is on its path and its Python is pytest's."""

    def run(
        steps: Sequence[Sequence[object]],
        *,
        python: str = sys.executable,
        site: Path = runtime_site,
        environ: Mapping[str, str] | None = None,
        flags: Sequence[str] = ("-s", "-S"),  # with -I or -E, no CXXRT_ variable counts
    ) -> Reply:
        states["run"] += 1
        clean = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("CXXRT_", "LD_", "PYTHON"))
        }
        done = subprocess.run(
            [
                python,
                *flags,
                "-B",
                str(HERE / "child.py"),
                json.dumps([["path", str(site)], *steps]),
            ],
            env={**clean, **(environ or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        reply = json.loads(done.stdout.splitlines()[-1])
        return Reply(**{**reply, "results": reply["results"][1:]})

    return run


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Real libstdc++ of other ages, in folders of their own: 28 (bullseye) and 30 (bookworm)."""
    folder = tmp_path_factory.mktemp("foreign")
    found = {}
    for number, name in (("28", "bullseye-libstdcxx"), ("30", "bookworm-libstdcxx")):
        target = folder / number / "libstdc++.so.6"
        target.parent.mkdir()
        shutil.copy(library(name, "libstdc++.so.6"), target)
        found[number] = target
    return found


@pytest.fixture(scope="session")
def probes(ours: Path, foreign: dict[str, Path]) -> dict[str, Path]:
    """Extensions-to-be, by how they bring libstdc++.

    ``plain`` and ``second`` need the shared one, ``new`` needs GLIBCXX_3.4.30 of it, ``newer`` also
    3.4.29, ``exported``
    and ``hidden`` are linked with -static-libstdc++, ``mangled-N`` need a renamed private copy.
    """
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs a C++ compiler: install g++")
    private = {**foreign, "ours": ours / "libstdc++.so.6"}
    folder = kept(
        "probes",
        (version_of(compiler, "-v"), _VARIANTS, HERE / "probe.cc", *private, *private.values()),
        lambda work: _build_probes(work, compiler, private),
    )
    return {path.stem: path for path in folder.glob("*.so")}


_VARIANTS = {
    "plain": ["-DPROBE_OLD"],
    "second": ["-DPROBE_OLD"],
    "new": ["-DPROBE_OLD", "-DPROBE_NEW"],
    "newer": ["-DPROBE_NEW"],
    "exported": ["-static-libstdc++"],
    "hidden": ["-static-libstdc++", "-Wl,--version-script=hidden.map"],
}


def _build_probes(folder: Path, compiler: str, private: dict[str, Path]) -> None:
    (folder / "hidden.map").write_text("{ global: probe_*; local: *; };\n")
    for name, options in _VARIANTS.items():
        _call(compiler, "-O1", "-std=c++17", "-shared", "-fPIC", "-pthread", *options,
              "-o", f"{name}.so", str(HERE / "probe.cc"), cwd=folder)  # fmt: skip
    patchelf = str(find_patchelf())
    for number, source in private.items():
        copy = f"libstdc++-{number}c0ffee.so.6"
        shutil.copy(source, folder / copy)
        _call(patchelf, "--set-soname", copy, str(folder / copy))
        probe = folder / f"mangled-{number}.so"
        shutil.copy(folder / "plain.so", probe)
        _call(patchelf, "--replace-needed", "libstdc++.so.6", copy,
              "--set-rpath", "$ORIGIN", str(probe))  # fmt: skip


def _call(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="session")
def nvidia_wheels() -> dict[str, Path]:
    """NVIDIA's wheels unpacked into folders of their own, by release; fetched through pip."""
    return {
        release: kept(f"nvidia-{release}", (wanted,), partial(_fetch, wanted))
        for release, wanted in _NVIDIA.items()
    }


_NVIDIA = {
    "12.9": "nvidia-cuda-runtime-cu12==12.9.79",
    "12.4": "nvidia-cuda-runtime-cu12==12.4.127",
    "13.0": "nvidia-cuda-runtime==13.0.96",
    "13.2": "nvidia-cuda-runtime==13.2.51",
}


def _fetch(requirement: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
    done = subprocess.run(
        [*command, "-d", str(folder), requirement], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"needs {requirement} through pip: {done.stderr.strip()[-200:]}")
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        wheel.unlink()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many states of the loader ran."""
    if states["run"]:
        terminalreporter.write_line(f"loader: {states['run']} states, each in its own process")


@pytest.fixture(scope="session")
def old_package(
    probes: dict[str, Path], foreign: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A site folder with an installed package whose native library brings an old libstdc++."""
    site = tmp_path_factory.mktemp("old-site")
    package = site / "oldpkg"
    package.mkdir()
    patchelf = str(find_patchelf())
    shutil.copy(foreign["28"], package / "libstdc++.so.6")
    native = shutil.copy(probes["plain"], package / "native.so")
    _call(patchelf, "--set-rpath", "$ORIGIN", str(native))
    (package / "__init__.py").write_text(
        "import ctypes, os\nctypes.CDLL(os.path.join(os.path.dirname(__file__), 'native.so'))\n"
    )
    info = site / "oldpkg-2.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("oldpkg/__init__.py,,\noldpkg/native.so,,\n")
    return site


@pytest.fixture(scope="session")
def conda_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python like conda's: ``<prefix>/conda-meta``, DT_RPATH ``$ORIGIN/../lib`` in bin/python.

    DT_RPATH of the program serves what it dlopens, before LD_LIBRARY_PATH (ld.so(8)).
    """
    source = Path(os.path.realpath(sys.executable))
    home = Path(sys.base_prefix)
    prefix = tmp_path_factory.mktemp("conda")
    (prefix / "conda-meta").mkdir()
    (prefix / "bin").mkdir()
    (prefix / "lib").mkdir()
    standard = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (prefix / "lib" / standard).symlink_to(home / "lib" / standard)
    python = Path(shutil.copy(source, prefix / "bin" / "python"))
    patchelf = str(find_patchelf())
    _call(patchelf, "--force-rpath", "--set-rpath", f"$ORIGIN/../lib:{home / 'lib'}", str(python))
    return python
