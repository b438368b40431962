"""The committed corpus of the fuzzer: nothing but our own errors escapes, and none takes long."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import framing
import pytest
import targets

_CORPUS = Path(__file__).parents[1] / "data" / "fuzz"
_INPUTS = sorted(path for path in _CORPUS.glob("*/*") if path.is_file())
_SECONDS = 5.0
"""Of processor time; the slowest takes a fiftieth on a machine with other work."""
_MORE_MEMORY = 256 << 10
"""Kilobytes that all of them together may add to the process."""


@pytest.mark.parametrize("target", sorted(targets.TARGETS))
def test_nothing_but_our_own_errors_escapes(target: str) -> None:
    inputs = [path for path in _INPUTS if path.parent.name == target]
    assert inputs, f"tests/data/fuzz/{target} is empty"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in inputs:
        start = time.process_time()
        try:
            targets.TARGETS[target](path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{path} lets {error!r} escape") from error
        assert time.process_time() - start < _SECONDS, path
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < _MORE_MEMORY


def test_every_folder_of_the_corpus_has_its_target() -> None:
    assert {path.parent.name for path in _INPUTS} == set(targets.TARGETS)
    assert all(path.stat().st_size <= 4096 for path in _INPUTS)


def test_a_framing_decodes_to_what_was_encoded_and_never_fails() -> None:
    parts = [framing.Part(1, b"name", b"content"), framing.Part(0, b"", b"")]
    assert framing.decode(framing.encode(parts)) == parts
    whole = framing.encode(parts)
    for size in range(len(whole)):
        framing.decode(whole[:size])
