"""Every vector about tags, file names, environments and variants, answered in this process."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2] / "abi-tag-spec" / "vectors"


def _load_answers() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "answer_tags", Path(__file__).with_name("answer_tags.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ANSWERS = _load_answers()


def _vectors() -> list[tuple[str, dict[str, Any]]]:
    documents = [json.loads(path.read_text()) for path in sorted(ROOT.glob("*/*.json"))]
    return [
        (document["operation"], vector)
        for document in documents
        if document["operation"] in ANSWERS.OPERATIONS
        for vector in document["vectors"]
    ]


VECTORS = _vectors()


@pytest.mark.parametrize(("operation", "vector"), VECTORS, ids=[row["id"] for _, row in VECTORS])
def test_the_answer_is_the_expected_one(operation: str, vector: dict[str, Any]) -> None:
    assert ANSWERS.answer(operation, vector["input"]) == vector["expected"]


def test_every_operation_on_tags_has_vectors() -> None:
    assert {operation for operation, _ in VECTORS} == set(ANSWERS.OPERATIONS)


def test_the_grid_of_drivers_interpreters_glibcs_and_architectures_is_complete() -> None:
    grid = [row for _, row in VECTORS if row["id"].startswith("expand-") and "-glibc-" in row["id"]]
    assert len(grid) == 3 * 3 * 3 * 3


def test_a_format_vector_is_the_inverse_of_a_parse_vector() -> None:
    parsed = {row["input"]["abi"]: row["expected"] for op, row in VECTORS if op == "parse"}
    formatted = {row["expected"].get("abi"): row["input"] for op, row in VECTORS if op == "format"}
    for abi, parts in parsed.items():
        if "rejected" not in parts:
            assert formatted[abi] == parts
