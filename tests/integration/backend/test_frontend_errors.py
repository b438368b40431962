"""What goes wrong in a build is one paragraph with a remedy, in any frontend's output."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from machine import need_extension_builder
from sample_builds import clean_environment

from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_HOOK = "import cxxrt_toolchain.backend as b; b.build_wheel({!r}, {})"


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Calls the hook as a frontend does: in a process of its own, in the project's folder."""

    def call(
        table: str = "",
        environment: dict[str, str] | None = None,
        settings: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        text = f'[project]\nname = "broken"\nversion = "1"\n[tool.cxxrt]\n{table}\n'
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        code = _HOOK.format(str(tmp_path / "wheels"), settings)
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def test_an_unknown_key_has_its_path_and_the_known_ones(
    build: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = build('encodings = "tag"')
    assert done.returncode == 2
    assert done.stderr.startswith("cxxrt: tool.cxxrt.encodings is not a key of this format.")
    assert "Traceback" not in done.stderr


def test_an_override_is_checked_like_the_table(
    build: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = build(settings={"cxxrt.encoding": "wheel"})
    assert done.returncode == 2
    assert '-C cxxrt.encoding must be one of tag, plain, variant, not "wheel".' in done.stderr


def test_a_missing_runtime_is_an_error_of_the_environment(
    build: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = build()
    assert done.returncode == 3
    assert "cxx11-cuda-runtime" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("body", "before", "code", "said"),
    [
        ("return None", "", 2, "cxxrt: cannot go on: TypeError at "),
        ("import os; os._exit(0)", "", 3, "cxxrt: [Errno 2] No such file or directory: "),
        (
            "return []",
            "import sys; sys.modules['pyproject_hooks'] = None",
            3,
            "Install cxxrt-toolchain with what it requires.",
        ),
    ],
    ids=["no list", "no answer", "incomplete installation"],
)
def test_an_error_that_nobody_foresaw_is_one_paragraph(
    tmp_path: Path, body: str, before: str, code: int, said: str
) -> None:
    done = _requirements(tmp_path, body, before)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    "body",
    [
        "raise RuntimeError('of the project')",
        "raise SystemExit('own words')",
        "raise SystemExit(7)",
    ],
)
def test_the_wrapped_backends_own_error_is_shown_as_without_us(tmp_path: Path, body: str) -> None:
    """Its traceback and its words, then one paragraph of ours; nothing in place of them."""
    done = _requirements(tmp_path, body)
    direct = (
        "import pyproject_hooks as p;"
        "p.BuildBackendHookCaller('.', 'own', ['.']).get_requires_for_build_sdist()"
    )
    alone = subprocess.run(
        [sys.executable, "-c", direct], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    theirs, _, ours = done.stderr.rpartition("cxxrt: own: get_requires_for_build_sdist failed ")
    assert alone.stderr.startswith(theirs)
    assert theirs or body.endswith("(7)")
    assert ours.startswith(f"with exit status {7 if body.endswith('(7)') else 1}; ")
    assert done.returncode == 3


def _requirements(project: Path, body: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Ask for the sdist's requirements of a project whose own backend has that hook body."""
    (project / "pyproject.toml").write_text(
        '[tool.cxxrt]\nbuild-backend = "own"\nbackend-path = ["."]\n', encoding="utf-8"
    )
    source = f"def get_requires_for_build_sdist(settings=None):\n    {body}\n"
    (project / "own.py").write_text(source, encoding="utf-8")
    code = f"{before}\nimport cxxrt_toolchain.backend as b; b.get_requires_for_build_sdist()"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False
    )


def test_a_setuptools_project_without_the_runtime_is_told_what_to_require(tmp_path: Path) -> None:
    """The plugin cannot add to ``requires`` as the backend does, so it says what is missing."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "broken"\nversion = "1"\n[tool.cxxrt]\n', encoding="utf-8"
    )
    setup = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('m', ['m.c'])])"
    (tmp_path / "setup.py").write_text(setup, encoding="utf-8")
    hook = "import setuptools.build_meta as b; b.build_wheel('wheels')"
    done = subprocess.run(
        [sys.executable, "-c", hook], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: cxxrt: the runtime to link against is not installed for ")
    assert last.endswith('with another backend, list it in the "requires" of [build-system].')


_PATCHED = """\
from unittest.mock import patch
import setuptools.build_meta as b
with patch("{target}", {value}):
    b.{hook}("wheels")
"""


@pytest.mark.parametrize(
    ("target", "hook"),
    [
        ("cxxrt_toolchain.backend.hooks.is_served", "build_wheel"),
        ("cxxrt_toolchain.backend.config.read_config", "build_sdist"),
        ("cxxrt_toolchain.backend.config.has_table", "prepare_metadata_for_build_wheel"),
        ("cxxrt_toolchain.backend.setting.link_settings", "build_editable"),
        ("cxxrt_toolchain.backend.finish.finish_wheel", "build_wheel"),
    ],
)
def test_an_error_that_nobody_foresaw_ends_a_setuptools_build_in_one_paragraph(
    tmp_path: Path, target: str, hook: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(_ASKING, encoding="utf-8")
    (tmp_path / "other.py").touch()
    (tmp_path / "wheels").mkdir()
    done = _patched(tmp_path, target, "side_effect=ZeroDivisionError('on purpose')", hook)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(r"error: cxxrt: cannot go on: ZeroDivisionError at .*", last), done.stderr
    assert not [line for line in done.stderr.splitlines() if line.startswith("Traceback")]
    assert not list((tmp_path / "wheels").glob("*.whl"))


def test_a_setuptools_project_requires_the_same_where_the_runtime_does_nothing(
    tmp_path: Path,
) -> None:
    """All wheels of a version require the same: there, the runtime's ``any`` wheel is installed."""
    (tmp_path / "pyproject.toml").write_text(_ASKING, encoding="utf-8")
    (tmp_path / "other.py").touch()
    done = _patched(tmp_path, "sys.implementation.name", "'pypy'", "build_wheel")
    assert done.returncode == 0, done.stderr
    with Wheel.open(next((tmp_path / "wheels").glob("*.whl"))) as wheel:
        assert [each.name for each in wheel.metadata.requirements()] == [
            "packaging",
            "cxx11-cuda-runtime",
        ]


_ASKING = """\
[project]
name = "other"
version = "1"
dependencies = ["packaging", "cxx11-cuda-runtime>=1,<2"]
[tool.cxxrt]
"""


def _patched(project: Path, target: str, value: str, hook: str) -> subprocess.CompletedProcess[str]:
    code = _PATCHED.format(target=target, value=value, hook=hook)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("# does nothing without [tool.cxxrt], and cxxrt-toolchain is installed by chance", False),
        ("[tool.other]\ncxxrt = {}", False),
        ("[tool]\ncxxrt = {}", True),
    ],
)
def test_a_setuptools_project_is_left_alone_unless_it_asks(
    tmp_path: Path, text: str, *, acts: bool
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\nname = "other"\nversion = "1"\n{text}\n', encoding="utf-8"
    )
    (tmp_path / "other.py").touch()
    hook = "import setuptools.build_meta as b; b.prepare_metadata_for_build_wheel('.')"
    subprocess.run([sys.executable, "-c", hook], cwd=tmp_path, check=True, capture_output=True)
    metadata = (tmp_path / "other-1.dist-info" / "METADATA").read_text(encoding="utf-8")
    assert ("cxx11-cuda-runtime" in metadata) is acts


_WRONG_MAJOR = """\
#include <Python.h>
#include <string>
extern "C" int cudaRuntimeGetVersion(int*);
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "refused", nullptr, 0, nullptr};
PyMODINIT_FUNC PyInit_refused() {
    int version = 0;
    cudaRuntimeGetVersion(&version);
    return std::to_string(version).empty() ? nullptr : PyModule_Create(&definition);
}
"""
_SETUP = """\
from setuptools import Extension, setup
setup(ext_modules=[Extension("refused", ["m.cc"], language="c++", libraries=["cudart"])])
"""


@pytest.mark.compile
@pytest.mark.runtime
def test_binaries_that_cannot_carry_the_tag_are_refused_by_rule(
    build: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    runtime_env: Callable[[], Path],
) -> None:
    need_extension_builder()
    packages = next(runtime_env().parents[1].glob("lib/python*/site-packages"))
    (tmp_path / "m.cc").write_text(_WRONG_MAJOR, encoding="utf-8")
    (tmp_path / "setup.py").write_text(_SETUP, encoding="utf-8")
    environment = {
        **clean_environment(),
        "PYTHONPATH": str(packages),
        "CUDACXX": "no-nvcc",
        "LDFLAGS": f"-L{packages}/cxx11_cuda_runtime/lib/cu13",
    }
    done = build("cuda = 12", environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "cannot be published with the shared runtime:\n  CXXRT-T1: " in done.stderr
    assert "'cxxrt explain CXXRT-T1' says more." in done.stderr
    assert not list(tmp_path.glob("wheels/*"))


_CORE = """\
#include <Python.h>
#include <string>
namespace core { std::string greet(int n) { return std::string(n, 'x'); } }
static PyModuleDef d = {PyModuleDef_HEAD_INIT, "core", 0, -1, 0, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_core() { return PyModule_Create(&d); }
"""
_USER = """\
#include <Python.h>
#include <string>
namespace core { std::string greet(int); }
static PyModuleDef d = {PyModuleDef_HEAD_INIT, "user", 0, -1, 0, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_user() {
  return core::greet(3) == "xxx" ? PyModule_Create(&d) : nullptr;
}
"""
_PAIR_SETUP = """\
from setuptools import Extension, setup
setup(ext_modules=[Extension(n, [n + ".cc"], language="c++") for n in ("core", "user")])
"""
_PAIR_IMPORT = "import sys; sys.setdlopenflags(0x102); import core, user; print('done')"


@pytest.mark.compile
@pytest.mark.runtime
@pytest.mark.parametrize("backend", ["cxxrt_toolchain.backend", "setuptools.build_meta"])
def test_what_a_refusal_advises_helps_in_the_same_tree(
    tmp_path: Path, runtime_env: Callable[[], Path], backend: str
) -> None:
    """Distutils takes what is newer than its sources, however it was linked before."""
    need_extension_builder()
    packages = next(runtime_env().parents[1].glob("lib/python*/site-packages"))
    environment = {**clean_environment(), "PYTHONPATH": str(packages)}
    for name, text in (("core.cc", _CORE), ("user.cc", _USER), ("setup.py", _PAIR_SETUP)):
        (tmp_path / name).write_text(text, encoding="utf-8")

    def built(table: str) -> subprocess.CompletedProcess[str]:
        project = '[project]\nname = "pair"\nversion = "1"\ndependencies = ["cxx11-cuda-runtime"]\n'
        text = f"{project}[tool.setuptools]\npy-modules = []\n[tool.cxxrt]\n{table}\n"
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        code = f"import {backend} as b; b.build_wheel('wheels')"
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    refused = built("")
    assert refused.returncode == 1
    assert "keep-exports in [tool.cxxrt] names that module" in refused.stderr
    assert (tmp_path / "build").is_dir()
    done = built('keep-exports = ["core"]')
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("wheels/*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    environment["PYTHONPATH"] = f"{tmp_path / 'installed'}:{packages}"
    imported = subprocess.run(
        [sys.executable, "-c", _PAIR_IMPORT],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert imported.stdout == "done\n", imported.stderr
