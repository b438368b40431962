"""The outcomes of imports that are tried side by side in child processes.

As many run at a time as there are processors, in the order in which they were started; at the end
of the ``with`` statement those that still run are stopped. The process of a trial may be kept until
then, for another trial to continue in it.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.collect.imports.import_run import ImportSession, say_nothing
from cxxrt_toolchain.errors import ToolchainError
from cxxrt_toolchain.facts.imports import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from typing_extensions import Self

    from cxxrt_toolchain.collect.imports.watched_child import Variant

_WORKS = "works"


class Trial:
    """One trial: running, ended, or waiting for a processor."""

    def __init__(self, name: str, future: Future[_Ended], seen: list[tuple[str, str]]) -> None:
        self.name = name
        self._future = future
        self._seen = seen

    def works(self) -> bool:
        """Whether all imports succeed; waits for them, and notes down how it went."""
        ended = self._future.result()
        self._seen.append((self.name, ended.how))
        return ended.how == _WORKS

    @property
    def session(self) -> ImportSession[None] | None:
        """Its process, where it works and was kept."""
        return self._future.result().session


class _Ended(NamedTuple):
    """How a trial went, and its process where that still lives."""

    how: str
    session: ImportSession[None] | None = None


class Trials:
    """Runs trials, for a ``with`` statement; says what is being tried, whenever that changes."""

    def __init__(
        self, executable: str, *, timeout: float, say: Callable[[str], None] = say_nothing
    ) -> None:
        self._executable = executable
        self._timeout = timeout
        self._say = say
        self._stop = Event()
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
        self._lock = Lock()
        self._running: list[str] = []
        self._sessions: list[ImportSession[None]] = []
        self._seen: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)
        for session in self._sessions:
            session.__exit__()

    @property
    def seen(self) -> tuple[tuple[str, str], ...]:
        """The trials that were asked for their outcome: name and outcome."""
        return tuple(self._seen)

    def note(self, name: str, why: str) -> None:
        """Note down why something was not tried."""
        self._seen.append((name, why))

    def start(
        self, name: str, modules: Sequence[str], variant: Variant, *, keep: bool = False
    ) -> Trial:
        """Import modules in a process of their own.

        `keep` says whether another trial may go on in the process.
        """
        future = self._pool.submit(self._named, name, lambda: self._fresh(modules, variant, keep))
        return Trial(name, future, self._seen)

    def go_on(self, name: str, before: Trial, modules: Sequence[str]) -> Trial:
        """Import more modules in the process of a trial that worked."""
        session = before.session
        if session is None:
            raise ValueError(f"{before.name} has failed, or was not kept")
        future = self._pool.submit(self._named, name, lambda: _import(session, modules))
        return Trial(name, future, self._seen)

    def _named(self, name: str, work: Callable[[], _Ended]) -> _Ended:
        with self._lock:
            self._running.append(name)
            self._say(f"trying {', '.join(self._running)}")
        try:
            return work()
        finally:
            with self._lock:
                self._running.remove(name)

    def _fresh(self, modules: Sequence[str], variant: Variant, keep: bool) -> _Ended:
        try:
            session = ImportSession(
                self._executable,
                timeout=self._timeout,
                observe=_nothing,
                variant=variant,
                brief=True,
                stop=self._stop,
            )
        except ToolchainError as error:
            return _Ended(f"does not start: {error.message[:200]}")
        if keep:
            self._sessions.append(session)
            return _import(session, modules)
        with session:
            return _Ended(_import(session, modules).how)


def _import(session: ImportSession[None], modules: Sequence[str]) -> _Ended:
    for module in modules:
        attempt = session.attempt(module)
        if attempt.outcome is Outcome.TIMED_OUT:
            return _Ended("hangs")
        if attempt.outcome is not Outcome.IMPORTED:
            last = attempt.detail.splitlines()[-1][:200] if attempt.detail else "no reason"
            return _Ended(f"fails: {last}")
    return _Ended(_WORKS, session)


def _nothing(_pid: int) -> None:
    """No observation: only the outcome counts."""
