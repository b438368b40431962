"""``cxxrt repair`` killed at random moments: the input stays, and no part of an output appears."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MEMBERS = 12
_ROUNDS = int(os.environ.get("CXXRT_KILLS", "20"))
"""200 for the record; 20 keeps a test run short."""


@pytest.fixture
def source(make_wheel: Callable[..., Path], compiled_user: bytes) -> Path:
    """A wheel with enough binaries that a repair takes a while."""
    noise = random.Random(7)  # noqa: S311 - reproducible filler, no secret
    files = {f"demo/_ext{n}.abi3.so": compiled_user for n in range(_MEMBERS)}
    files["demo/__init__.py"] = b""
    files["demo/data.bin"] = noise.randbytes(8 << 20)
    return make_wheel(files, tags=["cp311-abi3-linux_x86_64"])


@pytest.fixture(scope="module")
def compiled_user(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A C++ library with some megabytes of data."""
    folder = tmp_path_factory.mktemp("cxx")
    (folder / "blob").write_bytes(random.Random(3).randbytes(1 << 20))  # noqa: S311 - filler
    (folder / "a.cc").write_text(
        "#include <iostream>\n"
        f'__asm__(".section .rodata\\n.incbin \\"{folder / "blob"}\\"\\n.text\\n");\n'
        'extern "C" void say() { std::cout << 42; }\n'
    )
    command = ["g++", "-shared", "-fPIC", "-o", str(folder / "a.so"), str(folder / "a.cc")]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs g++: apt-get install g++")
    return (folder / "a.so").read_bytes()


def _whole_run(command: list[str]) -> float:
    """Seconds that one run takes when nobody kills it."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - start


def _knows_nameless_files(folder: Path) -> bool:
    """Whether a file can be written here before it has a name; then nothing at all may be left."""
    try:
        os.close(os.open(folder, os.O_WRONLY | os.O_TMPFILE))
    except OSError:
        return False
    return True


@pytest.mark.compile
def test_a_killed_repair_leaves_the_input_and_no_partial_output(
    source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-m", "cxxrt_toolchain", "repair", "-w", str(out), str(source)]
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    duration = min(_whole_run(command) for _ in range(2))
    (whole,) = out.iterdir()
    expected = hashlib.sha256(whole.read_bytes()).hexdigest()
    moments = random.Random(11)  # noqa: S311 - reproducible moments
    nameless = _knows_nameless_files(out)
    killed = 0
    while killed < _ROUNDS:
        whole.unlink(missing_ok=True)
        start = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as child:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(moments.uniform(0, duration))
            if child.returncode is None:
                os.killpg(child.pid, signal.SIGKILL)
                killed += 1
            else:
                duration = min(duration, time.perf_counter() - start)
        assert hashlib.sha256(source.read_bytes()).hexdigest() == before
        wheels = list(out.glob("*.whl"))
        if wheels:
            assert wheels == [whole]
            assert hashlib.sha256(whole.read_bytes()).hexdigest() == expected
            with Wheel.open(whole) as wheel:
                assert wheel.record_issues() == ()
        for rest in set(out.iterdir()) - set(wheels):
            assert not nameless, rest
            assert rest.name.startswith(f".{whole.name}.")
            assert rest.suffix == ".tmp"
            rest.unlink()
