"""The anchor: it promotes what somebody loaded locally, and never decides when it is damaged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.runtime, pytest.mark.compile, pytest.mark.network]

_LOCAL_FIRST = """\
import json, sys
import demo_host                      # brings the system's libstdc++, RTLD_LOCAL
assert "_ctypes" not in sys.modules
import cxx11_cuda_runtime
short_way = "_ctypes" not in sys.modules
import ctypes
print(json.dumps({
    "how": cxx11_cuda_runtime._how,
    "short_way": short_way,
    "global": hasattr(ctypes.CDLL(None), "_ZNSt8ios_base4InitC1Ev"),
    "mapped": sorted({line.split()[-1] for line in open("/proc/self/maps") if "libstdc++" in line}),
}))
"""
_CONTROL = """\
import json
import demo_host, ctypes
print(json.dumps(hasattr(ctypes.CDLL(None), "_ZNSt8ios_base4InitC1Ev")))
"""


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an extension module that needs libstdc++, built by this machine's g++."""
    if shutil.which("g++") is None:
        pytest.skip("needs a C++ compiler: apt-get install g++")
    folder = tmp_path_factory.mktemp("extension")
    with as_file(files("cxxrt_toolchain.demo")) as sources:
        command = ["g++", "-std=c++17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden"]
        command += [str(sources / "demo_host.cc"), "-o", str(folder / "demo_host.abi3.so")]
        subprocess.run(command, check=True)
    return folder


def _answer(python: str, code: str, *path: Path) -> Any:  # noqa: ANN401 - what the child says
    done = subprocess.run(
        [python, "-S", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_local_copy_is_not_global_without_us(
    extension: Path, python: str, runtime_site: Path
) -> None:
    assert _answer(python, _CONTROL, extension, runtime_site) is False


def test_a_local_copy_is_promoted_and_stays_the_only_one(
    extension: Path, python: str, runtime_site: Path
) -> None:
    answer = _answer(python, _LOCAL_FIRST, extension, runtime_site)
    assert answer["short_way"]
    assert answer["how"] == "already-loaded"
    assert answer["global"]
    assert len(answer["mapped"]) == 1
    assert not answer["mapped"][0].startswith(str(runtime_site))


@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_without_a_whole_anchor_the_long_way_decides(
    own_site: Path, python: str, damage: str
) -> None:
    anchor = own_site / "cxx11_cuda_runtime" / "_anchor.so"
    if damage == "missing":
        anchor.unlink()
    else:
        anchor.write_bytes(anchor.read_bytes()[:200])
    code = (
        "import json, sys, cxx11_cuda_runtime as c; "
        "print(json.dumps([c._how, '_ctypes' in sys.modules]))"
    )
    assert _answer(python, code, own_site) == ["vendored", True]
