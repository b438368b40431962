"""What a survey costs, side by side in one run.

    python tests/bench/survey_speed.py WHEELS [PART...]

WHEELS is a folder of real wheels. Parts: names (requests, bytes and processor time of a wheel over
a loopback nginx, beside pip's lazy wheel), full (beside ``auditwheel show``), workers (one and
two), memory (of each process of a full survey), growth (1,000, 10,000 and 100,000 wheels: rows a
second and memory).
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "integration" / "survey"))

from servers import nginx, write_index
from survey_wheels import write

from cxxrt_toolchain.survey.index import Index
from cxxrt_toolchain.survey.refs import WheelRef, is_linux_wheel
from cxxrt_toolchain.survey.shard import Settings, survey

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIZES = (1_000, 10_000, 100_000)
_MOST_FOR_AUDITWHEEL = 10 << 20
_VERSIONS = 10
_RUN = [sys.executable, "-m", "cxxrt_toolchain", "survey"]


def names(wheels: Sequence[Path], folder: Path) -> None:
    """A wheel at the level names, and METADATA alone by pip's lazy wheel."""
    write_index(folder / "www", wheels)
    with nginx(folder) as server:
        client = Settings(level="names").client()
        index = Index(client, server.index)
        refs = [ref for page in index.pages(index.projects()) for ref in page.refs]
        start = time.process_time()
        rows = [survey(ref, "names", client)[0] for ref in refs]
        spent = time.process_time() - start
        count, size = len(rows), sum(ref.size or 0 for ref in refs)
        members = sum(row["members"] or 0 for row in rows) / count
        print(f"names: {count} wheels, {members:.0f} members each")
        print(f"  requests for a wheel  {sum(row['requests'] for row in rows) / count:.2f}")
        print(
            f"  bytes of the wheels   {100 * sum(row['bytes_read'] for row in rows) / size:.2f} %"
        )
        print(
            f"  processor time        {1000 * spent / count:.2f} ms: {count / spent:.0f} wheels/s"
        )
        before = len(server.requests())
        seconds = _lazy_wheels([ref.place for ref in refs])
        asked = len(server.requests()) - before
        print(f"pip's lazy wheel: {asked / count:.2f} requests, {1000 * seconds / count:.2f} ms")


