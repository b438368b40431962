"""The same work on many paths, shared out to forked processes.

In: paths, and a function from a path to one line of text or None. Out: the lines, in the order of
the paths. A helper that dies leaves its share to the caller, so the answer never depends on how
many there are. Forks, so the program must not have threads; the pool of the standard library does
the same and takes longer to import than most environments take to read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Work = Callable[[str], str | None]

_WORTH_IT = 64
"""Paths for each process; a fork takes as long as reading about a dozen objects."""


class _Helper(NamedTuple):
    process: int
    output: int
    """A file in memory, so that neither side waits for the other."""


def work_on(paths: Sequence[str], work: Work, workers: int) -> list[str | None]:
    """Do it with up to so many processes, this one included.

    Args:
        paths: What to work on.
        work: Gives a line without a line end; must not write anywhere.
        workers: At most so many processes.
    """
    count = max(1, min(workers, len(paths) // _WORTH_IT))
    size = -(-len(paths) // count) or 1  # neighbours together: the disk reads ahead
    shares = [paths[start : start + size] for start in range(0, len(paths), size)]
    helpers = [_start(share, work) for share in shares[1:]]
    lines = [work(path) for share in shares[:1] for path in share]
    for helper, share in zip(helpers, shares[1:], strict=True):
        lines += _finish(helper, share, work)
    return lines


def _start(share: Sequence[str], work: Work) -> _Helper:
    output = os.memfd_create("cxxrt-doctor")
    process = os.fork()
    if process:
        return _Helper(process, output)
    status = 1
    try:
        text = "".join(f"{'' if line is None else line}\n" for line in map(work, share))
        with os.fdopen(output, "wb", closefd=False) as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
        status = 0
    finally:
        os._exit(status)  # without the parent's exit handlers and buffers


def _finish(helper: _Helper, share: Sequence[str], work: Work) -> list[str | None]:
    _, status = os.waitpid(helper.process, 0)
    with os.fdopen(helper.output, "rb") as stream:
        stream.seek(0)
        lines = stream.read().decode("utf-8", "surrogateescape").split("\n")[:-1]
    if status or len(lines) != len(share):
        return [work(path) for path in share]
    return [line or None for line in lines]
