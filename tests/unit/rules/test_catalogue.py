"""The catalogue's preface: what its entries mean by M1 to M4."""

from __future__ import annotations

from cxxrt_toolchain.rules.catalogue import load_mechanisms


def test_the_mechanisms_have_a_sentence_each() -> None:
    found = load_mechanisms()
    assert list(found) == ["M1", "M2", "M3", "M4"]
    assert found["M2"].startswith("duplicated runtime: two copies of libstdc++")
    assert found["M2"].endswith("numbers.")
