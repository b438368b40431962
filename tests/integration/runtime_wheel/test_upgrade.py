"""From the runtime of GCC 14 to that of GCC 16 and back, while processes run; both on one path."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kept_environments import bare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.runtime, pytest.mark.network]

CHILD = """
import json, sys
import cxx11_cuda_runtime as runtime
for line in sys.stdin:
    try:
        said = runtime.require(glibcxx=line.strip(), who="demo") or "ok"
    except ImportError as error:
        said = str(error)
    with open("/proc/self/maps") as maps:
        paths = {row.partition("/")[2].rstrip() for row in maps if "libstdc++" in row}
    print(json.dumps([said, sorted(paths)]), flush=True)
"""
OLD, NEW = "3.4.33", "3.4.36"


@contextmanager
def process(python: Path, *path: Path) -> Iterator[Callable[[str], list[Any]]]:
    """A running process; asked for a version it says its own, the answer and what it mapped."""
    # Ours, also where the system's library is newer still.
    environment = {"PYTHONPATH": ":".join(map(str, path)), "CXXRT_CXX": "vendored"}
    with subprocess.Popen(
        [python, "-B", "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        ask, answer = child.stdin, child.stdout

        def require(version: str) -> list[Any]:
            print(version, file=ask, flush=True)
            return list(json.loads(answer.readline()))

        yield require
        ask.close()
    assert child.returncode == 0


@pytest.fixture
def environment(tmp_path: Path, runtime_wheel: Path) -> Path:
    """The ``python`` of an environment of its own with the runtime of GCC 14."""
    folder = Path(shutil.copytree(bare(), tmp_path / "env", symlinks=True))
    install(folder / "bin" / "python", runtime_wheel)
    return folder / "bin" / "python"


def install(python: Path, wheel: Path) -> None:
    uv = [sys.executable, "-m", "uv", "pip", "install", "-q", "--offline", "--no-deps"]
    subprocess.run([*uv, "--python", str(python), str(wheel)], check=True)


def test_a_running_process_keeps_its_runtime_and_the_next_one_gets_the_newer(
    environment: Path, runtime_wheel: Path, runtime16_wheel: Path
) -> None:
    with process(environment) as before:
        said, (mapped,) = before(OLD)
        assert said == "ok"
        install(environment, runtime16_wheel)
        assert before(OLD) == ["ok", [f"{mapped} (deleted)"]]
        assert "CXXRT-L002" in before(NEW)[0]
    with process(environment) as after:
        assert after(NEW) == ["ok", [mapped]]
        install(environment, runtime_wheel)
        assert after(NEW) == ["ok", [f"{mapped} (deleted)"]]
    with process(environment) as again:
        assert again(OLD) == ["ok", [mapped]]
        assert "CXXRT-L002" in again(NEW)[0]


@pytest.mark.parametrize("newer_first", [True, False])
def test_of_two_on_one_path_the_first_one_serves_alone(
    newer_first: bool, runtime_wheel: Path, runtime16_wheel: Path, tmp_path: Path
) -> None:
    sites = [tmp_path / "newer", tmp_path / "older"]
    for site, wheel in zip(sites, (runtime16_wheel, runtime_wheel), strict=True):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    order = sites if newer_first else sites[::-1]
    with process(bare() / "bin" / "python", *order) as child:
        said, (mapped,) = child(NEW)
    assert f"/{mapped}".startswith(str(order[0]))
    assert said == "ok" if newer_first else "CXXRT-L002" in said
