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
            "PYTHONPATH": os.pathsep.join(sys.path),
        }

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command,
            env=self.environ(),
            cwd=self.root / "project",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
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
        '[project]\nname = "demo"\nversion = "1.0"\n[tool.cxxrt]\nencoding = "plain"\n'
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


@pytest.mark.fuzz
@pytest.mark.parametrize(
    "name",
    [
        "repair",
        "repair with grafted libraries",
        "doctor",
        "doctor --import",
        "tags",
        "pip",
        "backend",
    ],
)
def test_nothing_is_left_of_any_command_that_was_ended(place: Place, name: str) -> None:
    place = Place(place.root, commands(place)[name])
    # A build's frontend decides about signals, so that the hook's process is only killed.
    numbers = () if name == "backend" else (signal.SIGTERM, signal.SIGHUP)
    moments = sorted(random.random() for _ in range(10))  # noqa: S311 - not a secret
    _end_it(place, moments, numbers)


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
        time.sleep(0.3)  # its children see that nobody waits for them
        place.start().wait()
        assert not place.left_over(), moment


def _end(place: Place, number: signal.Signals, after: float) -> None:
    with place.start() as process:
        time.sleep(after)
        process.send_signal(number)
