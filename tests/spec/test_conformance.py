"""The conformance runner, and the implementations that go through its door."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cxxrt_abi_tag_spec import conformance
from cxxrt_abi_tag_spec.conformance import ConformanceError, Outcome, Vector

ROOT = Path(__file__).parents[2]
JAVASCRIPT = ROOT / "abi-tag-spec" / "implementations" / "javascript" / "answer.mjs"
VECTOR = Vector(
    id="a", operation="parse", sentence=("T-1",), input={"abi": "x"}, expected={"rejected": ["T-1"]}
)

RESULT = Vector(id="a", operation="parse", sentence=("T-1",), input={}, expected={"epoch": 1})


def run(*command: str, options: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
    runner = (sys.executable, "-m", "cxxrt_abi_tag_spec.conformance", "--json")
    done = subprocess.run(
        [*runner, *options, "--", *command],
        capture_output=True,
        check=False,
        text=True,
        env={"PYTHONPATH": f"{ROOT / 'abi-tag-spec'}:{ROOT / 'toolchain'}", "PATH": ""},
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_this_implementation_passes_every_vector_through_the_door() -> None:
    code, report = run(sys.executable, str(Path(__file__).with_name("answer.py")))
    assert report["failures"] == []
    assert (code, report["unsupported"], report["passed"]) == (0, 0, report["vectors"])


def test_the_javascript_implementation_passes_every_operation_that_it_claims() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node 18 or newer (package nodejs)")
    claims_all_but_schemas(node, str(JAVASCRIPT))


def claims_all_but_schemas(*command: str) -> None:
    """Assert that an implementation passes; schemas alone it may leave to a library."""
    code, report = run(*command)
    assert report["failures"] == []
    assert code == 0
    schemas = sum(v.operation == "schema" for v in conformance.load_vectors(conformance.VECTORS))
    assert report["unsupported"] == schemas


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "null",
        "{",
        '{"id": "a"}',
        '{"id": "a", "operation": "parse", "input": NaN}',
        '{"id": "a", "operation": "parse", "input": {"abi": "\\ud800"}}',
        "[" * 100_000,
    ],
)
def test_the_doors_answer_what_is_no_question_and_the_next_one(line: str) -> None:
    good = json.dumps({"id": "b", "operation": "parse", "input": {"abi": "cxxrt1_cp312"}})
    node = shutil.which("node")
    doors = [[sys.executable, str(Path(__file__).with_name("answer.py"))]]
    for door in [*doors, [node, str(JAVASCRIPT)]] if node else doors:
        done = subprocess.run(
            [str(each) for each in door],
            input=f"{line}\n{good}\n",
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        *first, last = map(json.loads, done.stdout.splitlines())
        assert all(each == {"id": None, "answer": {"rejected": ["C-5"]}} for each in first)
        assert len(first) == bool(line)
        assert last["answer"] == {"base": "cp312", "epoch": 1, "cuda": None}


BROKEN = """
import json, sys
sys.path.insert(0, {folder!r})
import answer
for line in sys.stdin:
    vector = json.loads(line)
    operation, question = vector["operation"], vector["input"]
    found = answer.answer(operation, question)
    {fault}
    print(json.dumps({{"id": vector["id"], "answer": found}}))
