"""Run the steps of a job in this process and write down how far it got. Python 3.6 and later.

``python child.py JOB EVENTS``: JOB is a JSON file (``steps``, ``open_first``, ``deepbind_last``,
``local``); EVENTS receives one JSON line after each step and one before the last, with the
runtime libraries that are mapped then. The process may die at any point; what was written stays.
"""

import ctypes
import faulthandler
import json
import os
import re
import sys

RUNTIME = re.compile(r"/(libstdc\+\+|libgcc_s|libgomp|libiomp5|libomp|libcudart|libc\+\+)[^/]*$")


def mapped() -> "list[str]":
    """Paths of the mapped C++, OpenMP and CUDA runtime libraries."""
    with open("/proc/self/maps") as stream:  # noqa: PTH123 - as little as possible is imported here
        fields = [line.split(None, 5) for line in stream]
    paths = {row[5].strip() for row in fields if len(row) == 6}
    return sorted(path for path in paths if RUNTIME.search(path))


def main() -> None:
    """Run the job that the command line names."""
    with open(sys.argv[1]) as stream:  # noqa: PTH123 - as above
        job = json.load(stream)
    events = open(sys.argv[2], "w")  # noqa: PTH123, SIM115 - stays open until the process dies

    def note(**event: object) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    faulthandler.enable()
    sys.argv[1:] = []
    sys.path[0] = ""
    for path in job["open_first"]:
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    if job["local"]:
        sys.setdlopenflags(os.RTLD_LAZY)
        sys.setdlopenflags = lambda _flags: None
    scope = {"__name__": "__main__"}
    last = len(job["steps"]) - 1
    for number, step in enumerate(job["steps"]):
        if number == last:
            note(before=number, mapped=mapped())
            if job["deepbind_last"]:
                sys.setdlopenflags(os.RTLD_NOW | os.RTLD_DEEPBIND)
        exec(step, scope)  # noqa: S102 - the job is the case's own code
        sys.stdout.flush()
        note(after=number, mapped=mapped())


if __name__ == "__main__":
    main()
