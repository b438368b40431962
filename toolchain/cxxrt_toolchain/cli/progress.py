"""Show on the last line of a terminal what a long command does, as long as it works."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress(*, wanted: bool) -> Iterator[Callable[[str], None]]:
    """A function that shows the line that it was given last on standard error, from any thread."""
    if not wanted or not sys.stderr.isatty():
        yield lambda _line: None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status("") as status:
        yield lambda line: status.update(escape(line))
