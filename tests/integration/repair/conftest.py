"""Real wheels for repairs, through the audit's corpus."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cxxrt_toolchain.runtime.cache import find_cache

sys.path.insert(0, str(Path(__file__).parents[1] / "audit"))

CorpusWheels = Callable[..., list[Path]]


@pytest.fixture(scope="session")
def corpus_wheels() -> CorpusWheels:
    """Paths of corpus wheels by the beginning of their file names; skips where one is missing."""
    import corpus  # noqa: PLC0415 - the other folder's module, on the path only from here on

    cache = find_cache(None, os.environ).downloads / "corpus"

    def get(*starts: str) -> list[Path]:
        found = []
        for start in starts:
            row = next(each for each in corpus.load_corpus() if each.filename.startswith(start))
            path = corpus.fetch(row, cache)
            if path is None:
                pytest.skip(f"pip cannot get {row.filename}: it needs a package index that has it")
            found.append(path)
        return found

    return get
