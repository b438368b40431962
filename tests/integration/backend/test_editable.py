"""Editable installs: the runtime comes first, and the source tree stays as it is."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest
from machine import need_extension_builder
from sample_builds import copied, plain_sample

from cxxrt_toolchain.doctor.environment import diagnose_environment
from cxxrt_toolchain.doctor.imports import diagnose_imports

if TYPE_CHECKING:
    from pathlib import Path

    from sample_builds import Environment

    from cxxrt_toolchain.report.diagnosis import Diagnosis

pytestmark = [pytest.mark.isolated, pytest.mark.network, pytest.mark.compile, pytest.mark.runtime]


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


def _objects(diagnosis: Diagnosis) -> dict[str, int]:
    return {each.name: each.objects for each in diagnosis.packages if "sample" in each.name}


def test_the_doctor_sees_the_samples(
    samples: Path, new_environment: Environment, tmp_path: Path
) -> None:
    """Through our backend: setuptools flat and with `src`, a namespace, CMake, Meson."""
    need_extension_builder()
    for folder in ("pybind11_setuptools", "nanobind_cmake"):
        new_environment.uv("-e", str(plain_sample(samples / folder, tmp_path / folder)))
    for folder in ("abi3_module", "namespace_portion", "meson_module"):
        new_environment.uv("-e", str(copied(samples / folder, tmp_path / folder)))
    python = str(new_environment.python)
    assert _objects(diagnose_environment(python, os.environ)) == {
        "cxxrt-sample-abi3": 1,
        "cxxrt-sample-meson": 2,
        "cxxrt-sample-namespace": 2,
        "cxxrt-sample-nanobind": 1,
        "cxxrt-sample-pybind11": 1,
    }
    modules = ["cxxrt_sample_pybind11", "cxxrt_sample_abi3", "cxxrt_sample_nanobind"]
    diagnosis = diagnose_imports(python, modules, experiments=False)
    assert {each.outcome.value for each in diagnosis.steps} == {"imported"}, diagnosis.steps
    # Not Meson's, which rebuilds at import with the programs of the isolated build, and not the
    # namespace: setuptools 84 maps it as if it were a package, and cannot import it then.
    assert set(_objects(diagnosis)) == {
        f"cxxrt-sample-{name}" for name in ("abi3", "nanobind", "pybind11")
    }
