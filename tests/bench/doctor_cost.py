"""What ``cxxrt doctor`` costs on an environment, against the reading that it cannot avoid.

    python tests/bench/doctor_cost.py --python ENV [--rounds N]

ENV is an environment with large packages, for example torch (CPU), scipy, pyarrow, scikit-learn and
tensorflow-cpu. Measured side by side in one run:

* ``facts``: the cold part of a first run, all objects to facts without our cache, in this process;
* ``pread``: the same ranges of the same files and nothing else: open, pread, close, in a loop;
* ``whole``: every byte of the same files, which is what a tool that loads objects reads;
* ``command``: ``cxxrt doctor --json`` as a user starts it, without and with its cache.

Each is measured with the files in the page cache, and (facts, pread, whole) with every file evicted
before (``posix_fadvise``), as after a boot. What is compared is the best of the rounds: other load
on the machine only ever adds. Parsing is Python and pread is C, so with a warm page cache the ratio
of the two says how long the parsing takes, not how much is read.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect import files as objects
from cxxrt_toolchain.collect.environment.installed import read_environment
from cxxrt_toolchain.host.describe import describe, find_interpreter

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 1 << 20
Ranges = list[tuple[int, int]]
Times = tuple[float, float]
"""Wall and processor seconds."""


class Watched(io.FileIO):
    """A file that writes down what is read of it."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "rb")
        self.ranges: Ranges = []

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # as BufferedReader calls it
        at = self.tell()
        count = super().readinto(buffer)
        self.ranges.append((at, count))
        return count


def ranges_of(path: str) -> Ranges:
    """What reading the facts of one object reads, as the system sees it."""
    raw = Watched(path)
    with io.BufferedReader(raw, objects.BUFFER) as stream:  # type: ignore[type-var]  # typeshed wants more
        stream.read(4)
        objects.read_object(stream, path)
    return raw.ranges


def pread(ranges: dict[str, Ranges]) -> None:
    for path, places in ranges.items():
        descriptor = os.open(path, os.O_RDONLY)
        for at, size in places:
            os.pread(descriptor, size, at)
        os.close(descriptor)


def whole(paths: list[str]) -> None:
    buffer = bytearray(_BLOCK)
    for path in paths:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - the plain call
            while stream.readinto(buffer):
                pass


def evict(paths: list[str]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fdatasync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def best(rounds: int, work: Callable[[], object], before: Callable[[], object]) -> Times:
    """Wall and processor seconds of the fastest rounds."""
    walls, processors = [], []
    for _ in range(rounds):
        before()
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return min(walls), min(processors)


def command(executable: str, cache: Path) -> Times:
    """Wall and processor seconds of one ``cxxrt doctor``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "cxxrt_toolchain", "doctor", "--json", "--python", executable],
        env={**os.environ, "CXXRT_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
        check=False,
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(executable: str, rounds: int) -> dict[str, Times]:
    """Everything, in one run; the sizes that it was done on are printed."""
    environment = read_environment(describe(executable))
    files = [path for each in environment.distributions for path in each.files]
    found = objects.read(files).found
    paths = list(found)
    ranges = {path: ranges_of(path) for path in paths}
    print(
        f"{len(paths)} objects of {sum(each.size for each in found.values()) / 1e6:.0f} MB, "
        f"{sum(size for each in ranges.values() for _, size in each) / 1e6:.1f} MB of them read"
    )
    states: dict[str, Callable[[], object]] = {
        "cached": lambda: whole(paths),
        "evicted": lambda: evict(paths),
    }
    workers = 2 * len(os.sched_getaffinity(0))  # as the command does
    work: dict[str, Callable[[], object]] = {
        "pread": lambda: pread(ranges),
        "facts": lambda: objects.read(paths),
        f"facts in {workers} processes": lambda: objects.read(paths, workers=workers),
        "whole": lambda: whole(paths),
    }
    rows = {
        f"{name}, {state}": best(rounds, each, before)
        for state, before in states.items()
        for name, each in work.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        cold = [command(executable, Path(folder, str(number))) for number in range(rounds)]
        warm = [command(executable, Path(folder, "0")) for _ in range(rounds)]
    for name, runs in (("command, first run", cold), ("command, later runs", warm)):
        rows[name] = (min(run[0] for run in runs), min(run[1] for run in runs))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, metavar="ENV")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    python = find_interpreter(args.python)
    rows = measure(python, args.rounds)
    print(f"{'':32} {'wall':>8} {'cpu':>8}")
    for name, (wall, processor) in rows.items():
        print(f"{name:32} {wall:8.3f} {processor:8.3f} s")
    for state in ("cached", "evicted"):
        facts = next(
            wall for name, (wall, _) in rows.items() if "processes" in name and state in name
        )
        print(
            f"{state}: facts / pread {facts / rows[f'pread, {state}'][0]:.2f}, "
            f"facts / whole {facts / rows[f'whole, {state}'][0]:.2f}"
        )


if __name__ == "__main__":
    main()
