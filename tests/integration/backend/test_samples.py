"""Each sample project: built in isolation by two frontends, installed, imported and run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from sample_builds import clean_environment, run

from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from sample_builds import BuildSample, Environment, Index

pytestmark = [pytest.mark.isolated, pytest.mark.network, pytest.mark.compile, pytest.mark.runtime]

_PYTHON = f"cp{sys.version_info[0]}{sys.version_info[1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A folder of tests/packages, and what its wheel must be."""

    folder: str
    modules: tuple[str, ...]
    tag: str
    """Python and ABI field of the tagged wheel."""
    wired: tuple[str, ...]
    """The members that call ``require()``."""
    exports: dict[str, frozenset[str]]
    """Beginning of a native member's name -> all that it exports, where that is fixed."""


_SAMPLES = [
    Sample(
        folder="pybind11_setuptools",
        modules=("cxxrt_sample_pybind11",),
        tag=f"{_PYTHON}-cxxrt1_{_PYTHON}",
        wired=("cxxrt_sample_pybind11/_cxxrt_init.py",),
        exports={"cxxrt_sample_pybind11/_core.": frozenset({"PyInit__core"})},
    ),
    Sample(
        folder="cython_plugin",
        modules=("cxxrt_sample_cython",),
        tag=f"{_PYTHON}-cxxrt1_{_PYTHON}",
        wired=("cxxrt_sample_cython/_cxxrt_init.py",),
        exports={"cxxrt_sample_cython/core.": frozenset({"PyInit_core"})},
    ),
    Sample(
        folder="nanobind_cmake",
        modules=("cxxrt_sample_nanobind",),
        tag=f"{_PYTHON}-cxxrt1_{_PYTHON}",
        wired=("cxxrt_sample_nanobind/_cxxrt_init.py",),
        exports={"cxxrt_sample_nanobind/_core.": frozenset({"PyInit__core"})},
    ),
    Sample(
        folder="meson_module",
        modules=("cxxrt_sample_meson",),
        tag=f"{_PYTHON}-cxxrt1_{_PYTHON}",
        wired=("cxxrt_sample_meson/_cxxrt_init.py",),
        exports={"cxxrt_sample_meson/core.": frozenset({"PyInit_core"})},
    ),
    Sample(
        folder="abi3_module",
        modules=("cxxrt_sample_abi3",),
        tag="cp310-cxxrt1_abi3",
        wired=("cxxrt_sample_abi3/_cxxrt_init.py",),
        exports={"cxxrt_sample_abi3.": frozenset({"PyInit_cxxrt_sample_abi3"})},
    ),
    Sample(
        folder="ctypes_library",
        modules=("cxxrt_sample_ctypes",),
        tag="py3-cxxrt1_none",
        wired=("cxxrt_sample_ctypes/_cxxrt_init.py",),
        exports={},
    ),
    Sample(
        folder="namespace_portion",
        modules=("cxxrt_samples.portion", "cxxrt_samples.lone"),
        tag=f"{_PYTHON}-cxxrt1_{_PYTHON}",
        wired=("cxxrt_samples/lone/_cxxrt_init.py", "cxxrt_samples/portion/_cxxrt_init.py"),
        exports={"cxxrt_samples/lone.": frozenset({"PyInit_lone"})},
    ),
]


_BY_PIP = ("abi3_module", "cython_plugin", "meson_module", "ctypes_library")
"""One sample for each backend and for the setuptools plugin.

pip calls the same hooks as ``build``, with the metadata's hook before them; which hooks a backend
has does not depend on the sample.
"""


@pytest.fixture(params=_SAMPLES, ids=lambda sample: sample.folder)
def sample(request: pytest.FixtureRequest) -> Sample:
    found: Sample = request.param
    return found


_BUILDS = [
    *((sample, "build") for sample in _SAMPLES),
    *((sample, "pip") for sample in _SAMPLES if sample.folder in _BY_PIP),
]


@pytest.mark.parametrize(
    ("sample", "frontend"), _BUILDS, ids=[f"{sample.folder}-{by}" for sample, by in _BUILDS]
)
def test_the_wheel_has_a_plain_tag_the_bound_and_the_wiring(
    sample: Sample, frontend: str, build_sample: BuildSample, tmp_path: Path
) -> None:
    path = build_sample(sample.folder, frontend)
    with Wheel.open(path) as wheel:
        names = [member.name for member in wheel.members]
        requirements = [str(r) for r in wheel.metadata.requirements()]
        assert not wheel.record_issues()
    assert f"-{sample.tag.replace('cxxrt1_', '')}-manylinux" in path.name
    assert tuple(name for name in names if "_cxxrt_init" in name) == sample.wired
    (bound,) = [r for r in requirements if r.startswith("cxx11-cuda-runtime")]
    assert bound == f"cxx11-cuda-runtime<2,>=1.{_oldest_gcc(path, tmp_path)}"


