"""The child process that imports: started, given orders, watched, stopped at a crash.

The child (`import_child`) stands still between two imports. It also stands still when it crashes:
faulthandler writes its report into a pipe that is full but for a few bytes, so the process stops in
the middle of the report, with everything still in place, until `report` drains the pipe. What the
modules print goes to a file; `end` kills what is left of the process group.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import select
import signal
import struct
import subprocess
import termios
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.collect.imports.channel import fifo, parse_answer, signal_name
from cxxrt_toolchain.collect.imports.crash_site import find_crash_site
from cxxrt_toolchain.errors import InputError, MissingToolError
from cxxrt_toolchain.facts.imports.run import CrashSite, Event, parse_trace
from cxxrt_toolchain.wording import printable

if TYPE_CHECKING:
    from threading import Event as Signal


_CHILD = Path(__file__).with_name("import_child.py")
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ, which the module fcntl names from Python 3.10 on
_FIRST_WORDS = len("Fatal Python error: ")
"""faulthandler's first write; the second one no longer fits into the pipe."""
_TICK = 0.02
_GRACE = 10.0
"""Seconds for a child to write its report and die."""
_TAIL = 4000
_MOST_NOISE = 1 << 24
_LONGEST = 1 << 20
"""Bytes of an answer."""
_ABOVE = 4096  # the usual limit of open files is 1024
_LAST_LINES, _LONGEST_LINE = 5, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The changes to the imports as the user does them."""

    preload: tuple[str, ...] = ()
    """Libraries that are loaded RTLD_GLOBAL before anything else."""
    flags: tuple[tuple[str, int], ...] = ()
    """dlopen flags that are added while a module is imported."""
    environ: tuple[tuple[str, str], ...] = ()
    """Variables that the process starts with, in place of ours."""
    own_registries: bool = False
    """Whether each module gets a registry of pybind11's and nanobind's of its own."""


AS_IS = Variant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The end of an order: an answer, a crash or the time limit; if none, the process is gone."""

    answer: dict[str, Any] | None = None
    crashing: bool = False
    """It stands still in the middle of its crash report."""
    site: CrashSite | None = None
    """Where, if that can be found out."""
    late: bool = False
    """The time limit is over, and it still runs."""


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The experiment was cancelled."""


class WatchedChild:
    """The running child, until `end`; it keeps its files in a folder.

    `brief` says that only its end is needed: no trace of the loader, no place of a crash. Once
    `stop` is set, waiting raises `Stopped`.
    """

    def __init__(
        self,
        executable: str,
        variant: Variant,
        folder: Path,
        *,
        brief: bool = False,
        stop: Signal | None = None,
    ) -> None:
        self._executable = executable
        self._folder = folder
        self._brief = brief
        self._stop = stop
        self._trace_read = 0
        # Apart, because a process that ends itself writes out its stdout after its last words.
        self._noise = (folder / "noise").open("ab")
        self._output = (folder / "output").open("ab")
        self._heard = {"noise": 0, "output": 0}
        self._orders, self._answers, self._faults = (
            fifo(folder / name) for name in ("orders", "answers", "faults")
        )
        size = fcntl.fcntl(self._faults, _SET_PIPE_SIZE, os.sysconf("SC_PAGESIZE"))
        # So many bytes of the fault pipe only fill it.
        self._filled = os.write(self._faults, b"\0" * (size - _FIRST_WORDS))
        # The child's descriptor of its end of that pipe.
        self._reported = _ABOVE + secrets.randbelow(_ABOVE)
        self._question = secrets.token_hex(8)
        self._line = b""
        self._patience = _GRACE
        options = {
            "folder": str(folder),
            "question": self._question,
            "descriptor": self._reported,
            "preload": variant.preload,
            "flags": dict(variant.flags),
            "own_registries": variant.own_registries,
        }
        trace = {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(folder / "trace")}
        try:
            self._process = subprocess.Popen(
                [executable, "-X", "faulthandler", str(_CHILD), json.dumps(options)],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._noise,
                env=os.environ | ({} if brief else trace) | dict(variant.environ),
                start_new_session=True,
            )
        except OSError as error:
            self._close()
            raise MissingToolError(f"Cannot run {executable}: {error.strerror}.") from error

    @property
    def was_killed(self) -> bool:
        """Whether a signal has ended it."""
        return (self._process.poll() or 0) < 0

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def start(self, timeout: float) -> None:
        """Wait until it is ready; raises `InputError` if it does not become so."""
        reply = self._wait(timeout)
        if reply.answer is None:
            if reply.crashing:
                self.report()
            how = f"no answer in {timeout:g} s" if reply.late else self.fate()
            raise InputError(
                f"{self._executable} could not start the imports ({how}): "
                f"{self.noise()[-2000:].strip() or 'it wrote nothing'}",
                "It has to be Python 3.6 or newer; its *.pth files and sitecustomize run first.",
            )
        self._reported = reply.answer.get("descriptor", self._reported)
        self.events()

    def order(self, module: str, timeout: float) -> Reply:
        """Have it import one module."""
        self._send(module)
        return self._wait(timeout)

    def _send(self, module: str | None) -> None:
        self._heard = {name: (self._folder / name).stat().st_size for name in self._heard}
        self._question = secrets.token_hex(8)
        order = {"question": self._question, "module": module}
        with suppress(BlockingIOError):  # it has died since; waiting says how
            os.write(self._orders, json.dumps(order).encode() + b"\n")

    def leave(self, timeout: float) -> Reply:
        """Have it end as programs do, with exit handlers; ``late`` if it has not ended in time."""
        self._send(None)
        deadline = time.monotonic() + timeout
        while self._alive() and time.monotonic() < deadline:
            if self._waiting_bytes() > self._filled:
                return Reply(crashing=True, site=self._site())
            time.sleep(_TICK / 4)
        self._patience = 0.0
        return Reply(late=self._alive())

    def abort(self) -> None:
        """Make it crash where it is, with a report."""
        self._patience = 0.0
        self._signal(signal.SIGABRT)
        self._signal(signal.SIGCONT)

    def fate(self) -> str:
        """How it ended: the signal's name or the exit code."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        return signal_name(self._process.poll())

    def noise(self) -> str:
        """The end of what it printed, that on stderr last."""
        return self._end_of("output", 0) + self._end_of("noise", 0)

    def last_words(self) -> tuple[str, ...]:
        """The last lines that it wrote to stderr since the last order; if none, those to stdout."""
        for name in ("noise", "output"):
            lines = self._end_of(name, self._heard[name]).splitlines()
            if said := [printable(line.strip())[:_LONGEST_LINE] for line in lines if line.strip()]:
                return tuple(said[-_LAST_LINES:])
        return ()

    def _end_of(self, name: str, start: int) -> str:
        with (self._folder / name).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(start if start <= size else 0, size - _TAIL))
            return file.read(_TAIL).decode("utf-8", "replace")

    def end(self) -> None:
        """End it and its process group: by itself if it does so in time, else killed."""
        self._close()
        stopped = self._stop is not None and self._stop.is_set()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self._patience if self._alive() and not stopped else 0)
        self._signal(signal.SIGKILL, group=True)
        self._process.wait()

    def _close(self) -> None:
        for descriptor in (self._orders, self._answers, self._faults):
            os.close(descriptor)
        self._noise.close()
        self._output.close()

    def _alive(self) -> bool:
        return self._process.poll() is None

    def _signal(self, number: signal.Signals, *, group: bool = False) -> None:
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self._process.pid, number)

    def _wait(self, timeout: float) -> Reply:
        """Wait for a line, the beginning of a crash report, the end of the process or the time."""
        deadline = time.monotonic() + timeout
        while True:
            if self._stop is not None and self._stop.is_set():
                raise Stopped
            ready, _, _ = select.select([self._answers], [], [], _TICK)
            if ready:
                *lines, rest = (self._line + os.read(self._answers, 1 << 16)).split(b"\n")
                self._line = rest if len(rest) < _LONGEST else b""
                answers = [parse_answer(line, self._question) for line in lines]
                if answer := next(filter(None, answers), None):
                    return Reply(answer=answer)
            if self._waiting_bytes() > self._filled:
                return Reply(crashing=True, site=self._site())
            for file in (self._noise, self._output):
                if os.fstat(file.fileno()).st_size > _MOST_NOISE:
                    file.truncate(0)
            alive = self._alive()
            if not alive or time.monotonic() > deadline:
                return Reply(late=alive)

    def _site(self) -> CrashSite | None:
        return None if self._brief else find_crash_site(self._process.pid, self._reported)

    def _waiting_bytes(self) -> int:
        answer = fcntl.ioctl(self._faults, termios.FIONREAD, b"\0" * 4)
        count: int = struct.unpack("i", answer)[0]
        return count

    def report(self) -> str:
        """Take the crash report out of the pipe, so that the process can finish it and die."""
        deadline = time.monotonic() + _GRACE
        data = b""
        while time.monotonic() < deadline:
            ended = not self._alive()
            try:
                piece = os.read(self._faults, 1 << 16)
            except BlockingIOError:
                piece = b""
            data += piece
            if ended and not piece:
                break
            if not piece:
                time.sleep(_TICK / 4)
        return data[self._filled :].decode("utf-8", "replace")

    def events(self) -> tuple[Event, ...]:
        """The events that the loader has written since the last call."""
        try:
            with (self._folder / f"trace.{self._process.pid}").open("rb") as file:
                file.seek(self._trace_read)
                data = file.read()
        except FileNotFoundError:  # not glibc
            return ()
        self._trace_read += len(data)
        return parse_trace(data.decode("utf-8", "surrogateescape"))
