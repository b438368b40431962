"""The same work on many paths, shared out to forked processes.

Each process takes the next path from a queue, the largest files first, so that no process waits for
one that got them all. The caller does what a helper took and died of, so that the result never
depends on the number of helpers. Forks, so the program must not have threads; the pool of the
standard library does the same and takes longer to import than most environments take to read.
"""

import marshal
import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

_Value = TypeVar("_Value")
_WORTH_IT = 32
"""Paths for each process; a fork takes as long as reading about a dozen objects."""
_TICKET = struct.Struct("=I")
_MOST_TICKETS = 1024
"""One page of them; a pipe holds at least a page, so that writing all of them never waits
(pipe(7))."""


class _Helper(NamedTuple):
    process: int
    output: int
    """A file in memory, so that neither side waits for the other."""


def work_on(sizes: Mapping[str, int], work: Callable[[str], _Value], workers: int) -> list[_Value]:
    """The values of some paths, in their order.

    Args:
        sizes: The paths, and the size of each.
        work: Gives a value that `marshal` takes; must not write anywhere.
        workers: At most so many processes, this one included.
    """
    paths = list(sizes)
    count = max(1, min(workers, len(paths) // _WORTH_IT))
    if count == 1:
        return [work(path) for path in paths]
    order = sorted(range(len(paths)), key=lambda number: -sizes[paths[number]])
    queue = _filled(order)
    try:
        helpers = [_start(order, queue, paths, work) for _ in range(count - 1)]
        done = {number: work(paths[number]) for number in _taken(order, queue)}
        for helper in helpers:
            done |= _finish(helper)
    finally:
        os.close(queue)
    return [done[n] if n in done else work(path) for n, path in enumerate(paths)]


def _filled(order: Sequence[int]) -> int:
    queue, end = os.pipe()
    os.write(end, b"".join(map(_TICKET.pack, range(0, len(order), _piece(order)))))
    os.close(end)
    return queue


def _piece(order: Sequence[int]) -> int:
    return -(-len(order) // _MOST_TICKETS)


def _taken(order: Sequence[int], queue: int) -> Iterator[int]:
    size = _piece(order)
    while ticket := os.read(queue, _TICKET.size):
        (first,) = _TICKET.unpack(ticket)
        yield from order[first : first + size]


def _start(
    order: Sequence[int], queue: int, paths: Sequence[str], work: Callable[[str], object]
) -> _Helper:
    output = os.memfd_create("cxxrt-doctor")
    process = os.fork()
    if process:
        return _Helper(process, output)
    try:
        done = {number: work(paths[number]) for number in _taken(order, queue)}
        with os.fdopen(output, "wb", closefd=False) as stream:
            marshal.dump(done, stream)
    finally:
        os._exit(0)  # without the parent's exit handlers and buffers


def _finish(helper: _Helper) -> dict[int, Any]:
    """The values that it wrote, by number; empty if it died."""
    _, status = os.waitpid(helper.process, 0)
    with os.fdopen(helper.output, "rb") as stream:
        stream.seek(0)
        data = stream.read()
    done: dict[int, Any] = marshal.loads(data) if data and not status else {}  # noqa: S302 - ours
    return done
