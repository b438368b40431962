"""The implementations give one answer to mutated questions, too."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from differential import differences, questions

IMPLEMENTATIONS = Path(__file__).parents[2] / "abi-tag-spec" / "implementations"
SEED = 17
QUICK, LONG = 300, 100_000


@pytest.fixture(scope="module", params=["javascript", "rust"])
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """How another implementation is asked."""
    if request.param == "javascript":
        if shutil.which("node") is None:
            pytest.skip("needs node 18 or newer (package nodejs)")
        return ["node", str(IMPLEMENTATIONS / "javascript" / "answer.mjs")]
    if shutil.which("cargo") is None:
        pytest.skip("needs cargo (rustup, or package cargo)")
    target = tmp_path_factory.mktemp("target")
    manifest = IMPLEMENTATIONS / "rust" / "Cargo.toml"
    options = ["--release", "--offline", "--locked", "--target-dir", str(target)]
    subprocess.run(["cargo", "build", "-q", *options, "--manifest-path", str(manifest)], check=True)
    return [str(target / "release" / "answer"), str(IMPLEMENTATIONS.parent)]


@pytest.mark.parametrize(
    "count", [QUICK, pytest.param(LONG, marks=pytest.mark.fuzz)], ids=["quick", "long"]
)
def test_mutated_questions_have_one_answer(command: list[str], count: int) -> None:
    found = list(differences(command, questions(count, SEED)))
    assert found == []


def test_a_difference_is_found() -> None:
    """A check that can fail: an implementation that knows one answer."""
    program = (
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps({'id': json.loads(line)['id'], 'answer': {}}), flush=True)\n"
    )
    asked = list(questions(20, SEED))
    found = list(differences(["python3", "-c", program], iter(asked)))
    assert [each for each, _, _ in found] == asked
