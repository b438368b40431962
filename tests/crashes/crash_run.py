"""One run of a case in a process of its own, and what became of it.

In: a case and where it is installed. Out: an `Outcome`, in words that are the same in every run.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crash_builds import clean_environment

if TYPE_CHECKING:
    from crash_builds import Built
    from crash_case import Case

CHILD = Path(__file__).with_name("child.py")
WORKS = "works"
_LIMIT = 60
"""Seconds; a process that needs more hangs."""
_LAST_WORDS = re.compile(
    r"^(?:terminate called.*|  what\(\):.*|free\(\):.*|corrupted.*|.*Error #\d+.*)$", re.MULTILINE
)
_FOLDER = re.compile(r"(?:/[^/\s:']+)+/(?=[^/\s:']+)")
_REQUIRED_BY = re.compile(r" \(required by [^)]*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a process ended."""

    words: str
    """``works``, ``prints ...``, a signal's name or an exception, without anything of this run."""
    mapped: tuple[Path, ...]
    """Files, before the statement that ended it."""


def run_case(case: Case, built: Built) -> Outcome:
    """Run a case's lines once."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "mapped.json"
        command = [str(built.python), str(CHILD), str(report), case.use]
        try:
            done = subprocess.run(
                command,
                env={**clean_environment(), **dict(case.environment)},
                capture_output=True,
                text=True,
                timeout=_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(words="hangs", mapped=())
        mapped = json.loads(report.read_text()) if report.exists() else []
    return Outcome(words=_words(case, done), mapped=tuple(map(Path, mapped)))


def _words(case: Case, done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        said = [line.strip() for line in _LAST_WORDS.findall(done.stderr)]
        return ": ".join([signal.Signals(-done.returncode).name, *said])
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1]
        return _REQUIRED_BY.sub("", _FOLDER.sub("", last))
    printed = done.stdout.strip()
    return WORKS if printed == case.prints else f"prints {printed}"
