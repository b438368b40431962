"""What ``cxxrt doctor`` costs as a user starts it: on an environment, and on a running process.

    python tests/bench/doctor_cost.py --python ENV [--pid N] [--beside TREE] [--rounds N]

ENV is an environment with large packages: torch, scipy, pyarrow, scikit-learn, tensorflow-cpu. N is
a process with about 300 objects; without it, a child is started that loads 300 small ones. TREE is
another checkout, measured in turn in the same run. Goals: at most 0.4 s on the environment when it
was looked at before, at most 0.5 s on the process with nothing kept, start of Python included, on a
machine that does nothing else.

Printed are medians, and ratios to a start of Python that does nothing, in the same round.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from side_by_side import in_turn, median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

HERE = Path(__file__).parents[2]
OBJECTS = 300
TIMEOUT = 120.0
GOALS = {"environment, later": 0.4, "process, first": 0.5}
"""Seconds."""


@contextmanager
def process(folder: Path) -> Iterator[int]:
    """A child that has many small objects loaded."""
    source = folder / "tiny.c"
    source.write_text("int tiny(void) { return 1; }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "tiny.so", source], check=True)
    package = folder / "site-packages" / "many"
    package.mkdir(parents=True)
    names = [f"many/lib{index:03}.so" for index in range(OBJECTS)]
    for name in names:
        shutil.copy(folder / "tiny.so", package.parent / name)
    info = package.parent / "many-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: many\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in names))
    code = (
        f"import ctypes, sys\nfor name in {names!r}:\n"
        f"    ctypes.CDLL({str(package.parent)!r} + '/' + name)\n"
        "print('ready', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            yield child.pid
        finally:
            child.kill()


def command(tree: Path, cache: Path, *arguments: str) -> list[str]:
    """``cxxrt doctor`` of a checkout, with a cache folder of its own."""
    path = os.pathsep.join(str(tree / folder) for folder in ("toolchain", "abi-tag-spec"))
    settings = [f"PYTHONPATH={path}", f"CXXRT_CACHE={cache}"]
    program = [sys.executable, "-m", "cxxrt_toolchain", "doctor", "--json"]
    # As a user's installation has it: compiled modules are kept.
    return ["env", "-u", "PYTHONDONTWRITEBYTECODE", *settings, *program, *arguments]


def commands(
    trees: Sequence[Path], subjects: Mapping[str, Sequence[str]], folder: Path
) -> dict[str, Callable[[], Sequence[str]]]:
    """By name: for each subject and each checkout a first and a later look."""
    found: dict[str, Callable[[], Sequence[str]]] = {
        "start of Python": lambda: [sys.executable, "-c", ""]
    }
    for subject, arguments in subjects.items():
        for number, tree in enumerate(trees):
            cache = folder / f"{subject}-{number}"
            look = command(tree, cache, *arguments)

            def first(look: list[str] = look, cache: Path = cache) -> list[str]:
                shutil.rmtree(cache, ignore_errors=True)
                return look

            beside = f" ({tree})" if number else ""
            found[f"{subject}, first{beside}"] = first
            found[f"{subject}, later{beside}"] = lambda look=look: look  # type: ignore[misc]  # bound now
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, metavar="ENV")
    parser.add_argument("--pid", metavar="N", type=int, help="this process instead of a child")
    parser.add_argument("--beside", metavar="TREE", type=Path, help="another checkout")
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    trees = [HERE, *([args.beside] if args.beside else [])]
    with tempfile.TemporaryDirectory() as name, process(Path(name)) as child:
        subjects = {
            "environment": ("--python", args.python),
            "process": ("--pid", str(args.pid or child)),
        }
        runs = in_turn(commands(trees, subjects, Path(name)), args.rounds, TIMEOUT)
    unit = median(runs["start of Python"], "wall")
    print(f"{'':60} {'wall':>7} {'cpu':>7} {'ratio':>7}   goal")
    for name, rows in runs.items():
        wall, cpu = median(rows, "wall"), median(rows, "cpu")
        goal = f"{GOALS[name]:.1f} s" if name in GOALS else ""
        print(f"{name:60} {wall:7.3f} {cpu:7.3f} {wall / unit:6.1f}x   {goal}")


if __name__ == "__main__":
    main()
