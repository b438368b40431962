"""Grafting: a library of the build machine goes into the wheel, the runtime's libraries do not."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from machine import need_extension_builder

from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.repair.external import libraries_to_graft
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.compile

_TAG = f"cp3{sys.version_info[1]}-cp3{sys.version_info[1]}-linux_x86_64"

_INNER = "#include <vector>\nint inner() { return std::vector<int>(20, 1).size(); }\n"
_OUTER = "int inner();\nint outer() { return inner() + 1; }\n"
_MODULE = """
#include <Python.h>
#include <string>
int outer();
static PyObject* answer(PyObject*, PyObject*) {
    return PyLong_FromLong(outer() * 2 + static_cast<long>(std::to_string(outer()).size()) - 2);
}
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, 0}, {0, 0, 0, 0}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_ext", 0, -1, methods, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit__ext() { return PyModule_Create(&module); }
"""
_RUN = """
import json, demo, demo._ext
rows = [row.split(None, 5)[5].strip() for row in open("/proc/self/maps") if ".so" in row]
names = ("libouter", "libinner", "libstdc++", "libgcc_s")
print(json.dumps([demo._ext.answer(), sorted({r for r in rows if any(n in r for n in names)})]))
"""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with libouter, which needs libinner, and beside it a module that needs libouter."""
    need_extension_builder()
    folder = tmp_path_factory.mktemp("machine") / "lib"
    folder.mkdir()
    include = f"-I{sysconfig.get_path('include')}"
    _compile(folder / "libinner.so.2", _INNER, "-Wl,-soname,libinner.so.2")
    _compile(folder / "libouter.so.1", _OUTER, "-Wl,-soname,libouter.so.1", "-l:libinner.so.2")
    _compile(folder.with_name("_ext.so"), _MODULE, include, f"-L{folder}", "-l:libouter.so.1")
    return folder


def _compile(target: Path, source: str, *options: str) -> None:
    text = target.with_suffix(".cc")
    text.write_text(source, encoding="utf-8")
    command = ["g++", "-shared", "-fPIC", "-o", str(target), str(text), f"-L{target.parent}"]
    subprocess.run([*command, "-Wl,--no-as-needed", *options], check=True, capture_output=True)


