"""A compiled extension, released in three encodings beside the real runtime wheel.

The extension is built the usual way; ``cxxrt repair`` and ``cxxrt encode`` make the release of it.
Every installer takes its own encoding, and with each the process has one libstdc++: the runtime's.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest
from machine import need_extension_builder

from cxxrt_toolchain.wheel.writer import NewMember, write_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from installer_environments import Environment, Index, NewEnvironment

pytestmark = [
    pytest.mark.compile,
    pytest.mark.network,
    pytest.mark.runtime,
    pytest.mark.isolated,
    pytest.mark.skipif(
        platform.machine() != "x86_64", reason="the wheels of these tests are for x86_64"
    ),
]

THIS = f"cp{sys.version_info.major}{sys.version_info.minor}"
SOURCE = r"""
#include <Python.h>
#include <sstream>
static PyObject *greet(PyObject *, PyObject *name) {
    std::ostringstream out;
    out << "hello, " << PyUnicode_AsUTF8(name) << " " << 1.5;
    return PyUnicode_FromString(out.str().c_str());
}
static PyMethodDef methods[] = {{"greet", greet, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
"""
OBSERVE = """
import json, pathlib, greeter
paths = {line.split()[-1] for line in open("/proc/self/maps") if "libstdc++" in line}
dist_info, = pathlib.Path(greeter.__file__).parents[1].glob("greeter-*.dist-info")
tags = [line for line in (dist_info / "WHEEL").read_text().splitlines() if line.startswith("Tag")]
variant = (dist_info / "variant.json").exists()
print(json.dumps([greeter.greet("world"), sorted(paths), tags, variant]))
"""


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the three wheels and the index-level variants file."""
    need_extension_builder()
    folder = tmp_path_factory.mktemp("greeter")
    (folder / "core.cc").write_text(SOURCE)
    include = sysconfig.get_path("include")
    flags = ["-O1", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{include}"]
    subprocess.run(["g++", *flags, folder / "core.cc", "-o", folder / "core.so"], check=True)
    plain = _plain_wheel(folder)
    out = folder / "release"
    out.mkdir()
    cxxrt = [sys.executable, "-m", "cxxrt_toolchain"]
    subprocess.run(
        [*cxxrt, "repair", str(plain), "-w", str(out)], check=True, stdout=subprocess.DEVNULL
    )
    (repaired,) = out.glob("*.whl")
    encode = [*cxxrt, "encode", str(repaired), "--to", "tag,variant", "-w", str(out)]
    subprocess.run(encode, check=True, stdout=subprocess.DEVNULL)
    return out


def _plain_wheel(folder: Path) -> Path:
    dist_info = "greeter-1.0.dist-info"
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    tag = f"{THIS}-{THIS}-linux_x86_64"
    texts = {
        "greeter/__init__.py": "from ._core import greet as greet\n",
        f"{dist_info}/METADATA": "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n",
        f"{dist_info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\nTag: {tag}\n"
        ),
    }
    members = [NewMember(name, text.encode()) for name, text in texts.items()]
    members.append(NewMember(f"greeter/_core{suffix}", folder / "core.so", executable=True))
    return write_wheel(folder, f"greeter-1.0-{tag}.whl", members)


@pytest.fixture
def real_index(static_index: Index, release: Path, runtime_wheel: Path) -> Index:
    for path in release.iterdir():
        shutil.copy(path, static_index.folder("greeter"))
    shutil.copy(runtime_wheel, static_index.folder("cxx11-cuda-runtime"))
    return static_index


def _stock_pip(environment: Environment, url: str) -> subprocess.CompletedProcess[str]:
    return environment.pip("install", "--index-url", url, "greeter")


def _cxxrt_pip(environment: Environment, url: str) -> subprocess.CompletedProcess[str]:
    return environment.cxxrt_pip("install", "--index-url", url, "greeter")


def _stock_uv(environment: Environment, url: str) -> subprocess.CompletedProcess[str]:
    return environment.uv("pip", "install", "--index-url", url, "greeter")


def _uv_with_variants(environment: Environment, url: str) -> subprocess.CompletedProcess[str]:
    flag = ["--preview-features", "wheel-variants"]
    return environment.uv("pip", "install", *flag, "--index-url", url, "greeter")


@pytest.mark.parametrize(
    ("install", "abi", "variant"),
    [
        (_stock_pip, THIS, False),
        (_stock_uv, THIS, False),
        (_cxxrt_pip, f"cxxrt1_{THIS}", False),
        (_uv_with_variants, THIS, True),
    ],
)
def test_each_encoding_runs_on_the_one_shared_libstdcxx(
    real_index: Index,
    new_environment: NewEnvironment,
    install: Callable[[Environment, str], subprocess.CompletedProcess[str]],
    abi: str,
    *,
    variant: bool,
) -> None:
    environment = new_environment("26.3")
    done = install(environment, real_index.url)
    assert done.returncode == 0, done.stderr
    seen = environment.run(environment.python, "-c", OBSERVE)
    assert seen.returncode == 0, seen.stderr
    text, libraries, tags, has_variant_file = json.loads(seen.stdout)
    assert text == "hello, world 1.5"
    assert len(libraries) == 1
    assert "/cxx11_cuda_runtime/lib/libstdc++.so.6" in libraries[0]
    assert libraries[0].startswith(str(environment.folder))
    # cxxrt pip adds the plain tags to the tagged wheel's, so that pip check and uv pip check agree.
    assert {tag.split("-")[1] for tag in tags} == {abi, THIS}
    assert has_variant_file is variant


def test_check_is_clean_and_the_environment_names_its_runtime(
    real_index: Index, new_environment: NewEnvironment, runtime_wheel: Path
) -> None:
    environment = new_environment("26.3")
    _cxxrt_pip(environment, real_index.url)
    check = environment.cxxrt_pip("check")
    assert check.returncode == 0, check.stdout
    tags = environment.run(
        *[sys.executable, "-m", "cxxrt_toolchain", "tags", "--json"],
        *["--python", environment.python],
    )
    assert json.loads(tags.stdout)["runtime"] == runtime_wheel.name.split("-")[1]


def test_an_install_forced_without_the_runtime_fails_at_import_and_says_what_to_do(
    real_index: Index, new_environment: NewEnvironment
) -> None:
    environment = new_environment("26.3")
    done = environment.cxxrt_pip("install", "--no-deps", "--index-url", real_index.url, "greeter")
    assert done.returncode == 0, done.stderr
    seen = environment.run(environment.python, "-c", "import greeter")
    assert seen.returncode == 1
    assert "greeter needs the C++ runtime of the distribution cxx11-cuda-runtime" in seen.stderr
    assert "pip install 'cxx11-cuda-runtime<2,>=1." in seen.stderr
