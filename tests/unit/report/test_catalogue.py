"""The catalogue's preface: what its entries mean by M1 to M4."""

from __future__ import annotations

import re

from cxxrt_toolchain.report.catalogue import load_catalogue, load_mechanisms
from cxxrt_toolchain.rules.every import CATALOGUE

_EARLIER = re.compile(r"^Earlier ids: (?P<ids>.+)\.$", re.MULTILINE)


def test_declared_rules_have_the_titles_and_earlier_ids_of_the_text() -> None:
    entries = load_catalogue()
    for rule in CATALOGUE.values():
        entry = entries[rule.id]
        earlier = _EARLIER.search(entry.text)
        assert rule.title == entry.title
        assert rule.aliases == (tuple(earlier["ids"].split(", ")) if earlier else ())


def test_the_mechanisms_have_a_sentence_each() -> None:
    found = load_mechanisms()
    assert list(found) == ["M1", "M2", "M3", "M4"]
    assert found["M2"].startswith("duplicated runtime: two copies of libstdc++")
    assert found["M2"].endswith("numbers.")
