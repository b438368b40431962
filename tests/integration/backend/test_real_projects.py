"""Other people's projects, built with our backend by the README's two lines.

Published sdists, pinned by hash. Their own test suites run against the
unmodified build and against ours; every single test must end alike. No sdist of pyroaring (0.2.9 to
1.2.0) or hnswlib (0.3.4 to 0.8.0) has tests: there the documented examples are run.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.request import urlopen
from xml.etree import ElementTree as ET

import pytest
from sample_builds import Environment, build_wheel, clean_environment, run, unpack_sdist

from cxxrt_toolchain.wheel.reader import Wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

    from sample_builds import Index

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.isolated,
    pytest.mark.network,
    pytest.mark.compile,
    pytest.mark.runtime,
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A published sdist."""

    name: str
    version: str
    sha256: str
    module: str
    tests: str = "test_examples.py"
    """What pytest is given; the default is the file of `_EXAMPLES`."""
    options: tuple[str, ...] = ()
    """Of pytest."""
    needs: tuple[str, ...] = ()
    """What its tests need beside pytest."""
    maps: str = "libstdc++"
    """The one library of the runtime that importing it maps; empty if its objects use none."""


_PROJECTS = [
    Project(  # setuptools and cppy
        name="kiwisolver",
        version="1.5.1",
        sha256="f1303ef2eec81262a4b708c3e858afe58d7c75ad91c1c05266eda7673369859a",
        module="kiwisolver",
        tests="py/tests",
    ),
    Project(  # scikit-build-core and Cython's output
        name="levenshtein",
        version="0.27.5",
        sha256="22021caf5867a46fae5ab927bbdcb430599d7e5ee3898449cbbe430ff07b7d08",
        module="Levenshtein",
        tests="tests",
    ),
    Project(  # meson-python and pybind11
        name="contourpy",
        version="1.3.3",
        sha256="083e12155b210502d0bca491432bb04d56dc3432f95a979b429f2848c3dbe880",
        module="contourpy",
        tests="tests",
        # Rendered images and checks of the sources say nothing about the build; the large random
        # grids repeat the small ones for many minutes.
        options=(
            *("-m", "not image and not slow and not threads"),
            *("-k", "not random"),
            "--ignore-glob=*test_codebase.py",
        ),
        needs=("numpy", "wurlitzer"),
    ),
    Project(  # setuptools and Cython, one module beside no package
        name="pyclipper",
        version="1.4.0",
        sha256="9882bd889f27da78add4dd6f881d25697efc740bf840274e749988d25496c8e1",
        module="pyclipper",
        tests="tests",
    ),
    Project(  # C with OpenMP
        name="pykdtree",
        version="1.4.3",
        sha256="d9187930ffb8c822c52595b64948b47346694ee2a49e2702420b58f743d786f5",
        module="pykdtree.kdtree",
        tests="pykdtree.test_tree",
        options=("--pyargs",),
        maps="libgomp",
    ),
    Project(  # no pyproject.toml
        name="pyroaring",
        version="1.2.0",
        sha256="e33bf8fc8d8aad7373f62147cb5dbfaf0fdcf19af8069d034cd8ef4fb41a78af",
        module="pyroaring",
    ),
    Project(
        name="marisa-trie",
        version="1.4.1",
        sha256="44ce3bdbeb7c950d463e460184fc3e18702df9ef0edb826bac672fd789fb1d20",
        module="marisa_trie",
        tests="tests",
        needs=("hypothesis", "readme_renderer"),
    ),
    Project(  # setuptools and pybind11
        name="hnswlib",
        version="0.8.0",
        sha256="cb6d037eedebb34a7134e7dc78966441dfd04c9cf5ee93911be911ced951c44c",
        module="hnswlib",
    ),
    Project(  # four modules linked by g++ that take no symbol of libstdc++: no need, no requirement
        name="srsly",
        version="2.5.6",
        sha256="8f7cbc9b24bf39ca17ee5cd50d9ebfe9adaa5f00b11457358c551730fe165160",
        module="srsly.msgpack._packer",
        tests="srsly.tests",
        options=("--pyargs",),
        needs=("numpy", "psutil", "mock"),
        maps="",
    ),
    Project(  # scikit-build-core and pybind11
        name="iminuit",
        version="2.33.0",
        sha256="275f3daa1d4f8c33579b96276d7c5fb680a7cfb6fb8bea9a4245a1500d5d328b",
        module="iminuit._core",
        tests="tests",
        needs=("scipy", "matplotlib"),
    ),
]
_EXAMPLES = """\
import doctest, importlib, re
from pathlib import Path
import pytest

MODULE = importlib.import_module("@module@")
README = Path(__file__).with_name("README.md")
BLOCKS = re.findall("```python\\n(.*?)```", README.read_text(), re.S) if README.exists() else []

def examples():
    for name, each in vars(MODULE).items():
        for of in [each, *vars(each).values()] if isinstance(each, type) else [each]:
            text = getattr(of, "__doc__", None) or ""
            found = doctest.DocTestParser().get_doctest(text, {**vars(MODULE)}, name, None, None)
            if found.examples:
                yield found

@pytest.mark.parametrize("example", list(examples()))
def test_docstring(example):
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example).failed == 0

@pytest.mark.parametrize("block", BLOCKS)
def test_readme(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(block, {})
"""


