"""The golden verdicts against readelf, nm, c++filt and hashlib: `binutils` derives them anew.

What those tools cannot say is left to REVIEW.md, which somebody read: texts of static runtimes (H5,
H7), old strings (H11) and the tags (T6).
"""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

import binutils
import pytest
from test_corpus import VERDICTS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.network,
    pytest.mark.skipif(shutil.which("readelf") is None, reason="install binutils for readelf"),
]

_DERIVED = {
    *("H8", "H9", "H10", "H12", "H13", "H14", "H15"),
    *("P1", "P3", "P4", "P9", "W1", "W3", "W5"),
}


def test_binutils_come_to_the_same_verdict(wheel: Path) -> None:
    golden = VERDICTS[wheel.name]
    counts: Counter[str] = Counter()
    for name, count in golden["findings"].items():
        counts[name.partition("CXXRT-")[2]] += count
    assert binutils.second_opinion(wheel) == {
        "objects": golden["objects"],
        "glibc": golden["glibc"],
        "bundled": golden["bundled"],
        "findings": {rule: counts[rule] for rule in sorted(counts) if rule in _DERIVED},
    }
