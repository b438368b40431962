"""What N wheels cost that use one library: each with its own copies, and all with the provider's.

    python tests/bench/sharing_cost.py mkl|protobuf PYTHON [N...]

PYTHON has the runtime wheel and the provider's. One process makes the same call through the copy of
each wheel: a product of matrices (MKL), the descriptors of a ``.proto`` file (libprotobuf). A copy
of MKL has the files that the product needs, not all of the 26 that ``mkl`` has; both use one
libgomp. A copy of libprotobuf and its Abseil has SONAMEs of its own, as auditwheel gives them
(patchelf). Disk: bytes of these files. Memory: kilobytes that are private to the process beyond
what it had before (``Private_Clean``, ``Private_Dirty``, ``Swap`` of smaps_rollup), the median of
five: what it wrote, and pages of files that no other process has mapped.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHILD = """\
import ctypes, sys
import cxx11_cuda_runtime
cxx11_cuda_runtime.require(glibcxx="3.4.0", openmp=True, who="bench")
def private():
    rows = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith(("Private_", "Swap:")))
{prepare}
before = private()
for path in sys.argv[2:]:
    library = ctypes.CDLL(path)
    {call}
maps = open("/proc/self/maps").read().splitlines()
print(private() - before, len({{row.split()[-1] for row in maps if sys.argv[1] in row}}))
"""


@dataclass(frozen=True)
class Case:
    """One library: its files, and what a process does with it."""

    pattern: str
    """Of the file that a wheel needs, below the environment's ``lib``."""
    stem: str
    """What the names of the files have in common."""
    parts: tuple[str, ...]
    """What stands for the stem's ``*`` in them; the first is the file that a wheel needs."""
    prepare: str
    call: str
    renamed: bool
    """Whether a second copy needs SONAMEs of its own, else the first one serves for it."""


CASES = {
    "mkl": Case(
        pattern="libmkl_rt.so.*",
        stem="libmkl_*.so",
        parts=(
            *("rt", "core", "intel_lp64", "gnu_thread", "def", "avx2", "avx512"),
            *("vml_def", "vml_avx2", "vml_avx512"),
        ),
        prepare="""\
size, one = 256, ctypes.c_double(1)
integer = [ctypes.c_int(size)] * 4
matrices = [(ctypes.c_double * size**2)(*[float(i % 7) for i in range(size**2)]) for _ in "abc"]""",
        call="""\
library.cblas_dgemm(101, 111, 111, size, size, size, one, matrices[0], size,
                        matrices[1], size, one, matrices[2], size)""",
        renamed=False,
    ),
    "protobuf": Case(
        pattern="python3*/site-packages/cxx11_protobuf_*/lib/libprotobuf_cxxrt.so.*",
        stem="lib*_cxxrt.so",
        parts=("protobuf", "absl"),
        prepare="""\
import re
space = "cxxrt_" + re.sub(r".*[.]so[.](.*)[.](.*)", r"\\1_\\2", sys.argv[2])
pool_class = f"N6google{len(space)}{space}8protobuf14DescriptorPool14"
view, name = "St17basic_string_viewIcSt11char_traitsIcEE", b"google/protobuf/descriptor.proto\"""",
        call="""\
pool, find = library[f"_Z{pool_class}generated_poolEv"], library[
        f"_Z{pool_class.replace('N', 'NK', 1)}FindFileByNameE{view}"]
    pool.restype = find.restype = ctypes.c_void_p
    assert find(ctypes.c_void_p(pool()), ctypes.c_size_t(len(name)), name)""",
        renamed=True,
    ),
}


def private_kilobytes(python: str, case: Case, libraries: list[Path]) -> int:
    """What a process pays for these libraries; each folder must be mapped once."""
    code = CHILD.format(prepare=case.prepare, call=case.call)
    second = case.stem.replace("*", case.parts[1]).removesuffix(".so").removesuffix("_cxxrt")
    command = [python, "-I", "-c", code, second, *map(str, libraries)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.returncode}: {done.stderr}")
    kilobytes, mapped = map(int, done.stdout.split())
    if mapped != len({path.parent for path in libraries}):
        raise SystemExit(f"{mapped} copies of {second} are mapped: {done.stderr}")
    return kilobytes


def median(python: str, case: Case, libraries: list[Path]) -> float:
    """Of five processes."""
    return statistics.median(private_kilobytes(python, case, libraries) for _ in range(5))


def copied(case: Case, files: list[Path], folder: Path) -> Path:
    """A wheel's own copy of the files; the one that it needs."""
    folder.mkdir()
    names = {path.name: path.name for path in files}
    if case.renamed:
        names = {name: name.replace("_cxxrt", f"-{folder.name}") for name in names}
    for path in files:
        copy = folder / names[path.name]
        copy.write_bytes(path.read_bytes())
        if case.renamed:
            needed = [word for pair in names.items() for word in ("--replace-needed", *pair)]
            command = ["patchelf", "--set-soname", copy.name, *needed, str(copy)]
            subprocess.run(command, check=True)
    return folder / names[files[0].name]


def main(library: str, python: str, *numbers: str) -> None:
    """Print one line of JSON for each number of wheels."""
    case = CASES[library]
    (main_file,) = (Path(python).absolute().parents[1] / "lib").glob(case.pattern)
    release = main_file.name.partition(".so")[2]
    names = [case.stem.replace("*", part) + release for part in case.parts]
    files = [main_file.with_name(name) for name in names]
    size = sum(path.stat().st_size for path in files)
    for number in map(int, numbers or ("1", "2", "4")):
        with tempfile.TemporaryDirectory() as scratch:
            copies = [copied(case, files, Path(scratch, str(each))) for each in range(number)]
            own = median(python, case, copies)
            disk = sum(path.stat().st_size for path in Path(scratch).glob("*/*"))
        shared = median(python, case, [main_file] * number)
        row = {"wheels": number, "own": [disk, own], "shared": [size, shared]}
        print(json.dumps(row))


if __name__ == "__main__":
    main(*sys.argv[1:])
