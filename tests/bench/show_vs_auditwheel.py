"""``cxxrt show`` against ``auditwheel show``, side by side in one run.

    python tests/bench/show_vs_auditwheel.py WHEEL... [--rounds N] [--json]

Each round runs every tool once on every wheel, in turn, each in a fresh process; the table has
medians of wall time and of processor time (user and system), the ratio, our peak memory, and what
inflating the same ELF members with zlib on one thread takes.

The promises: at least 15 times faster; at most 1.3 times the inflation; at most 200 MB on torch.
A tool that needs more than --timeout seconds counts with that time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

_INFLATE = """\
import sys, zipfile, zlib
with zipfile.ZipFile(sys.argv[1]) as z:
    for i in z.infolist():
        with z.open(i) as f:
            if f.read(4) != b"\\x7fELF": continue
        z.fp.seek(i.header_offset + 26)
        n, e = (int.from_bytes(z.fp.read(2), "little") for _ in range(2))
        z.fp.seek(i.header_offset + 30 + n + e)
        raw = z.fp.read(i.compress_size)
        if i.compress_type == 8:
            d = zlib.decompressobj(-15)
            while raw:
                d.decompress(raw, 1 << 20)
                raw = d.unconsumed_tail
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One run."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system."""
    peak: int
    """Bytes, resident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One wheel: medians."""

    wheel: str
    elf_bytes: int
    auditwheel_wall: float
    auditwheel_cpu: float
    cxxrt_wall: float
    cxxrt_cpu: float
    cxxrt_peak: int
    zlib_cpu: float

    @property
    def faster(self) -> float:
        """How many times faster, by processor time: it is not disturbed by other processes."""
        return self.auditwheel_cpu / self.cxxrt_cpu

    @property
    def against_zlib(self) -> float:
        """Our processor time by that of inflating alone."""
        return self.cxxrt_cpu / self.zlib_cpu


def timed(command: list[str], timeout: float) -> Timing:
    """Run a command to its end, or to the time limit."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        deadline = start + timeout
        while True:
            pid, _, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                child.returncode = 0
                break
            if time.perf_counter() > deadline:
                child.kill()
                _, _, usage = os.wait4(child.pid, 0)
                child.returncode = 0
                break
            time.sleep(0.002)
    wall = time.perf_counter() - start
    return Timing(wall=wall, cpu=usage.ru_utime + usage.ru_stime, peak=usage.ru_maxrss << 10)


def measure(path: Path, rounds: int, timeout: float) -> Row:
    """Run the three in turn and take medians."""
    tools = {
        "auditwheel": [sys.executable, "-W", "ignore", "-m", "auditwheel", "show", str(path)],
        "cxxrt": [sys.executable, "-m", "cxxrt_toolchain", "show", str(path)],
        "zlib": [sys.executable, "-c", _INFLATE, str(path)],
    }
    runs: dict[str, list[Timing]] = {name: [] for name in tools}
    for _ in range(rounds):
        for name, command in tools.items():
            runs[name].append(timed(command, timeout))

    def median(name: str, field: str) -> float:
        values: list[float] = [getattr(run, field) for run in runs[name]]
        return statistics.median(values)

    return Row(
        wheel=path.name,
        elf_bytes=elf_bytes(path),
        auditwheel_wall=median("auditwheel", "wall"),
        auditwheel_cpu=median("auditwheel", "cpu"),
        cxxrt_wall=median("cxxrt", "wall"),
        cxxrt_cpu=median("cxxrt", "cpu"),
        cxxrt_peak=int(median("cxxrt", "peak")),
        zlib_cpu=median("zlib", "cpu"),
    )


def elf_bytes(path: Path) -> int:
    """Inflated size of the ELF members."""
    total = 0
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            with archive.open(info) as stream:
                if stream.read(4) == b"\x7fELF":
                    total += info.file_size
    return total


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheels", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = [measure(path, args.rounds, args.timeout) for path in args.wheels]
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return
    print(
        "wheel                    ELF MB  auditwheel s (cpu)  cxxrt s (cpu)  faster  x zlib  peak"
    )
    for row in rows:
        print(
            f"{row.wheel[:24]:24} {row.elf_bytes / 1e6:6.0f} "
            f"{row.auditwheel_wall:9.2f} ({row.auditwheel_cpu:6.2f}) "
            f"{row.cxxrt_wall:7.2f} ({row.cxxrt_cpu:5.2f}) {row.faster:6.1f}x "
            f"{row.against_zlib:6.2f} {row.cxxrt_peak / 1e6:5.0f} MB"
        )
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")


if __name__ == "__main__":
    main()
