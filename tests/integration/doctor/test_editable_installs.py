"""Editable installs by the real backends: the doctor names the distribution, in every mode."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from doctor_workshop import call
from editable_projects import BACKENDS, DEVELOP, LAYOUTS, Layout, write
from fixture_cache import compiled, copied_environment
from kept_environments import with_packages

from cxxrt_toolchain.doctor.environment import diagnose_environment
from cxxrt_toolchain.doctor.imports import diagnose_imports
from cxxrt_toolchain.doctor.process import diagnose_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cxxrt_toolchain.report.diagnosis import Diagnosis

pytestmark = [
    pytest.mark.network,
    pytest.mark.compile,
    pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler: install g++"),
    pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake"),
]
_NAMES = {layout: f"ed-{layout}" for layout in LAYOUTS}


class Lab:
    """An environment with every project installed editable, by uv."""

    def __init__(self, folder: Path, *requirements: str) -> None:
        self.folder = folder
        self.python = copied_environment(with_packages(*requirements), folder / "env")

    def install(self, *arguments: str) -> None:
        """Install; the programs of the environment come first, as when it is activated."""
        command = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(self.python)]
        cache = {"UV_CACHE_DIR": str(self.folder / "uv-cache")}
        done = subprocess.run(
            [*command, *arguments],
            env=self.variables | cache,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    @property
    def variables(self) -> dict[str, str]:
        kept = {name: each for name, each in os.environ.items() if not name.startswith("PYTHON")}
        return kept | {"PATH": f"{self.python.parent}:{os.environ['PATH']}"}

    def add(self, layout: Layout, name: str) -> None:
        project = self.folder / name
        package = write(project, name, layout)
        if not layout.files:
            _compile(project / "core.cc", project / "src" / package / "core.so")
        settings = [f"--config-settings={each}" for each in layout.settings]
        self.install("--no-build-isolation", "--no-deps", *settings, "-e", str(project))

    @contextmanager
    def running(self, *modules: str) -> Iterator[int]:
        code = f"import {', '.join(modules)}, time\nprint(flush=True)\ntime.sleep(600)"
        command = [str(self.python), "-c", code]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=self.variables) as child:
            assert child.stdout is not None
            try:
                assert child.stdout.readline() == b"\n"
                yield child.pid
            finally:
                child.kill()


def _compile(source: Path, target: Path) -> None:
    """As maturin and hand-written build scripts do: the module lies beside the package's files."""
    include = sysconfig.get_paths()["include"]
    compiled(target, ["g++", "-shared", "-fPIC", f"-I{include}", "-o", "@", str(source)])


@pytest.fixture(scope="session")
def lab(worker_folder: Path) -> Lab:
    made = Lab(worker_folder, *BACKENDS)
    for layout, name in _NAMES.items():
        made.add(LAYOUTS[layout], name)
    return made


@pytest.fixture(scope="session")
def worker_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("editable")


def owners(diagnosis: Diagnosis) -> dict[str, int]:
    return {each.name: each.objects for each in diagnosis.packages if each.name.startswith("ed-")}


def _expected(*, imported: bool) -> dict[str, int]:
    # Meson's internal library is installed, but nothing that is imported needs it.
    return {name: 2 if layout == "meson" and not imported else 1 for layout, name in _NAMES.items()}


def test_an_environment_shows_what_is_installed_editable(lab: Lab) -> None:
    diagnosis = diagnose_environment(str(lab.python), os.environ)
    assert owners(diagnosis) == _expected(imported=False)
    uses = {each.source for each in diagnosis.edges if "libstdc++" in each.target}
    assert {f"package:{name}" for name in _NAMES.values()} <= uses


def test_imports_and_processes_name_the_distribution(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = [name.replace("-", "_") for name in _NAMES.values()]
    monkeypatch.setenv("PATH", lab.variables["PATH"])
    diagnosis = diagnose_imports(str(lab.python), modules, experiments=False)
    assert {each.outcome.value for each in diagnosis.steps} == {"imported"}, diagnosis.steps
    assert owners(diagnosis) == _expected(imported=True)
    with lab.running(*modules) as pid:
        diagnosis = diagnose_process(pid)
    assert owners(diagnosis) == _expected(imported=True)
    ours = [each for each in diagnosis.libraries if f"{lab.folder}/" in each.path]
    assert {each.origin.value for each in ours} == {"wheel"}


def test_a_failing_module_in_a_source_tree_is_blamed_by_its_distribution(lab: Lab) -> None:
    """A stand-in for libstdc++ gives one reference a version that no library has."""
    source = lab.folder / "future"
    source.mkdir()
    (source / "stub.cc").write_text('extern "C" void from_the_future() {}\n')
    (source / "stub.map").write_text("GLIBCXX_3.4.99 { global: from_the_future; };\n")
    stub = source / "libstdc++.so.6"
    call("g++", "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libstdc++.so.6",
         f"-Wl,--version-script={source / 'stub.map'}", "-o", str(stub),
         str(source / "stub.cc"))  # fmt: skip
    name = _NAMES["flat"]
    module = next((lab.folder / name / "ed_flat").glob("core.*.so"))
    kept = module.read_bytes()
    code = source / "core.cc"
    code.write_text('extern "C" void from_the_future();\nvoid* use = (void*)from_the_future;\n')
    try:
        call("gcc", "-shared", "-fPIC", "-o", str(module), str(code), str(stub))
        read = diagnose_environment(str(lab.python), os.environ)
        tried = diagnose_imports(str(lab.python), ["ed_flat"], experiments=False)
    finally:
        module.unlink()
        module.write_bytes(kept)
    for diagnosis in (read, tried):
        (found,) = [each for each in diagnosis.findings if each.rule == "CXXRT-D1"]
        assert name in (*found.culprits, *found.victims), found
        assert name in found.message


def test_a_develop_install_of_old_setuptools(tmp_path: Path) -> None:
    old = Lab(tmp_path, "setuptools==65.5.1", "wheel==0.45.1")
    write(tmp_path / "ed-old", "ed-old", DEVELOP)
    done = subprocess.run(
        [str(old.python), "setup.py", "-q", "develop"],
        cwd=tmp_path / "ed-old",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"this Python has no develop installs: {done.stderr.splitlines()[-1]}")
    assert owners(diagnose_environment(str(old.python), os.environ)) == {"ed-old": 1}
    with old.running("ed_old") as pid:
        assert owners(diagnose_process(pid)) == {"ed-old": 1}


def test_the_command_says_so_too(lab: Lab) -> None:
    command = [sys.executable, "-m", "cxxrt_toolchain", "doctor", "--json", "--python"]
    done = subprocess.run(
        [*command, str(lab.folder / "env")], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    found = {row["name"] for row in json.loads(done.stdout)["packages"]}
    assert set(_NAMES.values()) <= found
