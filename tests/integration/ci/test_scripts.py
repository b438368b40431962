"""The scripts under .ci: unusable arguments, and the parts that need no build."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CI = ROOT / ".ci"


def script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(CI / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("run", ["nonsense"]),
        ("run", ["unit", "lint"]),
        ("run", [""]),
        ("lint", ["nonsense"]),
        ("lint", ["forge", "nonsense"]),
        ("build", []),
        ("build", ["nonsense"]),
        ("rehearse", []),
        ("rehearse", ["no such folder"]),
        ("bare-root", []),
        ("bare-root", ["--command", "3", "sid"]),
        ("bare-root", ["sid", "trixie"]),
    ],
)
def test_unusable_arguments_end_with_the_usage_and_exit_2(name: str, arguments: list[str]) -> None:
    answer = script(name, *arguments)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"usage: .ci/{name} ")


@pytest.mark.parametrize("number", ["1", "2"])
def test_a_readme_command_is_the_text_between_its_marks(number: str) -> None:
    answer = script("readme-command", number)
    assert answer.returncode == 0
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"<!-- command {number} -->\n```sh\n{answer.stdout}```\n<!-- end -->" in text


def test_a_readme_command_that_does_not_exist_is_an_error() -> None:
    answer = script("readme-command", "9")
    assert (answer.returncode, answer.stderr) == (1, "README.md has no command 9\n")


def test_the_workflow_runs_parts_that_exist() -> None:
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    parts = re.search(r"part: \[(.*)\]", workflow)
    assert parts
    usage = script("run", "nonsense").stderr
    for part in parts[1].split(", "):
        assert re.search(rf"^  {part} ", usage, re.MULTILINE)


def test_source_distributions_of_one_tree_have_the_same_bytes(tmp_path: Path) -> None:
    archives = [tmp_path / name for name in ("a.tar.gz", "b.tar.gz")]
    for number, archive in enumerate(archives):
        tree = tmp_path / str(number) / "demo-1.0"
        tree.mkdir(parents=True)
        for name in ("b", "a")[:: 1 if number else -1]:
            (tree / name).write_text(name, encoding="utf-8")
            os.utime(tree / name, (number, number))
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(tree, arcname="demo-1.0")
        subprocess.run(
            [sys.executable, str(CI / "normal_sdist.py"), str(archive)],
            check=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
        )
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with tarfile.open(archives[0]) as tar:
        assert tar.getnames() == ["demo-1.0", "demo-1.0/a", "demo-1.0/b"]
        assert {member.mtime for member in tar} == {1700000000}
