"""How far a survey is: one line of a terminal that changes, or a line now and then in a log."""

import sys
import time

_EVERY = 30.0
"""Seconds between two lines of a log."""


class Progress:
    """Counts wheels; says how many a second, and how long the rest takes."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._start = self._said = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def step(self, wheels: int) -> None:
        """So many more are done."""
        self._done += wheels
        now = time.monotonic()
        if self._terminal:
            self._say(f"\r{self.text(now)}\x1b[K")
        elif now - self._said >= _EVERY:
            self._said = now
            self._say(f"{self.text(now)}\n")

    def end(self) -> None:
        """Leave the line."""
        if self._terminal and self._done:
            self._say("\n")

    def text(self, now: float) -> str:
        """``1200 of 4000 wheels, 31.0/s, 1 min 30 s left``."""
        rate = self._done / max(now - self._start, 1e-9)
        left = round(max(0, self._total - self._done) / max(rate, 1e-9))
        minutes, seconds = divmod(left, 60)
        hours, minutes = divmod(minutes, 60)
        parts = [f"{hours} h"] if hours else []
        parts += [f"{minutes} min"] if minutes else []
        parts += [f"{seconds} s"] if not hours else []
        return f"{self._done} of {self._total} wheels, {rate:.1f}/s, {' '.join(parts)} left"

    def _say(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
