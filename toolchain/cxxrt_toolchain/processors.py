"""How many processors there are to use."""

import os


def usable_processors() -> int:
    """How many this process may use; all of the machine's where Python cannot tell.

    PyPy 7.3 has no ``sched_getaffinity``.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
