"""What the loader costs, beside its floor and the alternatives, all in one run.

    python tests/bench/loader_cost.py --wheel WHEEL [--python PYTHON] [--rounds 40] [--json]

Every figure is measured inside a fresh process around one statement, so interpreter start is not
in it; the floor is a C program that dlopens the same files. Rounds interleave all rows. Ratios are
of medians of processor time, which on an idle machine is the wall time and on a busy one, unlike
that, means something (processes that a loader starts are not in it). Goals: cold at most 1.5 x the
floor, at least 10 x less than cuda-pathfinder; already loaded at most 200 us. The table has two
bounds that no package can beat: an empty one, and one that opens both files without any question
asked (what is loaded already, whether a newer one is installed, whether the file is whole).

"Already loaded" has two rows. Where we loaded it, only ``require()`` runs. Where somebody else did,
the package is imported, too, and most of that is the import system looking for any package at all:
the goal is for what we add to an empty package; the row itself is printed with that in it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GOAL_COLD = 1.5
GOAL_LOADED_US = 200.0
GOAL_PATHFINDER = 10.0
_COLD = "ours, cold: import"
_REQUIRE = "ours, loaded by us: require()"
_RESIDENT = "ours, loaded by others: import"
_EMPTY = "an empty package: import"
_EMPTY_TOO = "an empty package, after the same"
_CUDA = "ours, cold: import, require(cudart='12')"
_NVIDIA = "the same beside NVIDIA's wheel"
_PATHFINDER = "cuda-pathfinder: libcudart alone"
_RAPIDS = "RAPIDS' loader: rapids_logger"
_TIMED = """\
import sys
sys.path[:0] = {paths!r}
{before}
from time import perf_counter, process_time
wall, cpu = perf_counter(), process_time()
{statement}
cpu = process_time() - cpu
print(cpu * 1e6, (perf_counter() - wall) * 1e6)
"""
_RASH = """\
import _imp, sys
flags = sys.getdlopenflags()
sys.setdlopenflags(0x102)
for name in ("libgcc_s.so.1", "libstdc++.so.6"):
    path = __file__.replace("rash_package/__init__.py", "cxx11_cuda_runtime/lib/" + name)
    try:
        _imp.create_dynamic(type(__spec__)(__name__, None, origin=path))
    except ImportError:
        pass
sys.setdlopenflags(flags)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing to measure."""

    name: str
    command: tuple[str, ...]
    """Prints microseconds: processor time, wall time."""
    floor: str
    """Name of the row that is its floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """The figures that have a goal."""

    cold: float
    """Processor time of a cold import, in floors."""
    cuda: float
    """The same with a ``require(cudart=…)`` behind it."""
    require_us: float
    resident_us: float
    """Import where somebody else loaded the library, beyond an empty package's import."""
    empty_us: float
    pathfinder: float | None
    """cuda-pathfinder's time for libcudart, in our times for the same."""


