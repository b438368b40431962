"""What looking at a process costs, as a multiple of reading its /proc/PID/maps.

    .venv/bin/python tests/bench/doctor_process_cost.py [--pid N]

Without --pid a child is started that has 300 small shared objects loaded. All figures are processor
time of this process (user and system); each round reads the maps, does the job and reads the maps
again, and the ratio is the median over the rounds, so that a busy machine moves both. There are two
ratios: to read(2) alone, which is the kernel's work and depends on the kernel, and to reading the
maps and taking them apart in Python, as anybody does who looks at them. What is known of the files
comes from a warm cache; the first look fills it.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.cache import FactsCache
from cxxrt_toolchain.collect.process.belongings import interpreter_of
from cxxrt_toolchain.collect.process.mappings import parse_maps, read_code
from cxxrt_toolchain.collect.process.memory import load_order, open_memory
from cxxrt_toolchain.collect.process.observer import Observer
from cxxrt_toolchain.collect.process.procfs import read_process
from cxxrt_toolchain.collect.process.set_reader import SetReader
from cxxrt_toolchain.doctor.process import diagnose_process
from cxxrt_toolchain.report.graph import edges_of
from cxxrt_toolchain.rules.process import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 41
OBJECTS = 300


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pid", type=int, help="this process instead of a child of ours")
    given = parser.parse_args().pid
    with tempfile.TemporaryDirectory() as folder, _subject(given, Path(folder)) as pid:
        _measure(pid, Path(folder) / "cache")


@contextmanager
def _subject(pid: int | None, folder: Path) -> Iterator[int]:
    if pid is not None:
        yield pid
        return
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


def _measure(pid: int, folder: Path) -> None:
    maps = Path(f"/proc/{pid}/maps")
    text = maps.read_bytes()
    cold = _once(lambda: diagnose_process(pid, cache=FactsCache(folder)))
    facts = read_process(pid)
    interpreter = interpreter_of(facts)
    observer = Observer(interpreter, cache=FactsCache(folder))
    view = observer.look(facts)
    blind = observer.look(facts, memory=False)

    def loader_list() -> None:
        with open_memory(pid) as memory:
            assert memory is not None
            load_order(pid, memory)

    rows: list[tuple[str, Callable[[], object]]] = [
        ("whole diagnosis, with the memory", lambda: diagnose_process(
            pid, cache=FactsCache(folder))),
        ("whole diagnosis, maps and files only", lambda: diagnose_process(
            pid, cache=FactsCache(folder), memory=False)),
        ("  of it: what is mapped as code", lambda: read_code(f"/proc/{pid}")),
        ("  on an older kernel: take the maps apart", lambda: parse_maps(text)),
        ("  of it: everything of /proc", lambda: read_process(pid)),
        ("  of it: which interpreter", lambda: interpreter_of(facts)),
        ("  of it: what is kept of the files",
            lambda: SetReader(interpreter, None, FactsCache(folder)).read("", facts.files,
                memory=False)),
        ("  of it: describe and index, facts known", lambda: observer.look(facts, memory=False)),
        ("  of it: the loader's list in memory", loader_list),
        ("  of it: memory and bindings, facts known", lambda: observer.look(facts)),
        ("  of it: rules, maps only", lambda: judge(blind)),
        ("  of it: rules, with the memory", lambda: judge(view)),
        ("  of it: edges", lambda: edges_of(view)),
    ]  # fmt: skip
    lines = len(text.splitlines())
    print(f"{len(view.libraries)} objects, {lines} lines of maps, {len(facts.files)} with code")
    units = {
        "read": maps.read_bytes,
        "read and taken apart": lambda: parse_maps(maps.read_bytes()),
    }
    for name, unit in units.items():
        seconds = statistics.median(_once(unit) for _ in range(ROUNDS))
        print(f"{f'/proc/PID/maps, {name}':<44} {seconds * 1e3:9.2f} ms")
    print(f"{'cold, the cache is filled':<44} {cold * 1e3:9.2f} ms")
    for name, job in rows:
        measured = [_beside(unit, job) for unit in units.values()]
        ratios = " ".join(f"{ratio:7.2f} x" for _, ratio in measured)
        print(f"{name:<44} {measured[0][0] * 1e3:9.2f} ms {ratios}")


def _beside(unit: Callable[[], object], job: Callable[[], object]) -> tuple[float, float]:
    """The job's median time, and the median of its ratio to the unit before and after it."""
    seconds, ratios = [], []
    for _ in range(ROUNDS):
        before, taken, after = _once(unit), _once(job), _once(unit)
        seconds.append(taken)
        ratios.append(2 * taken / (before + after))
    return statistics.median(seconds), statistics.median(ratios)


def _once(job: Callable[[], object]) -> float:
    started = time.process_time()
    job()
    return time.process_time() - started


if __name__ == "__main__":
    main()