def test_the_tagged_wheel_is_the_plain_one_under_another_name(
    sample: Sample, build_sample: BuildSample, tmp_path: Path
) -> None:
    plain = build_sample(sample.folder)
    command = [sys.executable, "-m", "cxxrt_toolchain", "encode", str(plain), "--to", "tag"]
    tagged = Path(run([*command, "-w", str(tmp_path)], clean_environment()).strip())
    assert f"-{sample.tag}-manylinux" in tagged.name
    with ZipFile(plain) as one, ZipFile(tagged) as other:
        assert one.namelist() == other.namelist()
        changed = {name for name in one.namelist() if one.read(name) != other.read(name)}
    assert {name.partition(".dist-info/")[2] for name in changed} == {"WHEEL", "RECORD"}


# The release of GCC whose libstdc++ has the node first: libstdc++ manual, "ABI Policy".
_GLIBCXX = {21: 5, 22: 6, 23: 7, 24: 7, 25: 8, 26: 9, 27: 9, 28: 9, 29: 11, 30: 12, 32: 13, 33: 14}
_CXXABI = {9: 5, 10: 6, 11: 7, 12: 9, 13: 11, 14: 13, 15: 14}


def _oldest_gcc(path: Path, scratch: Path) -> int:
    """The oldest GCC with everything that the wheel's objects need, by GNU readelf."""
    with ZipFile(path) as archive:
        archive.extractall(scratch)  # a wheel of our own
    objects = [str(found) for found in scratch.rglob("*.so*")]
    text = subprocess.run(
        ["readelf", "-VW", *objects], capture_output=True, text=True, check=True
    ).stdout
    releases = [_GLIBCXX.get(int(n), 0) for n in re.findall(r"GLIBCXX_3\.4\.(\d+)", text)]
    releases += [_CXXABI.get(int(n), 0) for n in re.findall(r"CXXABI_1\.3\.(\d+)", text)]
    return max(releases)


def test_the_verdict_on_the_wheel_is_that_it_conforms(
    sample: Sample, build_sample: BuildSample
) -> None:
    command = [sys.executable, "-m", "cxxrt_toolchain", "check", str(build_sample(sample.folder))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_extension_modules_export_their_init_function_only(
    sample: Sample, build_sample: BuildSample
) -> None:
    with Wheel.open(build_sample(sample.folder)) as wheel:
        for start, expected in sample.exports.items():
            (member,) = [
                m.name for m in wheel.members if m.name.startswith(start) and ".so" in m.name
            ]
            facts = read_elf(BytesIO(wheel.read(member)), member, symbols=True)
            exported = {s.name for s in facts.symbols or () if s.defined and s.visible}
            assert exported == expected


def test_an_internal_library_keeps_what_its_module_links_to(build_sample: BuildSample) -> None:
    with Wheel.open(build_sample("meson_module")) as wheel:
        (member,) = [m.name for m in wheel.members if "libcxxrt_sample_text" in m.name]
        facts = read_elf(BytesIO(wheel.read(member)), member, symbols=True)
    assert any("4join" in s.name for s in facts.symbols or () if s.defined and s.visible)


def test_both_frontends_give_the_same_bytes(build_sample: BuildSample) -> None:
    first = build_sample("abi3_module", "build")
    second = build_sample("abi3_module", "pip")
    assert first.read_bytes() == second.read_bytes()


def test_installed_from_the_index_it_runs_on_the_one_shared_runtime(
    sample: Sample, build_sample: BuildSample, index: Index, new_environment: Environment
) -> None:
    index.publish(build_sample(sample.folder))
    new_environment.install(f"cxxrt-sample-{sample.folder.split('_')[0]}")
    probe = new_environment.probe(*sample.modules)
    assert set(probe.answers.values()) == {"cxxrt 42"}
    (libstdcxx,) = probe.mapped("libstdc++")
    assert libstdcxx.parent.parent.name == "cxx11_cuda_runtime"
    assert "No broken requirements" in _pip_check(new_environment)


def _pip_check(environment: Environment) -> str:
    command = [sys.executable, "-m", "cxxrt_toolchain", "pip", "--python", str(environment.python)]
    done = subprocess.run([*command, "check"], capture_output=True, text=True, check=False)
    return done.stdout


def test_the_module_that_importers_get_is_the_extension_itself(
    build_sample: BuildSample, index: Index, new_environment: Environment
) -> None:
    index.publish(build_sample("abi3_module"))
    new_environment.install("cxxrt-sample-abi3")
    code = (
        "import json, sys, cxxrt_sample_abi3 as m\n"
        "print(json.dumps([m.__file__, m.__name__, m is sys.modules['cxxrt_sample_abi3'],"
        " hasattr(m, '__path__')]))"
    )
    file, name, same, is_package = json.loads(new_environment.run(code))
    assert file.endswith("site-packages/cxxrt_sample_abi3.abi3.so")
    assert (name, same, is_package) == ("cxxrt_sample_abi3", True, False)


def test_without_the_runtime_the_import_says_what_to_install(
    build_sample: BuildSample, index: Index, new_environment: Environment
) -> None:
    wheel = build_sample("pybind11_setuptools")
    new_environment.install("--no-deps", str(wheel))
    command = [str(new_environment.python), "-c", "import cxxrt_sample_pybind11"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'cxx11-cuda-runtime<2,>=1." in done.stderr
