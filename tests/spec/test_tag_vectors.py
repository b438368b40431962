"""The vectors about tags belong together; ``test_conformance.py`` has them answered."""

from __future__ import annotations

from cxxrt_abi_tag_spec.conformance import VECTORS, load_vectors

SUITE = load_vectors(VECTORS)


def test_the_grid_of_drivers_interpreters_glibcs_and_architectures_is_complete() -> None:
    grid = [v for v in SUITE if v.id.startswith("expand-") and "-glibc-" in v.id]
    assert len(grid) == 3 * 3 * 3 * 3


def test_a_format_vector_is_the_inverse_of_a_parse_vector() -> None:
    formatted = {v.expected.get("abi"): v.input for v in SUITE if v.operation == "format"}
    for vector in SUITE:
        if vector.operation == "parse" and not vector.rejected:
            assert formatted[vector.input["abi"]] == vector.expected