def main() -> int:
    """Measure and print; the exit code is 0 whatever the figures are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--wheel", type=Path, required=True, help="the runtime wheel")
    parser.add_argument("--python", default=sys.executable, help="interpreter to measure with")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", action="store_true", help="the figures of the goals, as JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loader-cost-") as folder:
        rows = prepare(Path(folder), args.wheel, args.python)
        samples = measure(rows, args.rounds)
    medians = medians_of(samples)
    if args.json:
        print(json.dumps(asdict(goals(rows, medians))))
    else:
        print(f"{args.python}, {args.wheel.name}, medians of {args.rounds} processes each")
        print(table(rows, samples, medians))
    return 0


def prepare(folder: Path, wheel: Path, python: str) -> list[Row]:
    """Build the floor, unpack the wheels, compile their Python; say what to run."""
    environment = folder / "env"
    subprocess.run([python, "-m", "venv", "--without-pip", str(environment)], check=True)
    interpreter = str(environment / "bin" / "python")
    site = next(environment.glob("lib/python3*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for name, text in (("empty_package", ""), ("rash_package", _RASH)):
        (site / name).mkdir()
        (site / name / "__init__.py").write_text(text)
    others = fetch_others(folder / "others")
    beside = None
    if others is not None:
        beside = folder / "beside"
        for name in ("cxx11_cuda_runtime", "nvidia"):
            shutil.copytree((others if name == "nvidia" else site) / name, beside / name)
    places = [str(place) for place in (site, others, beside) if place]
    subprocess.run([interpreter, "-m", "compileall", "-q", *places], check=False)
    floor = folder / "floor"
    compiler = shutil.which("cc") or sys.exit("needs a C compiler: install gcc")
    source = Path(__file__).with_name("loader_floor.c")
    subprocess.run([compiler, "-O2", "-o", str(floor), str(source)], check=True)
    lib = site / "cxx11_cuda_runtime" / "lib"
    cxx = [str(lib / name) for name in ("libgcc_s.so.1", "libstdc++.so.6")]
    cuda = [*cxx, str(lib / "libcudart.so.12")]
    rows = rows_of(interpreter, str(floor), cxx, cuda)
    if others is not None and beside is not None:
        rows += rows_of_others(interpreter, str(floor), others, beside)
    return rows


def fetch_others(folder: Path) -> Path | None:
    """Unpack cuda-pathfinder, a libcudart and RAPIDS' logger; None where pip cannot get them."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder),
         "cuda-pathfinder", "nvidia-cuda-runtime-cu12", "rapids-logger"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return folder if done.returncode == 0 else None


def timed_by(python: str) -> Callable[..., tuple[str, ...]]:
    """Makes the command that times a statement, after another, with paths before ``sys.path``."""

    def timed(statement: str, before: str = "", *paths: Path) -> tuple[str, ...]:
        places = [str(path) for path in paths]
        return python, "-I", "-c", _TIMED.format(paths=places, before=before, statement=statement)

    return timed


def rows_of_others(python: str, floor: str, others: Path, beside: Path) -> list[Row]:
    """What needs other wheels, each with its own floor."""
    timed = timed_by(python)
    lib = beside / "cxx11_cuda_runtime" / "lib"
    nvidia = beside / "nvidia" / "cuda_runtime" / "lib" / "libcudart.so.12"
    logger = str(next(others.glob("rapids_logger/lib*/librapids_logger.so")))
    files = [str(lib / "libgcc_s.so.1"), str(lib / "libstdc++.so.6"), str(nvidia)]
    one, two = "C program: the same, NVIDIA's libcudart", "C program: librapids_logger"
    find = "from cuda.pathfinder import load_nvidia_dynamic_lib as load; load('cudart')"
    log = "import rapids_logger; assert rapids_logger.load_library()"
    ours = "import cxx11_cuda_runtime; cxx11_cuda_runtime.require(cudart='12')"
    return [
        Row(name=one, command=(floor, *files), floor=one),
        Row(name=_NVIDIA, command=timed(ours, "", beside), floor=one),
        Row(name=_PATHFINDER, command=(python, "-c", timed(find, "", others)[-1]), floor=one),
        Row(name=two, command=(floor, logger), floor=two),
        Row(name=_RAPIDS, command=timed(log, "", others), floor=two),
    ]


def rows_of(python: str, floor: str, cxx: list[str], cuda: list[str]) -> list[Row]:
    """List what is measured, in the order of the table."""
    timed = timed_by(python)

    def cdll(paths: list[str]) -> str:
        calls = (f"ctypes.CDLL({path!r}, mode=ctypes.RTLD_GLOBAL)" for path in paths)
        return "; ".join(["import ctypes", *calls])

    ours = "import cxx11_cuda_runtime"
    resident = f"import _ctypes; _ctypes.dlopen({cxx[1]!r}, 2)"
    asking = "cxx11_cuda_runtime.require(glibcxx='3.4.30', who='bench')"
    one, two = "C program: libgcc_s, libstdc++", "C program: the same and libcudart 12"
    return [
        Row(name=one, command=(floor, *cxx), floor=one),
        Row(name=_COLD, command=timed(ours), floor=one),
        Row(name=_EMPTY, command=timed("import empty_package"), floor=one),
        Row(
            name="a package without any check: import",
            command=timed("import rash_package"),
            floor=one,
        ),
        Row(name="ctypes.CDLL, both", command=timed(cdll(cxx)), floor=one),
        Row(name=_REQUIRE, command=timed(asking, ours), floor=one),
        Row(name=_RESIDENT, command=timed(ours, resident), floor=one),
        Row(name=_EMPTY_TOO, command=timed("import empty_package", resident), floor=one),
        Row(name=two, command=(floor, *cuda), floor=two),
        Row(
            name=_CUDA, command=timed(f"{ours}; cxx11_cuda_runtime.require(cudart='12')"), floor=two
        ),
        Row(name="ctypes.CDLL, all three", command=timed(cdll(cuda)), floor=two),
    ]


