"""What N wheels cost that use MKL: each with copies of its own, and all with the provider's.

    python tests/bench/sharing_cost.py PYTHON [N...]

PYTHON has the runtime wheel and mkl. One process makes the same product of matrices through each
wheel's MKL. A copy has the files that the product needs, not all of the 26 that ``mkl`` has; both
use one libgomp. Disk: bytes of these files. Memory: kilobytes that are private to the process
beyond what it had before (``Private_Clean``, ``Private_Dirty``, ``Swap`` of smaps_rollup), the
median of five: what it wrote, and pages of files that no other process has mapped.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FILES = (
    *("rt", "core", "intel_lp64", "gnu_thread", "def", "avx2", "avx512"),
    *("vml_def", "vml_avx2", "vml_avx512"),
)
CHILD = """\
import ctypes, sys
import cxx11_cuda_runtime
cxx11_cuda_runtime.require(openmp=True, who="bench")
def private():
    rows = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith(("Private_", "Swap:")))
size = 256
matrices = [(ctypes.c_double * size**2)(*[float(i % 7) for i in range(size**2)]) for _ in "abc"]
before = private()
for path in sys.argv[1:]:
    one, integer = ctypes.c_double(1), [ctypes.c_int(size)] * 4
    ctypes.CDLL(path).cblas_dgemm(101, 111, 111, size, size, size, one, matrices[0], size,
                                  matrices[1], size, one, matrices[2], size)
maps = open("/proc/self/maps").read().splitlines()
print(private() - before, len({row.split()[-1] for row in maps if "libmkl_core" in row}))
"""


def private_kilobytes(python: str, libraries: list[Path]) -> int:
    """What a process pays for these libraries; each folder must be mapped once."""
    command = [python, "-I", "-c", CHILD, *map(str, libraries)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kilobytes, mapped = map(int, done.stdout.split())
    if mapped != len({path.parent for path in libraries}):
        raise SystemExit(f"{mapped} copies of libmkl_core are mapped: {done.stderr}")
    return kilobytes


def median(python: str, libraries: list[Path]) -> float:
    """Of five processes."""
    return statistics.median(private_kilobytes(python, libraries) for _ in range(5))


def main(python: str, *numbers: str) -> None:
    """Print one line of JSON for each number of wheels."""
    lib = Path(python).absolute().parents[1] / "lib"
    (main_file,) = lib.glob("libmkl_rt.so.*")
    files = [lib / main_file.name.replace("_rt", f"_{name}") for name in FILES]
    size = sum(path.stat().st_size for path in files)
    for number in map(int, numbers or ("1", "2", "4")):
        with tempfile.TemporaryDirectory() as scratch:
            copies = [Path(scratch, str(each)) for each in range(number)]
            for folder in copies:
                folder.mkdir()
                for path in files:
                    (folder / path.name).write_bytes(path.read_bytes())
            own = median(python, [folder / main_file.name for folder in copies])
        shared = median(python, [main_file] * number)
        row = {"wheels": number, "own": [number * size, own], "shared": [size, shared]}
        print(json.dumps(row))


if __name__ == "__main__":
    main(*sys.argv[1:])