"""
FAULTS = {
    "takes a mixed set for a good one": (
        "filename",
        'found = {"runtime_abi": "cxxrt1"} if found == {"rejected": ["G-4"]} else found',
        "G-4",
    ),
    "accepts leading zeros": (
        "parse",
        'found = {"base": "cp312", "epoch": 1, "cuda": None} if "01" in str(question) else found',
        "T-2",
    ),
    "prefers CUDA without a driver": ("order", 'found = {"wheels": found["wheels"][::-1]}', "O-5"),
    "loads a second libstdc++": (
        "loader",
        'found = json.loads(json.dumps(found).replace("promote", "load"))',
        "L-2",
    ),
    "bounds by the newest compiler": (
        "bounds",
        'found = {**found, "minimum": "1.14"} if "minimum" in found else found',
        "V-2",
    ),
    "forgets to look for copies": (
        "policy",
        'found = {"conforms": True} if found == {"rejected": ["P-2"]} else found',
        "P-2",
    ),
}
"""What is wrong: the operation, one line that makes it so, and a sentence that it breaks."""


@pytest.mark.parametrize("name", FAULTS)
def test_a_deliberately_broken_implementation_fails_with_the_sentence(
    name: str, tmp_path: Path
) -> None:
    operation, fault, sentence = FAULTS[name]
    program = tmp_path / "broken.py"
    program.write_text(BROKEN.format(folder=str(Path(__file__).parent), fault=fault))
    code, report = run(sys.executable, str(program), options=("--operation", operation))
    assert code == 1
    assert sentence in report["failed_sentences"]
    assert report["passed"] > 0


def test_the_text_report_names_the_sentence_and_both_answers() -> None:
    results = [conformance.judge(VECTOR, '{"id": "a", "answer": {"base": "cp312"}}')]
    text = conformance.render(conformance.summary(results))
    assert "FAILED a (parse; T-1)" in text
    assert 'expected {"rejected": ["T-1"]}\n  answered {"base": "cp312"}' in text
    assert "sentences not met: T-1" in text


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ('{"id": "a", "answer": {"rejected": ["T-1"]}}', Outcome.PASSED),
        ('{"id": "a", "answer": {"rejected": []}}', Outcome.PASSED),
        ('{"id": "a", "answer": {"rejected": ["T-2"]}}', Outcome.FAILED),
        ('{"id": "a", "answer": {"rejected": ["T-1", "T-2"]}}', Outcome.FAILED),
        ('{"id": "a", "answer": null}', Outcome.FAILED),
        ('{"id": "a"}', Outcome.FAILED),
        ('{"id": "b", "answer": {"rejected": ["T-1"]}}', Outcome.FAILED),
        ('{"id": "a", "unsupported": true}', Outcome.UNSUPPORTED),
        ("Traceback (most recent call last):", Outcome.FAILED),
        ("[]", Outcome.FAILED),
        (None, Outcome.FAILED),
    ],
)
def test_an_answer_is_judged_by_its_value_and_id(line: str | None, outcome: Outcome) -> None:
    assert conformance.judge(VECTOR, line).outcome is outcome


def test_a_result_may_not_be_answered_with_an_unnamed_rejection() -> None:
    vector = Vector(id="a", operation="parse", sentence=("T-1",), input={}, expected={"epoch": 1})
    assert (
        conformance.judge(vector, '{"id": "a", "answer": {"rejected": []}}').outcome
        is Outcome.FAILED
    )


def test_json_true_is_not_the_number_one() -> None:
    vector = Vector(id="a", operation="parse", sentence=("T-1",), input={}, expected={"epoch": 1})
    assert (
        conformance.judge(vector, '{"id": "a", "answer": {"epoch": true}}').outcome
        is Outcome.FAILED
    )


def test_a_file_is_sent_as_its_content(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(b"\x7fELF")
    vector = Vector(
        id="a",
        operation="policy",
        sentence=("P-1",),
        input={"objects": [{"name": "x", "elf": {"file": "x.so"}}]},
        expected={"conforms": True},
    )
    sent = json.loads(conformance.question(vector, tmp_path))
    assert sent["input"]["objects"] == [{"name": "x", "elf": {"base64": "f0VMRg=="}}]


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("valid", {"id": "No"}, "id is not of the form"),
        ("valid", {"sentence": []}, "not a list of ids"),
        ("valid", {"sentence": ["G4"]}, "not a list of ids"),
        ("valid", {"extra": 1}, "needs the keys"),
        ("valid", {"expected": {"rejected": ["T-1"]}}, "below invalid/"),
        ("invalid", {}, "below invalid/"),
        ("invalid", {"expected": {"rejected": []}}, "names no sentence"),
    ],
)
def test_a_vector_that_breaks_the_format_is_refused(
    kind: str, change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    row = {"id": "a", "sentence": ["T-1"], "input": {}, "expected": {"epoch": 1}, **change}
    write(tmp_path / kind / "parse.json", {"operation": "parse", "vectors": [row]})
    with pytest.raises(ConformanceError, match=message):
        conformance.load_vectors(tmp_path)


def test_two_vectors_may_not_share_an_id(tmp_path: Path) -> None:
    row = {"id": "a", "sentence": ["T-1"], "input": {}, "expected": {"epoch": 1}}
    write(tmp_path / "valid" / "parse.json", {"operation": "parse", "vectors": [row, row]})
    with pytest.raises(ConformanceError, match="more than once: a"):
        conformance.load_vectors(tmp_path)


@pytest.mark.parametrize(
    "document", [[], {"operation": "parse"}, {"operation": "no", "vectors": []}]
)
def test_a_file_that_is_no_vector_file_is_refused(document: object, tmp_path: Path) -> None:
    write(tmp_path / "valid" / "parse.json", document)
    with pytest.raises(ConformanceError):
        conformance.load_vectors(tmp_path)


def test_a_command_that_cannot_be_started_is_one_line_and_exit_code_two(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert conformance.main(["--", "no-such-program-here"]) == 2
    assert capsys.readouterr().err.startswith("conformance: no-such-program-here: ")


def test_a_folder_without_vectors_is_exit_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conformance.main(["--vectors", str(tmp_path), "--", "true"]) == 2
    assert "no vectors" in capsys.readouterr().err


def test_an_implementation_that_claims_nothing_does_not_pass(tmp_path: Path) -> None:
    program = tmp_path / "none.py"
    program.write_text(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps({'id': json.loads(line)['id'], 'unsupported': True}))\n"
    )
    code, report = run(sys.executable, str(program), options=("--operation", "parse"))
    assert (code, report["passed"], report["failed"]) == (1, 0, 0)
    assert report["unsupported"] == report["vectors"]


def write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document), encoding="utf-8")
