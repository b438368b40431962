"""Progress of a long run: one line per step with its time, on stderr."""

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO


@dataclass(slots=True, kw_only=True)
class Progress:
    """Prints a line when a step starts, and one with its time when it ends."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    quiet: bool = False
    _started: float = field(default_factory=time.monotonic)

    def _elapsed(self) -> str:
        return f"[{time.monotonic() - self._started:6.1f} s]"

    def note(self, text: str) -> None:
        """Print one line."""
        if not self.quiet:
            print(f"{self._elapsed()} {text}", file=self.stream, flush=True)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Print a line before the block, and one with its time after it."""
        self.note(f"{name} ...")
        begun = time.monotonic()
        yield
        self.note(f"{name}: {time.monotonic() - begun:.1f} s")