class BuildMachine:
    """A machine that has the libraries, and a wheel that was built on it."""

    def __init__(self, libraries: Path, wheel: Path) -> None:
        self.libraries = libraries
        self.wheel = wheel

    def repair(self, *options: str, found: bool = True) -> subprocess.CompletedProcess[str]:
        """The command, on a machine that finds the libraries or does not."""
        environment = {**os.environ, "AUDITWHEEL_PLAT": "manylinux_2_5_x86_64"}  # to be ignored
        if found:
            environment["LD_LIBRARY_PATH"] = str(self.libraries)
        command = [sys.executable, "-m", "cxxrt_toolchain", "repair", *options, str(self.wheel)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def machine(libraries: Path, make_wheel: Callable[..., Path]) -> BuildMachine:
    module = libraries.with_name("_ext.so").read_bytes()
    files = {"demo/__init__.py": b"", "demo/_ext.so": module}
    return BuildMachine(libraries, make_wheel(files, tags=[_TAG]))


def _sonames(path: Path) -> dict[str, tuple[str, ...]]:
    with Wheel.open(path) as wheel:
        assert wheel.record_issues() == ()
        report = collect(wheel)
        assert libraries_to_graft(report, ()) == ()
        return {found.member: tuple(found.facts.needed) for found in report.objects}


def test_a_library_and_what_it_needs_are_grafted_and_the_runtime_is_not(
    machine: BuildMachine, tmp_path: Path
) -> None:
    before = machine.wheel.read_bytes()
    done = machine.repair("-w", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"graft libouter.so.1 from {machine.libraries}/libouter.so.1" in done.stdout
    (result,) = (tmp_path / "out").iterdir()
    assert re.search("-cp3[0-9]+-cp3[0-9]+-manylinux_2_", result.name)
    needed = _sonames(result)
    inner, outer = sorted(member for member in needed if member.startswith("demo.libs/"))
    assert inner.startswith("demo.libs/libinner-")
    assert outer.startswith("demo.libs/libouter-")
    assert outer.removeprefix("demo.libs/") in needed["demo/_ext.so"]
    assert inner.removeprefix("demo.libs/") in needed[outer]
    for names in needed.values():
        assert "libstdc++.so.6" in names
    assert machine.wheel.read_bytes() == before


@pytest.mark.runtime
def test_the_repaired_wheel_runs_where_the_libraries_are_not(
    machine: BuildMachine, tmp_path: Path, runtime_env: Callable[..., Path]
) -> None:
    out = tmp_path / "out"
    done = machine.repair("-w", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = out.iterdir()
    target = tmp_path / "site"
    python = runtime_env()
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", str(target), str(result)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(target)}
    ran = subprocess.run(
        [str(python), "-c", _RUN], capture_output=True, text=True, check=False, env=environment
    )
    assert ran.returncode == 0, ran.stderr
    answer, mapped = json.loads(ran.stdout)
    assert answer == 42
    by_name = {Path(path).name.split(".so")[0].split("-")[0]: path for path in mapped}
    assert len(by_name) == len(mapped) == 4
    for name in ("libouter", "libinner"):
        assert by_name[name].startswith(str(target / "demo.libs"))
    for name in ("libstdc++", "libgcc_s"):
        assert "/cxx11_cuda_runtime/lib/" in by_name[name]


def test_two_runs_give_the_same_bytes(machine: BuildMachine, tmp_path: Path) -> None:
    digests = set()
    for name in ("first", "second"):
        done = machine.repair("-w", str(tmp_path / name))
        assert done.returncode == 0, done.stdout + done.stderr
        (result,) = (tmp_path / name).iterdir()
        digests.add((result.name, hashlib.sha256(result.read_bytes()).hexdigest()))
    assert len(digests) == 1


def test_a_dry_run_says_what_would_be_grafted_and_writes_nothing(
    machine: BuildMachine, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    done = machine.repair("--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    (document,) = json.loads(done.stdout)["wheels"]
    grafted = {row["soname"]: row["source"] for row in document["grafted"]}
    assert grafted == {
        name: str(machine.libraries / name) for name in ("libinner.so.2", "libouter.so.1")
    }
    assert sorted(tmp_path.rglob("*")) == before


def test_a_library_that_is_not_here_is_a_refusal_that_names_it(
    machine: BuildMachine, tmp_path: Path
) -> None:
    done = machine.repair("-w", str(tmp_path / "out"), found=False)
    assert done.returncode == 1
    assert "refused CXXRT-P1" in done.stdout
    assert "libouter.so.1" in done.stdout
    assert "--exclude libouter.so.1" in " ".join(done.stdout.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--no-graft", "--keep-platform", "--exclude=libouter.so.*"])
def test_nothing_is_grafted_that_the_caller_does_not_want(
    machine: BuildMachine, tmp_path: Path, option: str
) -> None:
    done = machine.repair(option, "-w", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = (tmp_path / "out").iterdir()
    with Wheel.open(result) as wheel:
        assert not [member for member in wheel.members if ".libs/" in member.name]
    assert ("linux_x86_64" in result.name) != option.startswith("--exclude")


def test_without_auditwheel_the_exit_code_says_what_to_install(
    machine: BuildMachine, tmp_path: Path
) -> None:
    hidden = (
        "import importlib.util as u, sys; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'auditwheel' else find(name, *a)\n"
        "from cxxrt_toolchain.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", hidden, "repair", "-w", str(tmp_path / "out")]
    done = subprocess.run(
        [*command, str(machine.wheel)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "pip install 'auditwheel" in done.stderr


def test_the_wheel_may_not_replace_itself(machine: BuildMachine) -> None:
    plain = machine.wheel.with_name(machine.wheel.name.replace("linux_", "manylinux_2_41_"))
    machine.wheel = machine.wheel.rename(plain)
    digest = hashlib.sha256(plain.read_bytes()).hexdigest()
    done = machine.repair("-w", str(plain.parent))
    assert done.returncode == 2
    assert "is the wheel to repair itself" in done.stderr
    assert hashlib.sha256(plain.read_bytes()).hexdigest() == digest


_OPENER = """
#include <dlfcn.h>
int outer() { return dlopen("liblayer.so.2", RTLD_NOW) ? 21 : 0; }
"""


def test_a_library_that_opens_others_in_its_own_folder_is_not_copied(
    libraries: Path, make_wheel: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "vendor"
    folder.mkdir()
    _compile(folder / "libouter.so.1", _OPENER, "-Wl,-soname,libouter.so.1")
    _compile(folder / "liblayer.so.2", "int layer() { return 1; }", "-Wl,-soname,liblayer.so.2")
    module = libraries.with_name("_ext.so").read_bytes()
    wheel = make_wheel({"demo/__init__.py": b"", "demo/_ext.so": module}, tags=[_TAG])
    done = BuildMachine(folder, wheel).repair("-w", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "CXXRT-H17: libouter.so.1 is not copied: it opens liblayer.so.2" in done.stdout
    assert "graft libouter" not in done.stdout
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_library_of_a_required_distribution_is_not_copied(
    libraries: Path, make_wheel: Callable[..., Path], tmp_path: Path
) -> None:
    site = tmp_path / "env/lib/python3.11/site-packages"
    info = site / "acme_pack-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-pack\nVersion: 1.0\n")
    (info / "RECORD").write_text("../../libouter.so.1,,\n")
    for name in ("libouter.so.1", "libinner.so.2"):
        (tmp_path / "env/lib" / name).write_bytes((libraries / name).read_bytes())
    module = libraries.with_name("_ext.so").read_bytes()
    files = {"demo/__init__.py": b"", "demo/_ext.so": module}
    wheel = make_wheel(files, tags=[_TAG], requires_dist=["acme-pack"])
    done = BuildMachine(tmp_path / "env/lib", wheel).repair("-w", str(tmp_path / "out"))
    assert done.returncode == 1, done.stdout
    assert "libouter.so.1 is not copied: it is a file of acme-pack 1.0" in done.stdout
