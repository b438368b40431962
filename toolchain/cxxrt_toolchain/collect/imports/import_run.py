"""The run of imports in a child process, one module after the other: an `ImportRun`.

Each import is observed when it is done, or in the moment of the crash. Judges nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Generic

from cxxrt_toolchain.collect.imports.watched_child import AS_IS, Reply, Variant, WatchedChild
from cxxrt_toolchain.facts.imports.run import Attempt, ImportRun, Outcome, T, last_line
from cxxrt_toolchain.temporary import scratch_folder

if TYPE_CHECKING:
    from threading import Event as Signal

    from typing_extensions import Self


_MOST_FOR_THE_END = 20.0
"""Seconds; a program whose threads go on does not end by itself."""


def say_nothing(_line: str) -> None:
    """Do nothing with a line of progress."""


def run_imports(
    executable: str,
    modules: Sequence[str],
    *,
    timeout: float,
    observe: Callable[[int], T],
    variant: Variant = AS_IS,
    say: Callable[[str], None] = say_nothing,
) -> ImportRun[T]:
    """Import modules in a child process, up to the first that fails.

    `observe` looks at the process with the given id, which stands still meanwhile; `timeout` is in
    seconds for each import; the interpreter is Python 3.6 or newer.

    Raises:
        MissingToolError: The interpreter cannot be started.
        InputError: It ends before the first import.
    """
    with ImportSession(executable, timeout=timeout, observe=observe, variant=variant) as session:
        attempts: list[Attempt[T]] = []
        for module in modules:
            if attempts and attempts[-1].outcome is not Outcome.IMPORTED:
                attempts.append(Attempt(module=module, outcome=Outcome.NOT_REACHED))
                continue
            say(f"importing {module}")
            attempts.append(session.attempt(module))
        end = None
        if all(each.outcome is Outcome.IMPORTED for each in attempts):
            say("ending the process")
            end = session.leave()
        return ImportRun(
            attempts=tuple(attempts), before=session.before, noise=session.noise(), end=end
        )


class ImportSession(Generic[T]):
    """A child process that imports modules on request, for a ``with`` statement.

    `brief` says that only the outcome is needed; `stop` ends it early, by `watched_child.Stopped`.
    The other arguments are those of `run_imports`.
    """

    def __init__(
        self,
        executable: str,
        *,
        timeout: float,
        observe: Callable[[int], T],
        variant: Variant = AS_IS,
        brief: bool = False,
        stop: Signal | None = None,
    ) -> None:
        self._timeout = timeout
        self._observe = observe
        with ExitStack() as undo:
            folder = undo.enter_context(scratch_folder())
            self._child = WatchedChild(executable, variant, folder, brief=brief, stop=stop)
            undo.callback(self._child.end)
            self._child.start(timeout)
            self.before = observe(self._child.pid)
            self._end = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    def attempt(self, module: str) -> Attempt[T]:
        """Import one more module; not after one that failed."""
        started = time.monotonic()
        reply = self._child.order(module, self._timeout)
        seconds = time.monotonic() - started
        alive = reply.answer is not None or reply.crashing or reply.late
        seen = self._observe(self._child.pid) if alive else None
        if reply.answer is None:
            return replace(self._died(module, reply), seconds=seconds, seen=seen)
        return Attempt(
            module=module,
            outcome=Outcome(reply.answer["outcome"]),
            detail=reply.answer.get("detail", ""),
            causes=tuple(reply.answer.get("causes", ())),
            where=reply.answer.get("where", ""),
            missing=reply.answer.get("missing") or "",
            report=reply.answer.get("traceback", ""),
            words=self._child.last_words() if reply.answer["outcome"] == "exception" else (),
            events=self._child.events(),
            seconds=seconds,
            seen=seen,
        )

    def _died(self, module: str, reply: Reply) -> Attempt[T]:
        if reply.late:
            self._child.abort()  # faulthandler then says where it hangs
        report = self._child.report()
        return Attempt(
            module=module,
            outcome=Outcome.TIMED_OUT if reply.late else Outcome.CRASHED,
            detail=f"no end after {self._timeout:g} s" if reply.late else self._child.fate(),
            where=last_line(report),
            report=report,
            events=self._child.events(),
            site=reply.site,
            words=self._child.last_words(),
        )

    def leave(self) -> Attempt[T] | None:
        """Let the interpreter end; how it crashed, if it did. It is not waited for too long."""
        reply = self._child.leave(min(self._timeout, _MOST_FOR_THE_END))
        report = self._child.report() if reply.crashing else ""
        if not reply.crashing and (reply.late or not self._child.was_killed):
            return None
        return Attempt(
            module="",
            outcome=Outcome.CRASHED,
            detail=self._child.fate(),
            where=last_line(report),
            report=report,
            site=reply.site,
            words=self._child.last_words(),
        )

    def noise(self) -> str:
        """The end of what the modules printed so far."""
        return self._child.noise()