@pytest.mark.parametrize("project", _PROJECTS, ids=lambda project: project.name)
def test_the_projects_own_tests_end_as_with_the_unmodified_build(
    project: Project, index: Index, tmp_path: Path
) -> None:
    if project.name in ("levenshtein", "contourpy") and sys.version_info < (3, 11):
        pytest.skip(f"{project.name} {project.version} needs Python 3.11 or newer")
    sdist = _fetch(project, tmp_path)
    outcomes = {}
    for kind in ("original", "ours"):
        source = _unpacked(sdist, tmp_path / kind)
        (source / "test_examples.py").write_text(_EXAMPLES.replace("@module@", project.module))
        if kind == "ours":
            _adopt(source / "pyproject.toml")
        build_wheel(source, tmp_path / kind / "wheels", "pip", index.with_network())
        (wheel,) = (tmp_path / kind / "wheels").glob("*.whl")
        with Wheel.open(wheel) as opened:
            required = {each.name for each in opened.metadata.requirements()}
        adopted = kind == "ours" and bool(project.maps)
        assert ("cxx11-cuda-runtime" in required) == adopted
        environment = _environment(tmp_path / kind / "env", index.with_network())
        environment.install(str(wheel), "pytest", *project.needs)
        outcomes[kind] = _run_tests(project, source, environment)
        if adopted:
            probe = environment.run(_MAPPED, project.module, project.maps)
            assert [line for line in probe.split() if "cxx11_cuda_runtime" in line]
            assert len(probe.split()) == 1
    assert outcomes["ours"] == outcomes["original"]
    assert "passed" in outcomes["ours"].values()
    assert "failed" not in outcomes["ours"].values()


_MAPPED = """\
import importlib, sys
importlib.import_module(sys.argv[1])
print(*{line.split()[-1] for line in open("/proc/self/maps") if sys.argv[2] in line})
"""


def _fetch(project: Project, folder: Path) -> bytes:
    """The sdist, from wherever the machine's package index has it."""
    pin = f"{project.name}=={project.version}"
    text = '[project]\nname = "x"\nversion = "0"\nrequires-python = ">=3.11"\n'
    text += f'dependencies = ["{pin}"]\n'
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "uv", "lock", "-q"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"needs a package index that uv reaches: {done.stderr.strip()[-200:]}")
    lock = tomllib.loads((folder / "uv.lock").read_text(encoding="utf-8"))
    (url,) = [p["sdist"]["url"] for p in lock["package"] if p["name"] == project.name]
    with urlopen(url) as answer:  # noqa: S310 - the index's own address of a pinned file
        content: bytes = answer.read()
    assert hashlib.sha256(content).hexdigest() == project.sha256
    return content


def _unpacked(sdist: bytes, folder: Path) -> Path:
    unpack_sdist(BytesIO(sdist), folder)
    (source,) = folder.iterdir()
    return source


def _adopt(pyproject: Path) -> None:
    """The README's two lines: our backend instead of theirs, and the runtime as a dependency."""
    text = pyproject.read_text(encoding="utf-8") if pyproject.exists() else _NO_PYPROJECT
    dynamic = re.search(r'(?m)^dynamic = .*"dependencies"', text)
    if "[project]" in text and not dynamic:
        named = 'dependencies = ["cxx11-cuda-runtime>=1,<2",'
        text, lists = re.subn(r"(?m)^dependencies\s*=\s*\[", named, text, count=1)
        if not lists:
            text = text.replace("[project]\n", f"[project]\n{named}]\n")
    head, section, tail = re.split(r"(?ms)(^\[build-system\]$.*?)(?=^\[|\Z)", text, maxsplit=1)
    section = re.sub(r"requires\s*=\s*\[", 'requires = ["cxxrt-toolchain",', section, count=1)
    section = re.sub(
        r'build-backend\s*=\s*"[^"]*"', 'build-backend = "cxxrt_toolchain.backend"', section
    )
    pyproject.write_text(head + section + tail, encoding="utf-8")


_NO_PYPROJECT = """\
[build-system]
requires = ["setuptools", "Cython"]
build-backend = "setuptools.build_meta"
"""


def _environment(folder: Path, index: Index) -> Environment:
    run([sys.executable, "-m", "venv", str(folder)], clean_environment())
    return Environment(python=folder / "bin" / "python", index=index)


def _run_tests(project: Project, source: Path, environment: Environment) -> dict[str, str]:
    """Test id -> passed, failed or skipped."""
    report = source / "junit.xml"
    # The program, because `-m pytest` would import the package from the source tree.
    command = [str(environment.python.with_name("pytest")), "-q", f"--junitxml={report}"]
    subprocess.run(
        [*command, f"--rootdir={source}", *project.options, project.tests],
        # Tests of the installed package start programs, which import from the working folder.
        cwd=source.parent if "--pyargs" in project.options else source,
        env=clean_environment(),
        capture_output=True,
        check=False,
    )
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - our own pytest wrote it
    return {f"{c.get('classname')}::{c.get('name')}": _outcome(c) for c in cases}


def _outcome(case: ET.Element) -> str:
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"
