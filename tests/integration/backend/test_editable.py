"""Editable installs: the runtime comes first, and the source tree stays as it is."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from sample_builds import Environment

pytestmark = [
    pytest.mark.isolated,
    pytest.mark.network,
    pytest.mark.compile,
    pytest.mark.runtime,
]


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.mark.parametrize("backend", ["cxxrt_toolchain.backend", "setuptools.build_meta"])
def test_an_editable_install_runs_on_the_shared_runtime(
    sample_source: Path, new_environment: Environment, backend: str
) -> None:
    project = sample_source / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    text = text.replace('"cxxrt_toolchain.backend"', f'"{backend}"', 1)
    project.write_text(
        text.replace('requires = ["cxxrt', 'requires = ["cxx11-cuda-runtime", "cxxrt'),
        encoding="utf-8",
    )
    before = _digests(sample_source)
    new_environment.stock_pip("install", "-q", "-e", str(sample_source))

    probe = new_environment.probe("cxxrt_sample_pybind11")
    assert probe.answers == {"cxxrt_sample_pybind11": "cxxrt 42"}
    (libstdcxx,) = probe.mapped("libstdc++")
    assert libstdcxx.parent.parent.name == "cxx11_cuda_runtime"
    after = _digests(sample_source)
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if "cxxrt_init" in name or name.endswith(".pth")]

    source = sample_source / "src" / "cxxrt_sample_pybind11" / "__init__.py"
    source.write_text(source.read_text(encoding="utf-8") + "EDITED = True\n", encoding="utf-8")
    assert new_environment.run("import cxxrt_sample_pybind11 as m; print(m.EDITED)") == "True\n"


def test_uninstalling_leaves_nothing_that_python_runs_at_its_start(
    sample_source: Path, new_environment: Environment
) -> None:
    new_environment.stock_pip("install", "-q", "-e", str(sample_source))
    new_environment.stock_pip("uninstall", "-q", "-y", "cxxrt-sample-pybind11")
    packages = new_environment.python.parents[1] / "lib"
    assert not [path for path in packages.rglob("_cxxrt_editable*") if path.suffix != ".pyc"]
    started = "import sys; print('cxx11_cuda_runtime' in sys.modules)"
    assert new_environment.run(started) == "False\n"
