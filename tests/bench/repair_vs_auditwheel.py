"""``cxxrt repair`` against ``auditwheel repair`` on the same wheel, side by side in one run.

    python tests/bench/repair_vs_auditwheel.py [WHEEL...] [--rounds N] [--python EXE] [--json]

The two do different things to a wheel (one un-bundles, the other bundles), but both read every
binary, edit some, and write a wheel with a new RECORD. On a published wheel auditwheel has nothing
to graft any more; so each wheel is measured a second time under the tag that it had when it came
out of the compiler (``linux_x86_64``), which makes auditwheel rename and write it. Where libraries
are still to be grafted, ``cxxrt repair`` calls auditwheel's own code and cannot be faster than it.

Medians of wall time and of processor time, patchelf and other children included; the promise is 5
times faster. Without wheels, pip fetches the pinned ones into --folder. --python is as for
``show_vs_auditwheel.py``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from side_by_side import fetch, in_turn, median

from cxxrt_toolchain.wheel.reader import Wheel
from cxxrt_toolchain.wheel.writer import CopiedMember, NewMember, write_wheel

_PINS = (
    *("pyzmq==27.3.0", "shapely==2.2.0", "scikit_learn==1.9.1", "numpy==2.4.6"),
    "scipy==1.17.1",
)


def as_built(path: Path, folder: Path) -> Path:
    """The wheel under the tag of a local build, its compressed bytes as they are."""
    with Wheel.open(path) as wheel:
        name = replace(wheel.name, platform=("linux_x86_64",), build="")
        python, abi = name.python[0], ".".join(name.abi)
        old = wheel.wheel_file
        text = str(replace(old, tags=(f"{python}-{abi}-linux_x86_64",))).encode()
        about = f"{wheel.dist_info}/WHEEL"
        kept = [
            CopiedMember(wheel=wheel, name=member.name)
            for member in wheel.members
            if not member.is_dir and member.name not in (about, f"{wheel.dist_info}/RECORD")
        ]
        return write_wheel(
            folder, str(replace(name, python=(python,))), [*kept, NewMember(about, text)]
        )


def measure(python: str, path: Path, rounds: int, timeout: float) -> dict[str, Any]:
    """Run both in turn."""
    numbers = count()
    with tempfile.TemporaryDirectory() as out:
        commands = {
            tool: lambda module=module: [
                *(python, "-W", "ignore", "-m", module, "repair", str(path)),
                *("-w", f"{out}/{next(numbers)}"),
            ]
            for tool, module in (("auditwheel", "auditwheel"), ("cxxrt", "cxxrt_toolchain"))
        }
        runs = in_turn(commands, rounds, timeout)
    row: dict[str, Any] = {"wheel": path.name}
    for tool, found in runs.items():
        row |= {f"{tool}_{each}": median(found, each) for each in ("wall", "cpu", "peak")}
        row[f"{tool}_status"] = found[0].status
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheels", nargs="*", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("bench-wheels"))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for path in args.wheels or fetch(_PINS, args.folder):
            pair = (path, as_built(path, Path(folder)))
            rows += [measure(args.python, each, args.rounds, args.timeout) for each in pair]
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    print("seconds: wall cpu; and their ratios")
    print(f"{'wheel':36}  {'auditwheel':>13}  {'cxxrt':>13} {'peak':>7}  {'x faster':>13}  exit")
    for row in rows:
        wheel = str(row["wheel"]).split("-")
        name = f"{wheel[0]}-{wheel[1]} {wheel[-1].split('.')[0]}"
        a, b = ((row[f"{t}_wall"], row[f"{t}_cpu"]) for t in ("auditwheel", "cxxrt"))
        print(
            f"{name[:36]:36}  {a[0]:6.2f} {a[1]:6.2f}  {b[0]:6.2f} {b[1]:6.2f} "
            f"{row['cxxrt_peak'] / 1e6:4.0f} MB  {a[0] / b[0]:6.1f} {a[1] / b[1]:6.1f}"
            f"  {row['auditwheel_status']}/{row['cxxrt_status']}"
        )


if __name__ == "__main__":
    main()
