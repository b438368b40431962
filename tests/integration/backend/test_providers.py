"""MKL, TBB and NVIDIA's libraries from the package index: built against, installed, called, shared.

Gigabytes of wheels and some minutes; the index keeps what pip and uv keep.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from machine import need_extension_builder
from sample_builds import Environment, build_wheel, clean_environment, copied, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sample_builds import Index

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.isolated,
    pytest.mark.network,
    pytest.mark.compile,
    pytest.mark.runtime,
]

MKL, CMAKE, TBB, CUDA = (f"provider_{name}" for name in ("mkl", "mkl_cmake", "tbb", "cuda"))
_TOGETHER = """\
import importlib, json, os, re, sys
modules = [importlib.import_module(name) for name in sys.argv[1].split(",")]
said = [m.selftest() for m in modules if hasattr(m, "selftest")]
state = []
for m, other in zip(modules, modules[1:]):
    if hasattr(m, "set_threads") and hasattr(other, "threads"):
        m.set_threads(1)
        state.append(other.threads())
if "numpy" in sys.modules:
    import numpy
    ones = numpy.ones((42, 1))
    said.append("cxxrt %d" % (ones.T @ ones).item())
if "torch" in sys.modules:
    import torch
    said.append("cxxrt %d" % ((torch.ones(300, 300) @ torch.ones(300, 300)).trace() // 2142))
lines = open("/proc/self/maps").read().splitlines()
mapped = sorted({line.split()[-1] for line in lines if ".so" in line})
print(json.dumps([said, state, mapped]))
"""


class Process:
    """What a process said, and what it had mapped."""

    def __init__(self, environment: Environment, *modules: str) -> None:
        answer = json.loads(environment.run(_TOGETHER, ",".join(modules)).splitlines()[-1])
        self.said, self.state, self.mapped = answer

    def count(self, pattern: str) -> int:
        """Mapped files whose name begins like this."""
        names = [path.rsplit("/", 1)[-1] for path in self.mapped]
        return sum(re.match(pattern, name) is not None for name in names)


@pytest.fixture(scope="module")
def built(
    index: Index, samples: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Builds a sample once; each old text is replaced by the new one in all its files."""
    need_extension_builder()
    done: dict[tuple[object, ...], Path] = {}

    def build(sample: str, *changes: tuple[str, str], frontend: str = "build-uv") -> Path:
        if (sample, changes) not in done:
            folder = tmp_path_factory.mktemp(sample)
            source = copied(samples / sample, folder / "source")
            for path in [each for each in source.rglob("*") if each.is_file()]:
                text = path.read_text(encoding="utf-8")
                for old, new in changes:
                    text = text.replace(old, new)
                path.write_text(text, encoding="utf-8")
            for old, new in changes:
                for path in [each for each in source.rglob(old) if each.is_dir()]:
                    path.rename(path.with_name(new))
            build_wheel(source, folder / "wheels", frontend, index.with_network())
            (done[sample, changes],) = (folder / "wheels").glob("*.whl")
        return done[sample, changes]

    return build


def requirements(wheel: Path) -> list[str]:
    """The ``Requires-Dist`` of a wheel, without the runtime's."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode()
    found = re.findall("(?m)^Requires-Dist: (.*)$", text)
    return sorted(each for each in found if not each.startswith("cxx11-cuda-runtime"))


def installed(folder: Path, index: Index, *what: object) -> Environment:
    run([sys.executable, "-m", "venv", str(folder)], clean_environment())
    environment = Environment(python=folder / "bin" / "python", index=index.with_network())
    if what:
        environment.uv(*map(str, what))
    return environment


@pytest.mark.parametrize(
    ("devel", "soname", "bound"),
    [
        ("mkl-devel==2025.*", "libmkl_rt.so.2", "mkl<2026,>=2024.0.0"),
        ("mkl-devel==2026.*", "libmkl_rt.so.3", "mkl<2027,>=2026.0.0"),
    ],
)
def test_mkl_is_pinned_by_its_soname_and_takes_the_runtimes_openmp(
    built: Callable[..., Path], index: Index, tmp_path: Path, devel: str, soname: str, bound: str
) -> None:
    wheel = built(MKL, ("mkl-devel", devel), frontend="pip")
    assert "-manylinux_2_17_x86_64" in wheel.name
    assert requirements(wheel) == [bound]
    process = Process(installed(tmp_path / "env", index, wheel), "cxxrt_sample_mkl")
    assert process.said == ["cxxrt 42"]
    assert process.count(re.escape(soname)) == 1
    assert process.count("libmkl_gnu_thread") == 1
    assert process.count("libgomp") == 1
    assert process.count("libiomp5") == 0


def test_an_editable_install_pulls_mkl_in_and_loads_it_at_the_start(
    index: Index, samples: Path, tmp_path: Path
) -> None:
    source = copied(samples / MKL, tmp_path / "source")
    environment = installed(tmp_path / "env", index)
    # uv takes the static project.dependencies, which do not name mkl, for those of the wheel.
    environment.stock_pip("install", "-q", "-e", str(source))
    process = Process(environment, "cxxrt_sample_mkl")
    assert process.said == ["cxxrt 42"]
    assert process.count("libmkl_rt") == process.count("libgomp") == 1


def test_two_users_of_mkl_share_one_copy_and_its_state_in_both_orders_beside_numpy_and_torch(
    built: Callable[..., Path], index: Index, tmp_path: Path
) -> None:
    names = ("cxxrt_sample_mkl", "cxxrt_sample_two")
    other = built(MKL, names, tuple(name.replace("_", "-") for name in names))
    environment = installed(tmp_path / "env", index, built(MKL), other, "numpy")
    environment.stock_pip("install", "-q", "torch==2.13.0+cpu")  # of an index that pip is given
    for pair in (names, names[::-1]):
        for rest in ((), ("numpy",), ("torch",), ("numpy", "torch")):
            for order in {(*pair, *rest), (*rest, *pair)}:
                process = Process(environment, *order)
                assert set(process.said) == {"cxxrt 42"}, order
                assert 1 in process.state, order
                assert process.count("libmkl_rt") == 1, order
                assert process.count("libmkl_gnu_thread") == 1, order
                assert process.count("libgomp") == 1, order
                assert process.count("libiomp5") == 0, order


def test_intels_defaults_of_find_package_open_the_layers_as_one_group(
    built: Callable[..., Path], index: Index, tmp_path: Path
) -> None:
    wheel = built(CMAKE)
    assert requirements(wheel) == ["intel-openmp>=2024.0.0", "mkl<2027,>=2026.0.0"]
    environment = installed(tmp_path / "env", index, wheel, built(MKL))
    process = Process(environment, "cxxrt_sample_mkl_cmake")
    assert process.said == ["cxxrt 42"]
    assert process.count("libiomp5") == process.count("libmkl_core") == 1
    assert process.count("libgomp") == 0
    for order in itertools.permutations(["cxxrt_sample_mkl_cmake", "cxxrt_sample_mkl"]):
        process = Process(environment, *order)
        assert process.said == ["cxxrt 42"] * 2
        assert process.count("libmkl_core") == process.count("libmkl_rt") == 1


def test_two_users_of_tbb_share_one_copy_of_three_files_and_its_state(
    built: Callable[..., Path], index: Index, tmp_path: Path
) -> None:
    names = ("cxxrt_sample_tbb", "cxxrt_sample_two")
    first, other = built(TBB), built(TBB, names, tuple(name.replace("_", "-") for name in names))
    assert requirements(first) == ["tbb>=2021.5.1"]
    environment = installed(tmp_path / "env", index, first, other)
    for order in (names, names[::-1]):
        process = Process(environment, *order)
        assert process.said == ["cxxrt 42"] * 2
        assert process.state == [1]
        assert process.count(r"libtbb\.so") == 1
    environment.stock_pip("uninstall", "-q", "-y", "tbb")
    with pytest.raises(
        AssertionError, match=r"needs libtbb\.so\.12 of the distribution tbb, which"
    ):
        environment.run("import cxxrt_sample_tbb")


@pytest.mark.parametrize("major", [12, 13])
def test_nvidias_libraries_are_pinned_by_their_symbols_and_called(
    built: Callable[..., Path], index: Index, tmp_path: Path, major: int
) -> None:
    changes = [("-cu12", ""), ("nvidia-cuda-nvcc", "nvidia-cuda-crt")] if major != 12 else []
    wheel = built(CUDA, *changes)
    suffix, names = ("-cu12", "cublas cuda-nvrtc nvjitlink") if major == 12 else ("", "")
    found = requirements(wheel)
    assert "-manylinux_2_17_x86_64" in wheel.name
    assert len(found) == 3
    assert all(f"{suffix}<{major + 1},>={major}." in each for each in found), names
    environment = installed(tmp_path / "env", index, wheel)
    process = Process(environment, "cxxrt_sample_cuda")
    assert process.said == ["cxxrt 42"]
    for library in ("libcublas", "libnvrtc", "libnvJitLink"):
        assert process.count(rf"{library}\.so\.{major}") == 1
    shutil.rmtree(tmp_path)