def _lazy_wheels(urls: Sequence[str]) -> float:
    """Processor time of reading METADATA of each with pip's own functions."""
    text = """
import sys, time
from pip._internal.network.lazy_wheel import HTTPRangeRequestUnsupported, dist_from_wheel_url
from pip._internal.network.session import PipSession
session = PipSession()
start = time.process_time()
for url in sys.argv[1:]:
    dist_from_wheel_url(url.rsplit("/", 1)[1].split("-")[0], url, session)
print(time.process_time() - start)
"""
    done = subprocess.run(
        [sys.executable, "-c", text, *urls], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def full(wheels: Sequence[Path], _folder: Path) -> None:
    """The verdict with all facts, and what ``auditwheel show`` takes for the same wheels."""
    small = [path for path in wheels if path.stat().st_size < _MOST_FOR_AUDITWHEEL]
    start = time.process_time()
    for path in small:
        survey(WheelRef(filename=path.name, place=str(path)), "full", None)
    ours = time.process_time() - start
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for path in small:
        command = [sys.executable, "-m", "auditwheel", "show", str(path)]
        subprocess.run(command, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    theirs = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = sum(path.stat().st_size for path in small) / 1e6
    print(f"full: {len(small)} wheels, {size:.0f} MB")
    print(f"  survey {ours:.2f} s, auditwheel show {theirs:.2f} s: {theirs / ours:.1f} times")


def workers(wheels: Sequence[Path], folder: Path) -> None:
    """The same plan by one worker on one processor and by two on two."""
    source = folder / "wheels"
    source.mkdir()
    for path in wheels:
        if path.stat().st_size < 4 * _MOST_FOR_AUDITWHEEL:
            (source / path.name).symlink_to(path)
    times = []
    for jobs in (1, 2):
        rows = folder / f"rows{jobs}"
        seconds, memory = _surveyed(source, rows, "full", jobs, per=4)
        times.append(seconds)
        print(f"workers: {jobs} in {seconds:.1f} s, largest {memory:.0f} MB")
    print(f"  {times[0] / times[1]:.2f} times as fast")


def memory(wheels: Sequence[Path], folder: Path) -> None:
    """The most that a process of a full survey of all wheels has, by kind of memory.

    Anonymous memory is a process's own. Pages of files are the libraries that it maps and are
    shared and given back by the kernel, as is the cache of the wheels, which is in no process.
    """
    source = folder / "wheels"
    source.mkdir()
    for path in wheels:
        (source / path.name).symlink_to(path)
    rows = folder / "rows"
    plan = [*_RUN, "plan", str(source), "-o", str(rows), "--per", "4"]
    subprocess.run(plan, stdout=subprocess.DEVNULL, check=True)
    most: dict[str, int] = {}
    with subprocess.Popen([*_RUN, "run", str(rows), "--level", "full", "-j", "2"]) as run:
        while run.poll() is None:
            for pid in _below(run.pid):
                for kind, size in _resident(pid).items():
                    most[kind] = max(most.get(kind, 0), size)
            time.sleep(0.02)
    largest = max(path.stat().st_size for path in wheels)
    print(f"memory: {len(wheels)} wheels, largest {largest / 1e6:.0f} MB")
    print("  most of one process: " + ", ".join(f"{k} {v / 1000:.0f} MB" for k, v in most.items()))


def _below(pid: int) -> list[int]:
    """A process and its children."""
    with suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        return [pid, *(int(child) for task in tasks for child in task.read_text().split())]
    return []


def _resident(pid: int) -> dict[str, int]:
    """Kilobytes of a process by kind."""
    with suppress(OSError):
        text = Path(f"/proc/{pid}/status").read_text()
        return {k: int(v) for k, v in re.findall(r"^(Rss\w+|VmHWM):\s+(\d+)", text, re.MULTILINE)}
    return {}


def growth(_wheels: Sequence[Path], folder: Path) -> None:
    """Names of synthetic wheels: ten versions of each project, a runtime in every 20th."""
    for count in _SIZES:
        source = folder / f"many{count}"
        source.mkdir()
        for number in range(count // _VERSIONS):
            objects = {f"w{number}/a.so": os.urandom(300)}
            if number % 20 == 0:
                objects[f"w{number}.libs/libgomp-0a1b2c3d.so.1"] = b"x"
            one = write(source, f"w{number}", objects, version="0", requires=["numpy>=1.2"])
            for version in range(1, _VERSIONS):
                (source / one.name.replace("-0-", f"-{version}-")).hardlink_to(one)
        seconds, memory = _surveyed(source, folder / f"rows{count}", "names", 1, per=100)
        print(f"growth: {count} wheels, {count / seconds:.0f} a second, largest {memory:.0f} MB")
        seconds, memory = _cost([*_RUN, "report", str(folder / f"rows{count}")])
        print(f"  report in {seconds:.1f} s of processor time, {memory:.0f} MB")


def _cost(command: Sequence[str]) -> tuple[float, float]:
    """Processor time of a command on all cores, and megabytes of its largest process."""
    timed = ["/usr/bin/time", "-f", "%U %S %M", *command]
    done = subprocess.run(timed, capture_output=True, text=True, check=True)
    user, system, memory = map(float, done.stderr.split()[-3:])
    return user + system, memory / 1000


def _surveyed(source: Path, rows: Path, level: str, jobs: int, per: int) -> tuple[float, float]:
    """Seconds of `run`, and megabytes of its largest process."""
    plan = [*_RUN, "plan", str(source), "-o", str(rows), "--per", str(per)]
    subprocess.run(plan, stdout=subprocess.DEVNULL, check=True)
    run = [*_RUN, "run", str(rows), "--level", level, "-j", str(jobs)]
    cores = sorted(os.sched_getaffinity(0))[:jobs]
    start = time.monotonic()
    _, memory = _cost(["taskset", "-c", ",".join(map(str, cores)), *run])
    return time.monotonic() - start, memory


PARTS = {"names": names, "full": full, "workers": workers, "memory": memory, "growth": growth}

if __name__ == "__main__":
    real = sorted(each for each in Path(sys.argv[1]).glob("*.whl") if is_linux_wheel(each.name))
    for part in sys.argv[2:] or PARTS:
        with tempfile.TemporaryDirectory(dir=Path(sys.argv[1]).parent) as scratch:
            PARTS[part](real, Path(scratch))