def measure(rows: list[Row], rounds: int) -> dict[str, list[tuple[float, ...]]]:
    """Run every row once per round; a row that fails is left out, with its reason on stderr."""
    environ = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("CXXRT_", "LD_", "PYTHON"))
    }
    samples: dict[str, list[tuple[float, ...]]] = {row.name: [] for row in rows}
    failed: set[str] = set()
    for _ in range(rounds):
        for row in rows:
            if row.name in failed:
                continue
            done = subprocess.run(
                row.command, env=environ, capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                samples[row.name].append(tuple(map(float, done.stdout.split())))
            else:
                failed.add(row.name)
                print(f"{row.name}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return samples


def medians_of(samples: dict[str, list[tuple[float, ...]]]) -> dict[str, float]:
    """Median processor time by row, in microseconds, of the rows that ran."""
    return {name: statistics.median(v[0] for v in each) for name, each in samples.items() if each}


def goals(rows: list[Row], medians: dict[str, float]) -> Goals:
    """Compute what the goals are about."""
    finder = medians.get(_PATHFINDER)
    return Goals(
        cold=medians[_COLD] / medians[rows[0].name],
        cuda=medians[_CUDA] / medians[next(row.floor for row in rows if row.name == _CUDA)],
        require_us=medians[_REQUIRE],
        resident_us=medians[_RESIDENT] - medians[_EMPTY_TOO],
        empty_us=medians[_EMPTY_TOO],
        pathfinder=None if finder is None else finder / medians[_CUDA],
    )


def table(
    rows: list[Row], samples: dict[str, list[tuple[float, ...]]], medians: dict[str, float]
) -> str:
    """Draw the rows with their medians, ratios, and the verdict on each goal."""
    lines = [f"{'':<42}{'cpu us':>9}{'x floor':>9}{'wall us':>9}"]
    for row in rows:
        if row.name in medians:
            ratio = medians[row.name] / medians[row.floor]
            wall = statistics.median(each[1] for each in samples[row.name])
            lines.append(f"{row.name:<42}{medians[row.name]:>9.0f}{ratio:>9.2f}{wall:>9.0f}")
    found = goals(rows, medians)
    for what, ratio in (("cold", found.cold), ("with libcudart", found.cuda)):
        text = f"{what} {ratio:.2f} x floor"
        lines.append(_verdict(text, f"at most {GOAL_COLD}", ratio <= GOAL_COLD))
    loaded = max(found.require_us, found.resident_us)
    text = (
        f"already loaded: require() {found.require_us:.0f} us, import {found.resident_us:.0f} us"
        f" over an empty package's {found.empty_us:.0f}"
    )
    lines.append(_verdict(text, f"at most {GOAL_LOADED_US:.0f}", loaded <= GOAL_LOADED_US))
    if found.pathfinder is not None:
        text = f"cuda-pathfinder {found.pathfinder:.1f} x ours with libcudart"
        met = found.pathfinder >= GOAL_PATHFINDER
        lines.append(_verdict(text, f"at least {GOAL_PATHFINDER:.0f}", met))
    return "\n".join(lines)


def _verdict(figure: str, goal: str, met: bool) -> str:
    return f"{figure}: goal {goal}: {'met' if met else 'not met'}"


if __name__ == "__main__":
    sys.exit(main())
