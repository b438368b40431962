"""Exit codes of errors that are not ours: 2 or 3, one paragraph, never a traceback."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain import cli
from cxxrt_toolchain.cli import explain
from cxxrt_toolchain.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeWheel

ASK = [sys.executable, "-m", "cxxrt_toolchain"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RecursionError("maximum recursion depth exceeded"), 2),
        (UnicodeError("label too long"), 2),
        (KeyError("python"), 2),
        (ValueError("Exceeds the limit (4300 digits)"), 2),
        (MemoryError(), 3),
        (ModuleNotFoundError("No module named 'lief'"), 3),
        (InputError("\x1b[31mevil\x9b"), 2),
    ],
    ids=lambda each: type(each).__name__,
)
def test_any_exception_ends_with_one_paragraph(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_args: object) -> int:
        raise error

    monkeypatch.setattr(explain, "run", fail)
    assert cli.main(["explain", "CXXRT-H1"]) == code
    text = capsys.readouterr().err
    assert text.startswith("cxxrt explain: ")
    assert text.count("\n") == 1
    assert text.rstrip("\n").isprintable()
    assert "Traceback" not in text


def test_an_output_without_a_descriptor_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_args: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(explain, "run", fail)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert cli.main(["explain", "CXXRT-H1"]) in (2, 3)


@pytest.mark.parametrize("command", [["--help"], ["tags", "--help"], ["--version"]], ids=" ".join)
def test_help_for_a_reader_that_has_gone_is_no_error(command: list[str]) -> None:
    with subprocess.Popen(
        [*ASK, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait() in (0, 141)  # argparse ignores that its text reaches nobody


def test_a_closed_standard_output_is_no_traceback() -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" -m cxxrt_toolchain tags >&-', sys.executable],
        stderr=subprocess.PIPE,
        check=False,
    )
    assert b"Traceback" not in done.stderr


def test_a_requirement_that_pip_refuses_is_a_finding_of_check_and_an_error_of_repair(
    make_wheel: MakeWheel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = make_wheel({"demo.py": b""}, requires_dist=[f"demo>={'9' * 5000}"])
    assert cli.main(["check", str(wheel)]) == 1
    assert "CXXRT-W2" in capsys.readouterr().out
    assert cli.main(["repair", "-w", str(tmp_path / "out"), str(wheel)]) in (1, 2)


def test_a_cache_below_the_home_of_no_user_is_unusable_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CXXRT_CACHE", "~nosuchuser/x")
    assert cli.main(["doctor"]) == 2
    assert "CXXRT_CACHE" in capsys.readouterr().err
