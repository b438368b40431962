"""The index's check of an upload gives the vectors' answers, on the published epochs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from cxxrt_abi_tag_spec.conformance import VECTORS, Vector, load_vectors
from cxxrt_toolchain.abi.spec import load_spec

FILE = Path(__file__).parents[2] / "abi-tag-spec" / "patches" / "index_upload.py"
NAMES = [
    vector
    for vector in load_vectors(VECTORS)
    if vector.operation == "filename"
    and set(vector.input) == {"filename"}
    and not {"G-8", "G-9"} & set(vector.sentence)
]
REFUSED_FOR = {"T-1", "G-2", "G-4", "G-5"}
LOCAL = "linux_"

_spec = importlib.util.spec_from_file_location("index_upload", FILE)
assert _spec is not None
assert _spec.loader is not None
index_upload = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(index_upload)


@pytest.mark.parametrize("vector", NAMES, ids=lambda vector: vector.id)
def test_an_upload_is_refused_as_the_vectors_say(vector: Vector) -> None:
    """X-1; G-2a is about wheels that are not published."""
    name = vector.input["filename"]
    broken = REFUSED_FOR.intersection(vector.expected.get("rejected", ()))
    unpublished = f"-{LOCAL}" in name and vector.expected.get("runtime_abi") is not None
    assert (index_upload.refusal(name) is not None) == (bool(broken) or unpublished)


@pytest.mark.parametrize(
    ("ending", "words", "base"),
    [
        ("cp312-cxxrt1_cu12_cp312", ["Shared C++ runtime 1", "CUDA 12"], "cp312"),
        ("cp39-cxxrt1_abi3", ["Shared C++ runtime 1"], "abi3"),
        ("1-cp39-cxxrt1_abi3", ["Shared C++ runtime 1"], "abi3"),
        ("cp312-cp312", [], "cp312"),
    ],
)
def test_a_file_is_shown_with_its_runtime(ending: str, words: list[str], base: str) -> None:
    name = f"foo-1.0-{ending}-manylinux_2_28_x86_64.whl"
    assert index_upload.shown(name) == words
    assert index_upload.base_abi(ending.rpartition("-")[2]) == base


def test_the_epochs_are_the_published_ones() -> None:
    epochs = {e.number: (e.glibc_floor, set(e.architectures)) for e in load_spec().epochs}
    assert epochs == index_upload.EPOCHS
