"""Show on the last line of a terminal what a long command does.

In: whether to show it. Out: a function that takes a line. Writes to standard error, and only
where that is a terminal; the line is gone when the work is done.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress(*, wanted: bool) -> Iterator[Callable[[str], None]]:
    """Show the line that was given last; may be called from any thread.

    Args:
        wanted: False, if the output is for a program.
    """
    if not wanted or not sys.stderr.isatty():
        yield lambda _line: None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status("") as status:
        yield lambda line: status.update(escape(line))
