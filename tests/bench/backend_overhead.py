"""The build hook against the bare wrapped backend, side by side in one run.

    python tests/bench/backend_overhead.py RUNTIME_WHEEL [--rounds N] [--json]

Two projects that this script writes itself: a small one (one extension module of a few lines) and
a large one (many modules, each with a block of data, 64 MB of wheel members). Both are
compiled once; then the hook and the bare backend are timed alternately on the finished build
tree, so that the compiler, which is the same for both, does not hide the difference. A second
table has the whole build, compiler included, for the small project.

The promise: at most 5 % or 0.5 s more than the bare backend, whichever is larger. It is judged by
processor time, which on an idle machine is the elapsed time (nothing here runs in parallel or
waits) and on a busy one does not count the neighbours; elapsed time is printed beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import asdict, dataclass
from pathlib import Path

_REPOSITORY = Path(__file__).parents[2]
_LIMIT_SHARE, _LIMIT_SECONDS = 0.05, 0.5
_LARGE_MODULES, _LARGE_MEGABYTES = 8, 8
_HOOK = (
    "import sys, os; os.chdir(sys.argv[1]); from {} import build_wheel; build_wheel(sys.argv[2])"
)
_BARE = _HOOK.format("setuptools.build_meta")
_OURS = _HOOK.format("cxxrt_toolchain.backend")
_MODULE = """\
#include <Python.h>
#include <sstream>
@DATA@
static PyObject* run(PyObject*, PyObject*) {
    std::ostringstream out;
    out << 42;
    return PyUnicode_FromString(out.str().c_str());
}
static PyMethodDef methods[] = {{"run", run, METH_NOARGS, nullptr}, {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "@NAME@", nullptr, 0, methods};
PyMODINIT_FUNC PyInit_@NAME@() { return PyModule_Create(&definition); }
"""
# .incbin: megabytes of data without minutes of compiling.
_DATA = '__asm__(".section .rodata\\n.incbin \\"{}\\"\\n.text\\n");'


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One project: medians of seconds."""

    project: str
    bare: float
    """Processor time of the bare backend; so is the next."""
    ours: float
    elapsed_bare: float
    elapsed_ours: float

    @property
    def within(self) -> bool:
        """The promise holds."""
        return self.ours - self.bare <= max(_LIMIT_SHARE * self.bare, _LIMIT_SECONDS)

    def __str__(self) -> str:
        more, ratio = self.ours - self.bare, self.ours / self.bare
        verdict = "within" if self.within else "BEYOND"
        return (
            f"{self.project:<28} bare {self.bare:7.2f} s   ours {self.ours:7.2f} s   "
            f"{more:+6.2f} s   x {ratio:.3f}   {verdict} 5 % or 0.5 s   "
            f"(elapsed {self.elapsed_bare:.2f} s, {self.elapsed_ours:.2f} s)"
        )


def main() -> int:
    """Build the environment and the projects, time them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runtime", type=Path, help="the runtime wheel")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cxxrt-bench-") as folder:
        root = Path(folder)
        python = _environment(root / "env", args.runtime)
        small = _project(root / "small", modules=1, megabytes=0)
        large = _project(root / "large", modules=_LARGE_MODULES, megabytes=_LARGE_MEGABYTES)
        rows = [
            _measure("small, compiled before", python, small, args.rounds, clean=False),
            _measure("large, compiled before", python, large, args.rounds, clean=False),
            _measure("small, with the compiler", python, small, args.rounds, clean=True),
        ]
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        print(*rows, sep="\n")
    return 0 if all(row.within for row in rows) else 1


def _environment(folder: Path, runtime: Path) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q"]
    subprocess.run([*install, "setuptools>=77", str(_REPOSITORY), str(runtime)], check=True)
    return python


def _project(folder: Path, *, modules: int, megabytes: int) -> Path:
    (folder / "bench").mkdir(parents=True)
    (folder / "bench" / "__init__.py").touch()
    names = [f"m{number}" for number in range(modules)]
    for name in names:
        data = ""
        if megabytes:
            block = folder / f"{name}.bin"
            # Half of it compresses, as real sections do; no two modules have the same.
            block.write_bytes(os.urandom(megabytes << 19) + name.encode() * (megabytes << 18))
            data = _DATA.format(block)
        text = _MODULE.replace("@DATA@", data).replace("@NAME@", name)
        (folder / f"{name}.cc").write_text(text, encoding="utf-8")
    rows = "".join(
        f'  {{ name = "bench.{name}", sources = ["{name}.cc"], language = "c++" }},\n'
        for name in names
    )
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "cxxrt-bench"\nversion = "1.0"\n'
        'dependencies = ["cxx11-cuda-runtime>=1,<2"]\n'
        f'[tool.setuptools]\npackages = ["bench"]\next-modules = [\n{rows}]\n',
        encoding="utf-8",
    )
    return folder


def _measure(label: str, python: Path, project: Path, rounds: int, *, clean: bool) -> Row:
    seconds: dict[str, list[tuple[float, float]]] = {_BARE: [], _OURS: []}
    # A tree for each: what one backend linked, the other would take as up to date.
    trees = {code: project.with_name(f"{project.name}-{n}") for n, code in enumerate(seconds)}
    for tree in trees.values():
        shutil.copytree(project, tree, dirs_exist_ok=True)
    for turn in range(rounds + 1):
        for code, spent in seconds.items():
            if clean:
                shutil.rmtree(trees[code] / "build", ignore_errors=True)
            elapsed = _time(python, trees[code], code)
            if turn:  # the first round compiles, and fills the caches
                spent.append(elapsed)
    (bare, elapsed_bare), (ours, elapsed_ours) = (
        [statistics.median(column) for column in zip(*seconds[code], strict=True)]
        for code in (_BARE, _OURS)
    )
    return Row(
        project=label, bare=bare, ours=ours, elapsed_bare=elapsed_bare, elapsed_ours=elapsed_ours
    )


def _time(python: Path, project: Path, code: str) -> tuple[float, float]:
    """Processor and elapsed seconds of one build, all its children included."""
    with tempfile.TemporaryDirectory(dir=project.parent) as wheels:
        command = [str(python), "-c", code, str(project), wheels]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        elapsed = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, elapsed


if __name__ == "__main__":
    sys.exit(main())
