"""``cxxrt repair`` as cibuildwheel's ``repair-wheel-command``, without its container.

cibuildwheel builds in Docker, which a test cannot count on. So its own code reads the project's
configuration and puts the paths in, and the command runs as it would in the container: by
``sh -c``, on a wheel that was just built, into an empty folder that must hold one wheel afterwards.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import textwrap
from typing import TYPE_CHECKING

import pytest
from kept_environments import with_packages
from machine import need_extension_builder

from cxxrt_toolchain.abi.tag import RuntimeAbi
from cxxrt_toolchain.abi.variant import tagged_name
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.network, pytest.mark.compile, pytest.mark.runtime]

_CIBUILDWHEEL = "cibuildwheel==4.3.5"
_IDENTIFIER = f"cp3{sys.version_info[1]}-manylinux_x86_64"

_PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "answer"
version = "1.0"

[tool.setuptools]
packages = ["answer"]

[[tool.setuptools.ext-modules]]
name = "answer._ext"
sources = ["ext.cc"]

[tool.cibuildwheel.linux]
before-build = "python -m pip install 'cxxrt-toolchain[graft]'"
repair-wheel-command = "cxxrt repair -w {dest_dir} {wheel}"
[[tool.cibuildwheel.overrides]]
select = "*-musllinux*"
before-build = ""
repair-wheel-command = "auditwheel repair -w {dest_dir} {wheel}"
"""
_EXT = """
#include <Python.h>
#include <string>
static PyObject* answer(PyObject*, PyObject*) {
    return PyLong_FromLong(std::stol(std::string("4") + std::to_string(2)));
}
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, 0}, {0, 0, 0, 0}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_ext", 0, -1, methods, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit__ext() { return PyModule_Create(&module); }
"""
# Calls what cibuildwheel/platforms/linux.py calls, in its order, up to the container.
_READ_OPTIONS = """
import json, sys
from dataclasses import replace
from pathlib import Path
from cibuildwheel.options import CommandLineArguments, compute_options
from cibuildwheel.util.helpers import prepare_command
project, identifier, wheel, dest_dir = sys.argv[1:]
arguments = replace(CommandLineArguments.defaults(), platform="linux", package_dir=Path(project))
options = compute_options("linux", arguments, {})
options.check_for_invalid_configuration([identifier])
command = options.build_options(identifier).repair_command
prepared = prepare_command(
    command,
    **{"wheel": wheel, "dest_dir": dest_dir, "package": project, "project": project},
)
print(json.dumps({"written": command, "prepared": prepared}))
"""


def _run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(each) for each in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def cibuildwheel() -> Path:
    """The Python of an environment that has cibuildwheel."""
    need_extension_builder()
    if sys.version_info < (3, 11):
        pytest.skip(f"needs Python 3.11: {_CIBUILDWHEEL} does")
    return with_packages(_CIBUILDWHEEL) / "bin" / "python"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "answer").mkdir(parents=True)
    (folder / "answer" / "__init__.py").write_text("from answer._ext import answer\n")
    (folder / "pyproject.toml").write_text(_PYPROJECT, encoding="utf-8")
    (folder / "ext.cc").write_text(textwrap.dedent(_EXT), encoding="utf-8")
    return folder


def test_the_configured_command_makes_the_one_wheel_that_cibuildwheel_expects(
    cibuildwheel: Path, project: Path, tmp_path: Path, runtime_env: Callable[..., Path]
) -> None:
    built, repaired = tmp_path / "built_wheel", tmp_path / "repaired_wheel"
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    _run(*wheel, "-w", built, project)
    (source,) = built.iterdir()
    assert source.name.endswith("-linux_x86_64.whl")
    repaired.mkdir()
    asked: list[str | Path] = [_READ_OPTIONS, project, _IDENTIFIER, source, repaired]
    answer = json.loads(_run(cibuildwheel, "-c", *asked))
    assert answer["written"] == "cxxrt repair -w {dest_dir} {wheel}"
    assert answer["prepared"] == f"cxxrt repair -w {repaired} {source}"

    scripts = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
    _run("sh", "-c", answer["prepared"], PATH=scripts)

    (result,) = repaired.glob("*.whl")
    assert list(repaired.iterdir()) == [result]
    assert re.search("-(cp3[0-9]+)-\\1-manylinux_2_", result.name)
    with Wheel.open(result) as found:
        assert judge(collect(found)).conforms

    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    _run(*install, "--target", site, result)  # as cibuildwheel's test step does
    said = _run(runtime_env(), "-c", "import answer; print(answer.answer())", PYTHONPATH=str(site))
    assert said == "42\n"


def test_the_help_configures_cibuildwheel_for_glibc_and_musl(
    cibuildwheel: Path, project: Path, tmp_path: Path
) -> None:
    help_text = _run(sys.executable, "-m", "cxxrt_toolchain", "repair", "--help")
    shown = textwrap.dedent(help_text[help_text.index("  [tool.cibuildwheel") :].split("\n\n")[0])
    written = _PYPROJECT[_PYPROJECT.index("[tool.cibuildwheel") :]
    assert re.sub(" +#.*", "", shown).strip() == written.strip()
    musl = _IDENTIFIER.replace("manylinux", "musllinux")
    answer = json.loads(_run(cibuildwheel, "-c", _READ_OPTIONS, project, musl, "w", tmp_path))
    assert answer["prepared"] == f"auditwheel repair -w {tmp_path} w"


_FIND = """
import sys
from pathlib import Path
from cibuildwheel.util.packaging import find_compatible_wheel
found = find_compatible_wheel([Path(name) for name in sys.argv[2:]], sys.argv[1])
print(found or "builds again")
"""


@pytest.mark.parametrize(("python", "abi"), [("cp310", "abi3"), ("py3", "none")])
def test_a_plain_wheel_of_the_stable_abi_serves_the_next_python_and_a_tagged_one_does_not(
    cibuildwheel: Path, python: str, abi: str
) -> None:
    """So a build makes the plain one; the tagged one is made of it when all are built."""
    plain = f"answer-1.0-{python}-{abi}-manylinux_2_28_x86_64.whl"
    tagged = tagged_name(plain, RuntimeAbi(epoch=1))
    found = [_run(cibuildwheel, "-c", _FIND, _IDENTIFIER, name) for name in (plain, tagged)]
    assert found == [f"{plain}\n", "builds again\n"]
