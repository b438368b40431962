"""The wheels of the corpus, one test each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import corpus
import pytest

if TYPE_CHECKING:
    from pathlib import Path

_LARGE = 40_000_000
"""Bytes; larger wheels only with CXXRT_LARGE_CORPUS=1, because they are 2 GB together."""


@pytest.fixture(params=corpus.load_corpus(), ids=lambda row: f"{row.name}-{row.version}")
def wheel(request: pytest.FixtureRequest, corpus_cache: Path) -> Path:
    """A wheel of the corpus; skips where it is large or cannot be had."""
    row: corpus.CorpusWheel = request.param
    if row.size > _LARGE and not os.environ.get("CXXRT_LARGE_CORPUS"):
        pytest.skip(f"{row.size >> 20} MB: set CXXRT_LARGE_CORPUS=1 to fetch it")
    path = corpus.fetch(row, corpus_cache)
    if path is None:
        pytest.skip(f"pip cannot get {row.filename}: it needs a package index that has it")
    return path
