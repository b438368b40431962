"""Run a job in fresh processes and say how each ended; where it crashed, ask gdb where.

A job never inherits what changes the loader (``LD_*``, ``PYTHON*``); paths in results are below
site-packages, or file names where the library is the system's or the shared runtime's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
_LIMIT = 600
"""Seconds; generous, because the machine may be busy with other things."""
_FRAME = re.compile(r"^#(\d+)\s+(?:0x[0-9a-f]+ in )?(.*?)(?: (?:from|at) (\S+))?$")
_FRAMES = 8
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "USER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one process does."""

    python: Path
    steps: tuple[str, ...]
    open_first: tuple[Path, ...] = ()
    """Libraries that the process itself opens first, RTLD_GLOBAL."""
    preload: tuple[Path, ...] = ()
    """Libraries that the dynamic linker opens before the interpreter starts."""
    deepbind_last: bool = False
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one process ended."""

    kind: str
    """``ok``, ``wrong output``, ``error``, ``hang`` or the signal's name."""
    detail: str
    """What it printed last: the wrong output, the exception, libstdc++'s last words."""
    step: int
    """The step that was running, or the number of steps."""
    mapped: tuple[str, ...]
    """The runtime libraries before the last step that ran, or after it where all ran."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


def run_job(job: Job, prints: str) -> Outcome:
    """Run it once."""
    with tempfile.TemporaryDirectory() as folder:
        command, events = _command(job, Path(folder))
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_LIMIT,
                cwd=folder,
                env=_environ(job),
            )
        except subprocess.TimeoutExpired:
            step, mapped = _progress(events, job)
            return Outcome(kind="hang", detail="", step=step, mapped=mapped)
        step, mapped = _progress(events, job)
    printed = done.stdout.strip().splitlines()[-1:] or [""]
    kind, detail = "ok", ""
    if done.returncode < 0:
        kind, detail = signal.Signals(-done.returncode).name, _last_words(done.stderr)
    elif done.returncode:
        kind, detail = "error", _exception(done.stderr)
    elif prints and printed[0] != prints:
        kind, detail = "wrong output", printed[0]
    return Outcome(kind=kind, detail=_short(detail, job), step=step, mapped=mapped)


def backtrace(job: Job) -> tuple[str, ...]:
    """The innermost frames of the crash; empty where gdb is missing or nothing crashes."""
    if shutil.which("gdb") is None:
        return ()
    with tempfile.TemporaryDirectory() as folder:
        command, _ = _command(job, Path(folder))
        gdb = ["gdb", "-nx", "-q", "-batch", "-iex", "set auto-load off"]
        for each in ("debuginfod enabled off", "print frame-arguments none", "width 0"):
            gdb += ["-ex", f"set {each}"]
        gdb += ["-ex", "set startup-with-shell off", "-ex", "run", "-ex", f"bt {_FRAMES}"]
        try:
            done = subprocess.run(
                [*gdb, "--args", *command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_LIMIT * 2,
                cwd=folder,
                env=_environ(job),
            )
        except subprocess.TimeoutExpired:
            return ()
    return tuple(filter(None, (_frame(line) for line in done.stdout.splitlines())))


def _command(job: Job, folder: Path) -> tuple[list[str], Path]:
    description = {
        "steps": job.steps,
        "open_first": list(map(str, job.open_first)),
        "deepbind_last": job.deepbind_last,
        "local": job.local,
    }
    (folder / "job.json").write_text(json.dumps(description), encoding="utf-8")
    events = folder / "events"
    command = [str(job.python), "-s", "-W", "ignore", str(CHILD), str(folder / "job.json")]
    return [*command, str(events)], events


def _environ(job: Job) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key in _KEPT}
    if job.preload:
        kept["LD_PRELOAD"] = ":".join(map(str, job.preload))
    return {**kept, "TF_CPP_MIN_LOG_LEVEL": "2"}


def _progress(events: Path, job: Job) -> tuple[int, tuple[str, ...]]:
    lines = events.read_text(encoding="utf-8").splitlines() if events.is_file() else []
    done = [json.loads(line) for line in lines]
    step = sum("after" in each for each in done)
    mapped = done[-1]["mapped"] if done else []
    return step, tuple(sorted(_below_site(path, job) for path in mapped))


def _below_site(path: str, job: Job) -> str:
    site = f"{job.python.parents[1]}/"
    if path.startswith(site):
        return path.partition("/site-packages/")[2] or path.removeprefix(site)
    own = {str(each) for each in (*job.open_first, *job.preload)}
    return f"{'runtime' if path in own else 'system'}:{Path(path).name}"


def _last_words(text: str) -> str:
    """What libstdc++, glibc or an OpenMP runtime said before it called abort."""
    for line in text.splitlines():
        found = re.search(r"what\(\):\s*(.*)|(free\(\).*|malloc\(\).*|OMP: Error.*)", line)
        if found:
            return next(filter(None, found.groups()), "")
    return ""


def _exception(text: str) -> str:
    named = re.compile(r"^[\w.]*(?:Error|Exception|Warning)\b.*")
    lines = [line for line in text.splitlines() if named.match(line)]
    return lines[-1] if lines else (text.strip().splitlines() or [""])[-1]


def _short(text: str, job: Job) -> str:
    site = str(job.python.parents[1])
    without = re.sub(rf"{re.escape(site)}\S*/site-packages/", "", text)
    return re.sub(r"(?<![\w.])/(?:[^\s/:]+/)+", "", without)[:160]


def _frame(line: str) -> str:
    if not (found := _FRAME.match(line)):
        return ""
    number, call, where = found.groups()
    return f"#{number} {_plain(call)} ({Path(where or '?').name})"


def _plain(call: str) -> str:
    """The function's name without arguments and template arguments, which fill whole screens."""
    text = call.replace("(anonymous namespace)", "{anonymous}").replace("operator()", "operator{}")
    while (shorter := re.sub(r"<[^<>]*>", "", text)) != text:
        text = shorter
    return text.partition("(")[0].strip().rpartition(" ")[2][:80]
