"""What the tests of collectors share."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.collect import store


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store keep values of files that were made a moment ago, as tests' are."""
    monkeypatch.setattr(store, "_SETTLED", -1)
