"""What passes between us and the child that imports: named pipes, answers, the way it ends."""

import json
import os
import signal
from pathlib import Path
from typing import Any

_TEXTS = ("detail", "where", "missing", "traceback")


def parse_answer(line: bytes, question: str) -> dict[str, Any] | None:
    """The answer to a question; None for whatever else a module may have written there."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("question") != question:
        return None
    causes = found.get("causes", [])
    texts = [*(found.get(key, "") for key in _TEXTS), *(causes if type(causes) is list else (0,))]
    known = found.get("outcome") in ("ready", "imported", "exception")
    whole = known and isinstance(found.get("descriptor", 0), int)
    return found if whole and all(isinstance(each, str) for each in texts) else None


def fifo(path: Path) -> int:
    """A new FIFO, open at both ends, so that neither side waits for the other to open it."""
    os.mkfifo(path, 0o600)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK)


def signal_name(status: int | None) -> str:
    """How a process ended, by the status that `subprocess` gives: ``SIGSEGV``, ``exit 3``."""
    if status is None:
        return "killed"
    if status >= 0:
        return f"exit {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
