"""What a row costs, side by side in one run: pairs of fresh processes, medians.

    python tests/bench/provider_cost.py PYTHON SONAME=PATH=FUNCTION...

PYTHON has the runtime wheel; each library is opened by a row with that place and by a bare dlopen
of the same file. The time of the row has everything in it: the modules that the loader imports, the
search for the file, the look into its header, the proof. Ratios are of processor time, which means
something on a busy machine, too. Goals: first load at most 1.2 x, a resident
library at most 10 us. A package without rows imports no module for them (tests/integration/loader).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

PAIRS = 25
CHILD = """\
import sys, time
import cxx11_cuda_runtime as c
c.require(glibcxx="3.4.0", who="bench")
how, soname, path, function = sys.argv[1:]
row = {"soname": soname, "requirement": "x", "places": ("site:" + path.rpartition("/")[2],),
       "proof": (function,)}
sys.path.append(path.rpartition("/")[0])
start, cpu = time.perf_counter(), time.process_time()
if how == "row":
    c.require(libraries=(row,), who="bench")
else:
    import _ctypes
    _ctypes.dlopen(path, 2)
first, cpu = time.perf_counter(), time.process_time() - cpu
for _ in range(1000):
    c.require(libraries=(row,), who="bench")
print((first - start) * 1e6, cpu * 1e6, (time.perf_counter() - first) * 1e3)
"""


def measure(python: str, soname: str, path: str, function: str) -> dict[str, float]:
    """Microseconds of a first load both ways and of a resident row, and ratios of the first."""
    wall: dict[str, list[float]] = {"row": [], "bare": []}
    cpu: dict[str, list[float]] = {"row": [], "bare": []}
    resident = []
    for _ in range(PAIRS):
        for how, times in wall.items():
            command = [python, "-I", "-c", CHILD, how, soname, path, function]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            first, processor, again = map(float, done.stdout.split())
            times.append(first)
            cpu[how].append(processor)
            resident.append(again)
    median = {how: statistics.median(times) for how, times in cpu.items()}
    return {
        "row, us of processor time": median["row"],
        "bare dlopen": median["bare"],
        "ratio": median["row"] / median["bare"],
        "ratio of least wall times": min(wall["row"]) / min(wall["bare"]),
        "resident, us": min(resident),
    }


def main(python: str, *libraries: str) -> None:
    """Print one line of JSON for each ``SONAME=PATH=FUNCTION``."""
    for library in libraries:
        soname, path, function = library.split("=")
        measured = measure(python, soname, path, function)
        found = {key: round(value, 2) for key, value in measured.items()}
        print(json.dumps({"library": soname, **found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
