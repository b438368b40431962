"""Real wheels for repairs, through the audit's corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import corpus
import pytest

CorpusWheels = Callable[..., list[Path]]


@pytest.fixture(scope="session")
def corpus_wheels(corpus_cache: Path) -> CorpusWheels:
    """Paths of corpus wheels by the beginning of their file names; skips where one is missing."""

    def get(*starts: str) -> list[Path]:
        found = []
        for start in starts:
            row = next(each for each in corpus.load_corpus() if each.filename.startswith(start))
            path = corpus.fetch(row, corpus_cache)
            if path is None:
                pytest.skip(f"pip cannot get {row.filename}: it needs a package index that has it")
            found.append(path)
        return found

    return get
