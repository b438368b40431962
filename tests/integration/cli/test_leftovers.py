"""A command that is ended by a signal at any moment leaves nothing temporary behind.

After SIGTERM and SIGHUP nothing is left at once; after SIGKILL, when the same command has run once
more. Every command that makes temporary folders or files is ended at several moments of its run.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.conftest import MakeWheel

pytestmark = [
    pytest.mark.compile,
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler"),
]

_BACKEND = "from cxxrt_toolchain.backend import build_wheel; import sys; build_wheel(sys.argv[1])"
_FRONTENDS = {
    "build_wheel": ("build", "--no-isolation", "-x", "-w", "-o", "@out@", "."),
    "build_editable": (
        *("pip", "install", "-q", "--no-build-isolation", "--no-deps", "--ignore-installed"),
        *("--prefix", "@out@", "-e", "."),
    ),
}
"""What ends in the hook; pip is asked for a venv's prefix, so that nothing is installed here."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folders in which a command may write, and what it is started with."""

    root: Path
    command: list[str] = field(default_factory=list)

    def environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "TMPDIR": str(self.root / "tmp"),
            "CXXRT_CACHE": str(self.root / "cache"),
            "LD_LIBRARY_PATH": str(self.root / "libs"),
            "PYTHONPATH": os.pathsep.join([*sys.path, str(self.root / "site")]),
        }

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command,
            env=self.environ(),
            cwd=self.root / "project",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def left_over(self) -> list[str]:
        """What lies in the temporary folder; hidden files where results and caches go."""
        found = [*(self.root / "tmp").iterdir()]
        for name in ("out", "cache"):
            found += (self.root / name).rglob(".*")
        return [str(each.relative_to(self.root)) for each in found]


@pytest.fixture
def place(tmp_path: Path, make_wheel: MakeWheel) -> Place:
    root = tmp_path / "place"
    for name in ("tmp", "cache", "out", "libs", "project"):
        (root / name).mkdir(parents=True)
    source = root / "a.c"
    source.write_text("int own(void) { return 1; }\n")
    own, module = root / "libs" / "libown.so", root / "a.so"
    cc = ["cc", "-shared", "-fPIC", "-Wl,-soname,libown.so", "-o", str(own), str(source)]
    subprocess.run(cc, check=True)
    source.write_text("int own(void);\nint PyInit_a(void) { return own(); }\n")
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-Wl,-rpath,/nowhere", "-o", str(module), str(source), str(own)],
        check=True,
    )
    content = module.read_bytes()
    files = {f"demo/a{number}.cpython-311-x86_64-linux-gnu.so": content for number in range(5)}
    wheel = make_wheel({"demo/__init__.py": b"", **files}, tags=["cp311-cp311-linux_x86_64"])
    shutil.copy(wheel, root / wheel.name)
    (root / "project" / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "cxxrt_toolchain.backend"\n'
        '[project]\nname = "demo"\nversion = "1.0"\ndependencies = ["cxx11-cuda-runtime>=1,<2"]\n'
        '[tool.cxxrt]\nencoding = "plain"\n'
        "[tool.setuptools]\npy-modules = []\n"
    )
    return Place(root)


def commands(place: Place) -> dict[str, list[str]]:
    ask = [sys.executable, "-m", "cxxrt_toolchain"]
    wheel, out = str(next(place.root.glob("*.whl"))), str(place.root / "out")
    return {
        "repair": [*ask, "repair", "-w", out, "--no-graft", "--exclude", "libown.so", wheel],
        "repair with grafted libraries": [*ask, "repair", "-w", out, wheel],
        "doctor": [*ask, "doctor", "--html", f"{out}/page.html"],
        "doctor --import": [*ask, "doctor", "--import", "json,decimal"],
        "tags": [*ask, "tags"],
        "pip": [*ask, "pip", "--version"],
        "backend": [sys.executable, "-c", _BACKEND, out],
    }


