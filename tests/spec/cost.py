"""What the proposal costs, measured: the figures of one table of PEP-DRAFT.rst.

In: the built runtime wheels and this checkout's benches, each in a process of its own. Out:
``cost.json``, with the date and the machine. With ``--build`` the runtime wheel is also built from
GCC's source in an empty cache, downloads included; without it the recorded times are kept.
``python tests/spec/cost.py --wheel WHEEL [--wheel WHEEL] [--build] [--write]``
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_suffix(".json")
BENCHES = Path(__file__).parents[1] / "bench"
Figures = dict[str, Any]


def measured(wheels: list[Path], *, build: bool) -> Figures:
    """Every figure; the first wheel is the one that this machine can load."""
    return {
        "date": datetime.now(tz=timezone.utc).date().isoformat(),
        "machine": f"{os.cpu_count()} processors, {platform.machine()}",
        "loader": _bench("loader_cost.py", "--wheel", str(wheels[0]), "--rounds", "60"),
        "tags": _bench("tags_expand.py"),
        "hook": _hook(wheels[0]),
        "wheels": {_architecture(path): path.stat().st_size for path in wheels},
        "build": _cold_build() if build else recorded()["build"],
    }


def recorded() -> Figures:
    """What was measured last."""
    figures: Figures = json.loads(RECORDED.read_text(encoding="utf-8"))
    return figures


def _bench(name: str, *arguments: str) -> Any:  # noqa: ANN401 - JSON
    command = [sys.executable, str(BENCHES / name), *arguments, "--json"]
    # A bench that misses its goal says so by its exit code; its figures stand all the same.
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return json.loads(done.stdout)


def _hook(wheel: Path) -> Figures:
    rows = _bench("backend_overhead.py", str(wheel), "--rounds", "5")
    return {row["project"]: round(row["ours"] - row["bare"], 2) for row in rows}


def _architecture(wheel: Path) -> str:
    return wheel.stem.rpartition("manylinux_2_17_")[2].partition(".")[0]


def _cold_build() -> Figures:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cold-build-") as folder:
        command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build"]
        subprocess.run([*command, "-w", folder, "--cache", f"{folder}/cache"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"elapsed_s": round(time.monotonic() - start), "processor_s": round(used)}


def main() -> None:
    """Measure, print, and with ``--write`` record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, action="append", required=True)
    parser.add_argument("--build", action="store_true", help="build from source, too; minutes")
    parser.add_argument("--write", action="store_true", help=f"record in {RECORDED.name}")
    args = parser.parse_args()
    text = json.dumps(measured(args.wheel, build=args.build), indent=2) + "\n"
    print(text)
    if args.write:
        RECORDED.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
