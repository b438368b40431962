"""Fuzz every target in turn and say what it cost: ``python tests/fuzz/campaign.py DIR SECONDS``.

DIR holds the first corpus as `seeds.py` wrote it; ``DIR-work/<target>`` keeps what reached new
code, ``DIR-found/<target>`` what broke a promise. A target that stops, at a finding or after two
minutes, starts again until its SECONDS of processor time are used up. Prints a line per round, and
one per target.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_TARGETS = (
    *("elf", "archive", "texts", "flow"),
    *("environment", "channel", "cache", "arguments", "documents"),
)
_PULSE = re.compile(r"#(\d+)\s.*cov: (\d+) ft: (\d+) corp: (\d+)/")


def main() -> None:
    """One process at a time."""
    seeds, seconds = Path(sys.argv[1]), float(sys.argv[2])
    for target in sys.argv[3:] or _TARGETS:
        spent, runs, rounds = 0.0, 0, 0
        while spent < seconds:
            rounds += 1
            before = _processor_time()
            executions, reached = _fuzz(target, seeds)
            runs += executions
            spent += _processor_time() - before
            print(f"  {target} {spent:.0f} s, {runs} executions, {reached}", flush=True)
        found = len(list(Path(f"{seeds}-found", target).iterdir()))
        print(
            f"{target}: {runs} executions, {spent:.0f} s of processor time, {rounds} rounds, "
            f"{reached}, {found} findings",
            flush=True,
        )


def _fuzz(target: str, seeds: Path) -> tuple[int, str]:
    """One round: how often the target ran, and how far it has got."""
    work, found = (Path(f"{seeds}-{kind}", target) for kind in ("work", "found"))
    for folder in (work, found):
        folder.mkdir(parents=True, exist_ok=True)
    options = ["-max_total_time=120", "-timeout=60", "-rss_limit_mb=1024", "-max_len=8192"]
    options += [f"-artifact_prefix={found}/", "-report_slow_units=10"]
    command = [sys.executable, str(_HERE / "fuzz.py"), target, str(work), str(seeds / target)]
    done = subprocess.run([*command, *options], capture_output=True, check=False)
    said = done.stderr.decode("utf-8", "replace") + done.stdout.decode("utf-8", "replace")
    pulses = _PULSE.findall(said)
    if not pulses:
        raise SystemExit(f"{target} did not start:\n{said[-2000:]}")
    if done.returncode:
        sys.stderr.write(said[-2500:] + "\n")
    runs, edges, features, kept = pulses[-1]
    return int(runs), f"{edges} edges, {features} features, {kept} inputs kept"


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
