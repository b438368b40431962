"""``cxxrt show`` against ``auditwheel show``, side by side in one run.

    python tests/bench/show_vs_auditwheel.py [WHEEL...] [--rounds N] [--python EXE] [--json]

Without wheels, pip fetches the pinned ones into --folder. Each round runs, in turn and each in a
fresh process: a bare interpreter, ``cxxrt --version``, then per wheel ``auditwheel show``,
``cxxrt show``, and zlib inflating the same ELF members on one thread and doing nothing else.

The last one is taken in two ways, and both ratios are printed. *With start*: the whole process,
the interpreter's start and reading the archive's directory included, as ours is. *Bare*: only the
seconds inside ``decompress`` and reading its input, which no process can reach, since ours is
still counted from its start to its end.

The promises: 15 times faster than auditwheel; 1.3 times the inflation; 200 MB on torch; a start
of twice the interpreter's. Wall time tells what a user waits, and is right on an idle machine;
processor time hardly depends on what else runs, and counts our threads as if they were one.
--python must have cxxrt-toolchain and auditwheel installed as users install them: an editable
install pays for its import hook.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from side_by_side import PINS, fetch, in_turn, median

_INFLATE = """\
import sys, time, zipfile, zlib
wall = cpu = size = 0
with zipfile.ZipFile(sys.argv[1]) as z:
    for i in z.infolist():
        with z.open(i) as f:
            if f.read(4) != b"\\x7fELF": continue
        size += i.file_size
        z.fp.seek(i.header_offset + 26)
        n, e = (int.from_bytes(z.fp.read(2), "little") for _ in range(2))
        z.fp.seek(i.header_offset + 30 + n + e)
        left = i.compress_size
        w, c = time.perf_counter(), time.process_time()
        d = zlib.decompressobj(-15)
        while left and i.compress_type:
            piece = z.fp.read(min(left, 65536))
            left -= len(piece)
            d.decompress(piece)
        wall += time.perf_counter() - w
        cpu += time.process_time() - c
print(wall, cpu, size)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One wheel: medians, in seconds and bytes."""

    wheel: str
    elf_bytes: int
    auditwheel_wall: float
    auditwheel_cpu: float
    cxxrt_wall: float
    cxxrt_cpu: float
    cxxrt_peak: int
    zlib_wall: float
    """The whole process; the next one, too."""
    zlib_cpu: float
    bare_wall: float
    """Inside ``decompress``; the next one, too."""
    bare_cpu: float

    @property
    def ratios(self) -> str:
        """Each by wall and by processor time."""
        pairs = [
            (self.auditwheel_wall / self.cxxrt_wall, self.auditwheel_cpu / self.cxxrt_cpu),
            (self.cxxrt_wall / self.zlib_wall, self.cxxrt_cpu / self.zlib_cpu),
            (self.cxxrt_wall / self.bare_wall, self.cxxrt_cpu / self.bare_cpu),
        ]
        return "  ".join(f"{wall:6.2f} {cpu:6.2f}" for wall, cpu in pairs)


def measure(python: str, path: Path, rounds: int, timeout: float) -> Row:
    """Run the three in turn and take medians."""
    commands = {
        "auditwheel": [python, "-W", "ignore", "-m", "auditwheel", "show", str(path)],
        "cxxrt": [python, "-m", "cxxrt_toolchain", "show", str(path)],
        "zlib": [python, "-c", _INFLATE, str(path)],
    }
    runs = in_turn({name: partial(list, each) for name, each in commands.items()}, rounds, timeout)
    bare = sorted(tuple(map(float, each.output.split())) for each in runs["zlib"])
    middle = len(bare) // 2
    return Row(
        wheel=path.name,
        elf_bytes=int(bare[0][2]),
        auditwheel_wall=median(runs["auditwheel"], "wall"),
        auditwheel_cpu=median(runs["auditwheel"], "cpu"),
        cxxrt_wall=median(runs["cxxrt"], "wall"),
        cxxrt_cpu=median(runs["cxxrt"], "cpu"),
        cxxrt_peak=int(median(runs["cxxrt"], "peak")),
        zlib_wall=median(runs["zlib"], "wall"),
        zlib_cpu=median(runs["zlib"], "cpu"),
        bare_wall=bare[middle][0],
        bare_cpu=sorted(each[1] for each in bare)[middle],
    )


def start_up(python: str, rounds: int) -> dict[str, float]:
    """Medians of a bare interpreter and of ``cxxrt --version``."""
    commands = {
        "python": [python, "-c", "pass"],
        "cxxrt": [python, "-m", "cxxrt_toolchain", "--version"],
    }
    runs = in_turn({name: partial(list, each) for name, each in commands.items()}, rounds, 60)
    return {f"{k}_{f}": median(v, f) for k, v in runs.items() for f in ("wall", "cpu")}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheels", nargs="*", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("bench-wheels"))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    start = start_up(args.python, 5 * args.rounds)
    paths = args.wheels or fetch(PINS, args.folder)
    rows = [measure(args.python, path, args.rounds, args.timeout) for path in paths]
    if args.json:
        print(json.dumps({"start": start, "wheels": [asdict(row) for row in rows]}, indent=1))
        return
    print("seconds: wall cpu; and their ratios")
    print(
        f"start: python {start['python_wall']:.3f} {start['python_cpu']:.3f}, cxxrt --version "
        f"{start['cxxrt_wall']:.3f} {start['cxxrt_cpu']:.3f}, ratio "
        f"{start['cxxrt_wall'] / start['python_wall']:.2f} "
        f"{start['cxxrt_cpu'] / start['python_cpu']:.2f}"
    )
    print(
        f"{'wheel':14} {'MB':>4}  {'auditwheel':>13}  {'cxxrt':>12} {'peak':>6}  {'zlib':>12}"
        f"  {'x faster':>13}  {'with start':>13}  {'bare':>13}"
    )
    for row in rows:
        print(
            f"{'-'.join(row.wheel.split('-')[:2])[:14]:14} {row.elf_bytes / 1e6:4.0f}  "
            f"{row.auditwheel_wall:6.2f} {row.auditwheel_cpu:6.2f}  "
            f"{row.cxxrt_wall:6.3f} {row.cxxrt_cpu:5.3f} {row.cxxrt_peak / 1e6:3.0f} MB  "
            f"{row.zlib_wall:6.3f} {row.zlib_cpu:5.3f}  {row.ratios}"
        )


if __name__ == "__main__":
    main()