def test_nothing_is_left_of_a_command_that_was_ended(place: Place) -> None:
    _end_it(Place(place.root, commands(place)["doctor --import"]), moments=(0.8,))


@pytest.fixture
def building(place: Place, runtime_wheel: Path) -> Place:
    """With the runtime to link against, and a C++ module to build."""
    with zipfile.ZipFile(runtime_wheel) as archive:
        archive.extractall(place.root / "site")
    project = place.root / "project"
    (project / "a.cc").write_text("#include <Python.h>\n" + _MODULE)
    with (project / "pyproject.toml").open("a") as file:
        file.write('ext-modules = [{ name = "a", sources = ["a.cc"], language = "c++" }]\n')
    return place


_MODULE = """\
#include <iostream>
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "a", nullptr, 0, nullptr};
PyMODINIT_FUNC PyInit_a() { std::cout << 1; return PyModule_Create(&definition); }
"""


@pytest.mark.fuzz
@pytest.mark.runtime
@pytest.mark.parametrize("group", [False, True], ids=["the frontend", "all of its processes"])
@pytest.mark.parametrize("hook", _FRONTENDS)
def test_nothing_of_ours_is_left_of_a_build_that_was_ended(
    building: Place, hook: str, *, group: bool
) -> None:
    """What the frontend and setuptools leave is not ours to remove."""
    out = building.root / "out"
    words = [str(out) if each == "@out@" else each for each in _FRONTENDS[hook]]
    place = Place(building.root, [sys.executable, "-m", *words])
    started = time.monotonic()
    assert place.start().wait() == 0
    length = time.monotonic() - started
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL) * 3:
        moment = random.random()  # noqa: S311 - not a secret
        process = place.start()
        time.sleep(length * moment)
        os.killpg(process.pid, number) if group else process.send_signal(number)
        process.wait()
        _wait_for_all(process)
        assert place.start().wait() == 0
        ours = [each for each in place.left_over() if "cxxrt" in each.rpartition("/")[2]]
        assert not ours, (number, moment)
        for wheel in out.glob("*.whl"):
            assert zipfile.ZipFile(wheel).testzip() is None


@pytest.mark.fuzz
@pytest.mark.parametrize(
    "name", ["repair", "repair with grafted libraries", "doctor", "doctor --import", "tags", "pip"]
)
def test_nothing_is_left_of_any_command_that_was_ended(place: Place, name: str) -> None:
    place = Place(place.root, commands(place)[name])
    moments = sorted(random.random() for _ in range(10))  # noqa: S311 - not a secret
    _end_it(place, moments)


@pytest.mark.fuzz
@pytest.mark.runtime
def test_nothing_is_left_of_a_hook_that_was_killed(building: Place) -> None:
    """A build's frontend decides about signals, so that the hook's process is only killed."""
    place = Place(building.root, commands(building)["backend"])
    _end_it(place, sorted(random.random() for _ in range(10)), ())  # noqa: S311 - not a secret


def _end_it(
    place: Place,
    moments: Sequence[float],
    numbers: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGHUP),
) -> None:
    """End a command at moments, which are parts of the time that it takes."""
    started = time.monotonic()
    assert place.start().wait() in (0, 1)
    length = time.monotonic() - started
    assert not place.left_over()
    for moment in moments:
        for number in numbers:
            _end(place, number, length * moment)
            assert not place.left_over(), (moment, number)
        _end(place, signal.SIGKILL, length * moment)
        place.start().wait()
        assert not place.left_over(), moment


def _end(place: Place, number: signal.Signals, after: float) -> None:
    with place.start() as process:
        time.sleep(after)
        process.send_signal(number)
    _wait_for_all(process)


def _wait_for_all(process: subprocess.Popen[bytes]) -> None:
    """Its children see that nobody waits for them; a wrapped backend ends its work."""
    with suppress(ProcessLookupError):
        for _ in range(1200):  # not for ever: nobody may collect them
            os.killpg(process.pid, 0)
            time.sleep(0.05)
