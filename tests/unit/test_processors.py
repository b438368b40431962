"""How many threads are worth it, also where Python cannot say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cxxrt_toolchain.processors import usable_processors

if TYPE_CHECKING:
    import pytest


def test_it_is_what_this_process_may_use() -> None:
    assert usable_processors() == len(os.sched_getaffinity(0))


def test_a_python_without_affinities_counts_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyPy 7.3."""
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_processors() == os.cpu_count()
