"""The corpus of real wheels, and this folder's own modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cxxrt_toolchain.runtime.cache import find_cache

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def corpus_cache() -> Path:
    """Where fetched wheels stay between runs."""
    return find_cache(None, os.environ).downloads / "corpus"
