"""Reading the ELF facts of a wheel, side by side: zlib alone, ours, pyelftools.

Usage: python tests/bench/elf_reader.py WHEEL... [--rounds 5]

Every column is the median of alternating rounds in one process on one thread. ``zlib`` inflates
the same members whole and looks at nothing: it is the floor of every reader that does not skip.
``pyelftools`` gets each member as a BytesIO and answers the same questions, symbols included.
The last column is a fresh child's peak memory for our reader alone.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import time
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection

from cxxrt_toolchain.elf.reader import is_elf, read_elf
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable

_PEAK = """
import resource, sys
from pathlib import Path
from elf_reader import elf_members, ours
from cxxrt_toolchain.wheel.reader import Wheel
with Wheel.open(Path(sys.argv[1])) as wheel:
    ours(wheel, elf_members(wheel), symbols=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def elf_members(wheel: Wheel) -> list[str]:
    """The members that start with the magic number."""
    found = []
    for member in wheel.members:
        if not member.is_dir and not member.name.endswith((".py", ".h", ".txt", ".pyi")):
            with wheel.stream(member.name) as stream:
                if is_elf(stream.read(4)):
                    found.append(member.name)
    return found


def floor(wheel: Wheel, names: list[str]) -> None:
    """Inflate with the standard library, look at nothing."""
    for name in names:
        extent = wheel.extent(name)
        engine = zlib.decompressobj(-zlib.MAX_WBITS)
        for start in range(0, extent.compressed_size, 1 << 18):
            size = min(1 << 18, extent.compressed_size - start)
            engine.decompress(wheel.raw(extent.offset + start, size))


def ours(wheel: Wheel, names: list[str], *, symbols: bool) -> None:
    """All facts of all members."""
    for name in names:
        with wheel.stream(name) as stream:
            read_elf(stream, name, symbols=symbols)


def pyelftools(wheel: Wheel, names: list[str]) -> None:
    """The same questions to pyelftools."""
    for name in names:
        file = ELFFile(io.BytesIO(zlib.decompress(_raw(wheel, name), -zlib.MAX_WBITS)))
        for section in file.iter_sections():
            if isinstance(section, DynamicSection):
                _ = [vars(t)["needed"] for t in section.iter_tags() if t.entry.d_tag == "DT_NEEDED"]
            elif isinstance(section, (GNUVerNeedSection, GNUVerDefSection)):
                _ = [[a.name for a in each] for _, each in section.iter_versions()]
            elif isinstance(section, GNUVerSymSection):
                _ = [symbol.entry for symbol in section.iter_symbols()]
            elif isinstance(section, SymbolTableSection) and section.name == ".dynsym":
                _ = [(symbol.name, symbol.entry) for symbol in section.iter_symbols()]


def _raw(wheel: Wheel, name: str) -> bytes:
    extent = wheel.extent(name)
    return wheel.raw(extent.offset, extent.compressed_size)


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _peak(path: Path) -> int:
    command = [sys.executable, "-c", _PEAK, str(path)]
    here = str(Path(__file__).parent)
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": here}
    )
    return int(done.stdout)


def main() -> None:
    """Print one row per wheel."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheels", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-pyelftools", action="store_true")
    arguments = parser.parse_args()
    print("| wheel | objects | zlib s | facts / zlib | + symbols / zlib | pyelftools / ours | MB |")
    for path in arguments.wheels:
        with Wheel.open(path) as wheel:
            names = elf_members(wheel)
            contenders: dict[str, Callable[[], None]] = {
                "zlib": partial(floor, wheel, names),
                "facts": partial(ours, wheel, names, symbols=False),
                "symbols": partial(ours, wheel, names, symbols=True),
            }
            times: dict[str, list[float]] = {}
            for _ in range(arguments.rounds):
                for label, work in contenders.items():
                    times.setdefault(label, []).append(_seconds(work))
            slow = 0.0 if arguments.no_pyelftools else _seconds(partial(pyelftools, wheel, names))
        median = {label: statistics.median(values) for label, values in times.items()}
        base = median["zlib"]
        print(
            f"| {path.name.split('-')[0]} | {len(names)} | {base:.2f} "
            f"| {median['facts'] / base:.2f} | {median['symbols'] / base:.2f} "
            f"| {slow / median['symbols']:.1f} | {_peak(path)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
