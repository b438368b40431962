"""Looking at many members: on all processors, in bounded memory, with results in order.

Inflating and hashing let other threads run, so two processors take about half the time. Large
members go first. What the streams of the members in work keep in memory is limited together: a
member that would exceed the limit waits, and one that exceeds it alone is looked at alone.
"""

from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Generic, Protocol, TypeVar

from cxxrt_toolchain.processors import usable_processors
from cxxrt_toolchain.wheel.stream import MOST_KEPT


class _Member(Protocol):
    """What a sweep must know of a member."""

    @property
    def size(self) -> int: ...


Member = TypeVar("Member", bound=_Member)
Found = TypeVar("Found")

_MOST_THREADS = 4
_WORTH_A_THREAD = 2 << 20
"""Bytes of all members together."""
_MOST_IN_FLIGHT = 96 << 20


def sweep(members: Sequence[Member], look: Callable[[Member], Found]) -> list[Found]:
    """What a function, called in any thread, says about each member.

    An error of the function ends the sweep. Where several members have errors, the caller gets the
    first member's, as if they had been looked at in order.
    """
    processors = usable_processors()
    worth_it = sum(member.size for member in members) >= _WORTH_A_THREAD
    threads = min(processors, _MOST_THREADS, len(members)) if worth_it else 1
    return _Sweep(members, look).run(threads)


class _Sweep(Generic[Member, Found]):
    """The state that the threads share."""

    def __init__(self, members: Sequence[Member], look: Callable[[Member], Found]) -> None:
        self._members = members
        self._look = look
        self._found: dict[int, Found] = {}
        self._errors: dict[int, Exception] = {}
        # The last is taken first: the largest, and of equal ones the first.
        self._waiting = sorted(range(len(members)), key=lambda at: (members[at].size, -at))
        self._in_flight = 0
        self._changed = Condition()

    def run(self, threads: int) -> list[Found]:
        helpers = [Thread(target=self._work) for _ in range(threads - 1)]
        for helper in helpers:
            helper.start()
        try:
            self._work()
        finally:
            self._waiting.clear()  # nothing is left, or the run was interrupted
            for helper in helpers:
                helper.join()
        if self._errors:
            raise self._errors[min(self._errors)]
        return [self._found[index] for index in range(len(self._members))]

    def _work(self) -> None:
        while (index := self._take()) is not None:
            self._look_at(index)

    def _look_at(self, index: int) -> None:
        try:
            self._found[index] = self._look(self._members[index])
        except Exception as error:  # noqa: BLE001 - `run` raises it in the caller's thread
            self._errors[index] = error
        finally:
            with self._changed:
                self._in_flight -= self._cost(index)
                self._changed.notify_all()

    def _take(self) -> int | None:
        """The largest member that there is room for; None where nothing is left to look at."""
        with self._changed:
            while self._waiting:
                for place in reversed(range(len(self._waiting))):
                    if self._fits(self._waiting[place]):
                        index = self._waiting.pop(place)
                        break
                else:
                    self._changed.wait()
                    continue
                if index < min(self._errors, default=len(self._members)):
                    self._in_flight += self._cost(index)
                    return index
            return None

    def _fits(self, index: int) -> bool:
        return not self._in_flight or self._in_flight + self._cost(index) <= _MOST_IN_FLIGHT

    def _cost(self, index: int) -> int:
        return min(self._members[index].size, MOST_KEPT)
