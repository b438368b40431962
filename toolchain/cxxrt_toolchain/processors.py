"""How many processors there are to use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_most: ContextVar[int | None] = ContextVar("_most", default=None)


def usable_processors() -> int:
    """How many this process may use; all of the machine's where Python cannot tell.

    PyPy 7.3 has no ``sched_getaffinity``.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    found = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(found, _most.get() or found)


@contextmanager
def one_processor() -> Iterator[None]:
    """In the block, what this thread begins uses one: other processes use the others."""
    token = _most.set(1)
    try:
        yield
    finally:
        _most.reset(token)
