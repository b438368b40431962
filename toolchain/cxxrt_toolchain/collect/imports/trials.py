"""The outcomes of imports that are tried side by side in child processes.

As many run at a time as there are processors, in the order in which they were started; at the end
of the ``with`` statement those that still run are stopped. The process of a trial may be kept until
then, for another trial to continue in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from cxxrt_toolchain.collect.imports.import_run import ImportSession, say_nothing
from cxxrt_toolchain.collect.imports.watched_child import AS_IS, Variant
from cxxrt_toolchain.errors import ToolchainError
from cxxrt_toolchain.facts.imports.run import Attempt, Outcome
from cxxrt_toolchain.facts.imports.trials import Change, Ending, Trial
from cxxrt_toolchain.processors import usable_processors

if TYPE_CHECKING:
    from typing_extensions import Self


class Running:
    """One trial: running, ended, or waiting for a processor."""

    def __init__(
        self,
        change: Change,
        name: str,
        future: Future[_Ended],
        seen: dict[str, Trial],
        library: str = "",
    ) -> None:
        self.name = name
        self._library = library
        self._change = change
        self._future = future
        self._seen = seen

    def ending(self) -> Ending:
        """How the imports end; waits for them, and notes it down."""
        ended = self._future.result()
        self._seen[self.name] = Trial(
            self._change, self.name, ended.how, ended.ending, self._library
        )
        return ended.ending

    def works(self) -> bool:
        """Whether all imports succeed."""
        return self.ending() is Ending.WORKS

    @property
    def session(self) -> ImportSession[None] | None:
        """Its process, where it works and was kept."""
        return self._future.result().session


class _Ended(NamedTuple):
    """How a trial went, and its process where that still lives."""

    ending: Ending
    how: str
    session: ImportSession[None] | None = None


class Trials:
    """Runs trials, for a ``with`` statement; says what is being tried, whenever that changes.

    Each is compared with `failure`. Where that is a crash at exit, each trial ends its process.
    """

    def __init__(
        self,
        executable: str,
        failure: Attempt[Any],
        *,
        timeout: float,
        say: Callable[[str], None] = say_nothing,
    ) -> None:
        self._executable = executable
        self._way = failure.way
        self._at_exit = not failure.module
        self._timeout = timeout
        self._say = say
        self._stop = Event()
        self._pool = ThreadPoolExecutor(usable_processors())
        self._lock = Lock()
        self._running: list[str] = []
        self._sessions: list[ImportSession[None]] = []
        self._seen: dict[str, Trial] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)
        for session in self._sessions:
            session.__exit__()

    @property
    def seen(self) -> tuple[Trial, ...]:
        """The trials that were asked for their ending, in that order."""
        return tuple(self._seen.values())

    def note(self, change: Change, name: str, why: str) -> None:
        """Note down why something was not tried."""
        self._seen[name] = Trial(change, name, f"not tried: {why}", None)

    def start(
        self,
        change: Change,
        name: str,
        modules: Sequence[str],
        variant: Variant = AS_IS,
        *,
        keep: bool = False,
    ) -> Running:
        """Import modules in a process of their own.

        `keep` says whether another trial may go on in the process.
        """
        keep = keep and not self._at_exit
        future = self._pool.submit(self._named, name, lambda: self._fresh(modules, variant, keep))
        library = (variant.preload or tuple(dict(variant.environ).values()) or ("",))[-1]
        return Running(change, name, future, self._seen, library)

    def go_on(self, change: Change, name: str, before: Running, modules: Sequence[str]) -> Running:
        """Import more modules in the process of a trial that worked."""
        session = before.session
        if session is None:
            raise ValueError(f"{before.name} has failed, or was not kept")
        future = self._pool.submit(self._named, name, lambda: self._import(session, modules))
        return Running(change, name, future, self._seen)

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
            return _Ended(Ending.OTHER, f"does not start: {error.message[:200]}")
        if keep:
            self._sessions.append(session)
            return self._import(session, modules)
        with session:
            return self._import(session, modules)._replace(session=None)

    def _import(self, session: ImportSession[None], modules: Sequence[str]) -> _Ended:
        for module in modules:
            attempt = session.attempt(module)
            if attempt.outcome is not Outcome.IMPORTED:
                return self._failed(attempt)
        end = session.leave() if self._at_exit else None
        return self._failed(end) if end else _Ended(Ending.WORKS, "works", session)

    def _failed(self, attempt: Attempt[None]) -> _Ended:
        same = attempt.way == self._way
        last = attempt.detail.splitlines()[-1][:200] if attempt.detail else "no reason"
        if not same and attempt.words and attempt.outcome is Outcome.CRASHED:
            last += f" ({attempt.words[-1]})"
        how = "fails" if same else "fails in another way"
        return _Ended(Ending.SAME if same else Ending.OTHER, f"{how}: {last}")


def _nothing(_pid: int) -> None:
    """No observation: only the outcome counts."""
