"""``python -m cxxrt_toolchain``: the same as the ``cxxrt`` command."""

import os
import sys

from cxxrt_toolchain.cli import main


def _leave_working_folder() -> None:
    """Undo that ``-m`` makes what lies in the working directory importable."""
    try:
        working = os.getcwd()  # noqa: PTH109 - pathlib might come from there
    except OSError:  # it was deleted
        working = ""
    if sys.path[:1] in ([""], [working]):
        del sys.path[0]


if __name__ == "__main__":
    _leave_working_folder()
    sys.exit(main())
