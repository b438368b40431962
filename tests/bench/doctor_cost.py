"""What ``cxxrt doctor`` costs on an environment, against the reading that it cannot avoid.

    python tests/bench/doctor_cost.py --python ENV [--rounds N] [--json]

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
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.doctor import objects
from cxxrt_toolchain.doctor.encoding import WATCHED
from cxxrt_toolchain.doctor.installed import read_environment
from cxxrt_toolchain.doctor.interpreter import ask, find_executable
from cxxrt_toolchain.elf.reader import read_exports

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 1 << 20
Ranges = list[tuple[int, int]]


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
    with io.BufferedReader(raw) as stream:  # type: ignore[type-var]  # typeshed wants more
        stream.read(4)
        read_exports(stream, path, WATCHED)
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


def best(rounds: int, work: Callable[[], object], before: Callable[[], object]) -> float:
    """Seconds of the fastest round."""
    found = []
    for _ in range(rounds):
        before()
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def command(executable: str, cache: Path) -> tuple[float, float]:
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


def measure(executable: str, rounds: int) -> dict[str, float]:
    """Everything, in one run."""
    environment = read_environment(ask(executable))
    files = [path for each in environment.distributions for path in each.files]
    found = objects.read(files).found
    paths = list(found)
    ranges = {path: ranges_of(path) for path in paths}
    row: dict[str, float] = {
        "objects": len(paths),
        "megabytes": sum(each.size for each in found.values()) / 1e6,
        "read_megabytes": sum(size for each in ranges.values() for _, size in each) / 1e6,
    }
    states: dict[str, Callable[[], object]] = {
        "cached": lambda: whole(paths),
        "evicted": lambda: evict(paths),
    }
    workers = len(os.sched_getaffinity(0))
    for state, before in states.items():
        row[f"pread_{state}"] = best(rounds, lambda: pread(ranges), before)
        row[f"facts_{state}"] = best(rounds, lambda: objects.read(paths), before)
        row[f"facts_{state}_{workers}_processes"] = best(
            rounds, lambda: objects.read(paths, workers=workers), before
        )
        row[f"whole_{state}"] = best(rounds, lambda: whole(paths), before)
    with tempfile.TemporaryDirectory() as folder:
        runs = [command(executable, Path(folder, str(number))) for number in range(rounds)]
        row["command_cold"], row["command_cold_cpu"] = map(min, zip(*runs, strict=True))
        runs = [command(executable, Path(folder, "0")) for _ in range(rounds)]
        row["command_warm"], row["command_warm_cpu"] = map(min, zip(*runs, strict=True))
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, metavar="ENV")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    row = measure(find_executable(args.python, os.environ), args.rounds)
    if args.json:
        print(json.dumps(row, indent=1))
        return
    print(
        f"{row['objects']:.0f} objects of {row['megabytes']:.0f} MB, "
        f"{row['read_megabytes']:.1f} MB of which are read"
    )
    for name, value in row.items():
        if "_" in name and name != "read_megabytes":
            print(f"{name:32} {value:8.3f} s")
    for state in ("cached", "evicted"):
        facts = row[f"facts_{state}"]
        print(
            f"{state}: facts / pread {facts / row[f'pread_{state}']:.2f}, "
            f"facts / whole {facts / row[f'whole_{state}']:.2f}"
        )


if __name__ == "__main__":
    main()
