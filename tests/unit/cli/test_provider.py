"""``cxxrt provider``: what is refused, before anything is fetched or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no recipe of a provider 'nothing' exists. Known: protobuf."),
        (["../runtime"], "no recipe of a provider '../runtime' exists."),
        (["protobuf", "--jobs", "0"], "--jobs must be at least 1."),
        (["protobuf", "--arch", "riscv64"], "invalid choice: 'riscv64'"),
        ([], "the following arguments are required: NAME"),
    ],
)
def test_a_wrong_call_is_one_paragraph_and_leaves_nothing(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["provider", "build", *arguments, "-w", str(tmp_path / "out")])
    except SystemExit as refused:
        code = int(str(refused.code))
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert message in said.err
    assert not (tmp_path / "out").exists()


def test_a_machine_without_a_recipe_is_told_to_choose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert main(["provider", "build", "protobuf", "-w", str(tmp_path / "out")]) == 2
    assert "no recipe for riscv64. Choose with --arch" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_list_names_wheel_version_and_glibc(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provider", "list"]) == 0
    assert "protobuf: cxx11-protobuf-35.1 35.1.0, glibc 2.17\n" in capsys.readouterr().out
