"""Every normative sentence has its id and, unless it is marked, a vector."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from sentences import TEXT, Sentence, read_sentences

from cxxrt_abi_tag_spec import SPEC_VERSION
from cxxrt_abi_tag_spec.conformance import OPERATIONS, VECTORS, load_vectors
from cxxrt_toolchain.abi.spec import load_spec

SENTENCES = read_sentences()
SUITE = load_vectors(VECTORS)
COVERED = {name for vector in SUITE for name in vector.sentence}
RFC_2119 = re.compile(r"MUST( NOT)?|SHOULD( NOT)?|MAY")


def test_no_sentence_id_is_used_twice() -> None:
    assert [name for name, count in Counter(s.id for s in SENTENCES).items() if count > 1] == []


def test_the_ids_of_a_letter_stand_in_order_and_in_one_section() -> None:
    for letter in {sentence.id[0] for sentence in SENTENCES}:
        own = [sentence for sentence in SENTENCES if sentence.id.startswith(letter)]
        keys = [(int(s.id[2:].rstrip("abc")), s.id) for s in own]
        assert keys == sorted(keys), letter
        assert len({s.section for s in own}) == 1 or letter in "IX", letter


@pytest.mark.parametrize("sentence", [s for s in SENTENCES if s.testable], ids=lambda s: s.id)
def test_a_testable_sentence_has_a_vector(sentence: Sentence) -> None:
    assert sentence.id in COVERED


def test_a_sentence_that_is_marked_as_untestable_has_no_vector() -> None:
    assert sorted(s.id for s in SENTENCES if not s.testable and s.id in COVERED) == []


def test_vectors_name_only_sentences_that_exist() -> None:
    assert sorted(COVERED - {s.id for s in SENTENCES}) == []


def test_every_line_with_an_rfc_2119_word_is_a_sentence_or_says_what_the_words_mean() -> None:
    text = TEXT.read_text(encoding="utf-8").split("## 2. Terms")[1]
    numbered = " ".join(sentence.text for sentence in SENTENCES)
    loose = [
        line
        for line in text.splitlines()
        if RFC_2119.search(line) and " ".join(line.removeprefix("* ").split()[2:]) not in numbered
    ]
    assert loose == []


def test_the_suite_has_at_least_three_hundred_vectors_and_both_kinds_of_answer() -> None:
    assert len(SUITE) >= 300
    assert sum(vector.rejected for vector in SUITE) >= 100


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_has_vectors(operation: str) -> None:
    assert any(vector.operation == operation for vector in SUITE)


def test_the_operations_of_the_runner_are_the_documented_ones() -> None:
    table = (VECTORS / "README.md").read_text(encoding="utf-8").split("## Operations")[1]
    assert sorted(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == sorted(OPERATIONS)


def test_the_text_has_the_version_of_the_data() -> None:
    text = TEXT.read_text(encoding="utf-8")
    assert f"\nVersion {SPEC_VERSION}." in text
    assert f"\n* {SPEC_VERSION}:" in text.split("## Change history")[1]


def test_every_file_of_a_vector_exists_and_every_file_is_used() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in VECTORS.glob("*/*.json"))
    used = set(re.findall(r'"file": "([^"]+)"', text))
    assert used == {path.name for path in (VECTORS / "files").glob("*.so*")}


def test_every_schema_has_vectors_of_both_kinds() -> None:
    folder = TEXT.parent / "cxxrt_abi_tag_spec" / "schemas"
    asked = [v for v in SUITE if v.operation == "schema" and v.sentence != ("C-5",)]
    kinds = {(v.input["schema"], v.rejected) for v in asked}
    names = {path.name.removesuffix(".schema.json") for path in folder.glob("*.json")}
    assert kinds == {(name, rejected) for name in names for rejected in (False, True)}


def test_the_tables_of_the_text_say_what_the_data_say() -> None:
    text = TEXT.read_text(encoding="utf-8")
    spec = load_spec()
    for epoch in spec.epochs:
        floor = ".".join(map(str, epoch.glibc_floor))
        (row,) = re.findall(rf"^\| {epoch.number} \| `.+?` \| (.+) \|$", text, re.MULTILINE)
        stated = [set(cell.split(", ")) for cell in row.split(" | ")]
        majors = set(map(str, epoch.cuda_majors))
        assert stated == [{floor}, set(epoch.architectures), majors]
        for library in epoch.libraries:
            assert f"`{library.soname}`" in text
