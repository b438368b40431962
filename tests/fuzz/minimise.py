"""Pick the few inputs that are committed: ``python tests/fuzz/minimise.py TARGET OUT DIR...``.

Runs every small input of the folders through the target, notes which lines of the toolchain it
reaches, and copies the fewest that reach them all: greedily, smallest first where two are equal.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import targets

if TYPE_CHECKING:
    from types import FrameType

_LARGEST = 4096
_MOST = 16
_PACKAGE = "/cxxrt_toolchain/"


def main(name: str, out: Path, folders: list[Path]) -> None:
    """Write OUT/<hash>, one file per picked input."""
    contents = {path.read_bytes() for folder in folders for path in folder.iterdir()}
    reached = {
        content: _lines(name, content)
        for content in sorted(contents, key=lambda each: (len(each), each))
        if len(content) <= _LARGEST
    }
    covered: set[tuple[str, int]] = set()
    out.mkdir(parents=True, exist_ok=True)
    for _ in range(_MOST):
        best = max(reached, key=lambda content: len(reached[content] - covered))
        new = reached[best] - covered
        if not new:
            break
        covered |= new
        (out / hashlib.sha256(best).hexdigest()[:16]).write_bytes(best)
    print(f"{name}: {len(reached)} inputs, {len(list(out.iterdir()))} picked, {len(covered)} lines")


def _lines(name: str, content: bytes) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: object) -> object:
        if _PACKAGE not in frame.f_code.co_filename:
            return None
        if event == "line":
            found.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]  # it returns itself
    try:
        targets.TARGETS[name](content)
    finally:
        sys.settrace(None)
    return found


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), [Path(each) for each in sys.argv[3:]])
