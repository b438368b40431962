"""Each command with each kind of bad input or surroundings: one paragraph, exit 2 or 3, no more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain import cli

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import MakeWheel

_NAME = "demo-1.0-py3-none-any.whl"
_PYTHON = [sys.executable, "-m", "cxxrt_toolchain"]


def _link(path: Path, target: str) -> None:
    path.symlink_to(target)


def _sparse(path: Path, _good: bytes) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def _encrypted(path: Path, good: bytes) -> None:
    flags = good.rfind(b"PK\1\2") + 8
    path.write_bytes(good[:flags] + b"\1" + good[flags + 1 :])


def _empty_archive(path: Path, _good: bytes) -> None:
    zipfile.ZipFile(path, "w").close()


INPUTS: dict[str, Callable[[Path, bytes], object]] = {
    "missing": lambda _path, _good: None,
    "directory": lambda path, _good: path.mkdir(),
    "empty": lambda path, _good: path.write_bytes(b""),
    "no archive": lambda path, _good: path.write_bytes(b"hello" * 1000),
    "empty archive": _empty_archive,
    "first half": lambda path, good: path.write_bytes(good[: len(good) // 2]),
    "without its end": lambda path, good: path.write_bytes(good[:-30]),
    "encrypted": _encrypted,
    "fifo": lambda path, _good: os.mkfifo(path),
    "device": lambda path, _good: _link(path, "/dev/zero"),
    "link to itself": lambda path, _good: _link(path, path.name),
    "link to nothing": lambda path, _good: _link(path, "/nowhere"),
    "huge": _sparse,
}
COMMANDS = (
    "show WHEEL",
    "show --json WHEEL",
    "check WHEEL",
    "repair -w OUT WHEEL",
    "repair --dry-run WHEEL",
    "encode --to plain -w OUT WHEEL",
    "doctor --python WHEEL",
    "tags --python WHEEL",
    "pip --python WHEEL list",
    "check --select WHEEL GOOD",
    "explain WHEEL",
    "survey run WHEEL",
    "survey report WHEEL",
)
SURROUNDINGS = {
    "closed output": 'exec "$@" >&-',
    "closed errors": 'exec "$@" 2>&-',
    "everything closed": 'exec "$@" <&- >&- 2>&-',
    "full disk for errors": 'exec "$@" 2>/dev/full',
    "no home": 'unset HOME XDG_CACHE_HOME CXXRT_CACHE; exec "$@"',
    "a file for home": 'unset XDG_CACHE_HOME CXXRT_CACHE; HOME=/etc/passwd exec "$@"',
    "no folder for temporary files": 'TMPDIR=/proc exec "$@"',
    "a cache that cannot be written": 'CXXRT_CACHE=/proc/x exec "$@"',
    "a deleted working folder": 'd=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$@"',
    "few open files": 'ulimit -n 12; exec "$@"',
    "little memory": 'ulimit -v 100000; exec "$@"',
    "small files": 'ulimit -f 1; exec "$@"',
    "ascii": 'LC_ALL=C PYTHONIOENCODING=ascii exec "$@"',
    "no programs": 'PATH= exec "$@"',
}


@pytest.fixture
def good(make_wheel: MakeWheel) -> Path:
    """A wheel that nothing is wrong with."""
    return make_wheel({"demo.py": b"x = 1\n"})


def _arguments(command: str, wheel: Path, good: Path, tmp_path: Path) -> list[str]:
    places = {"WHEEL": str(wheel), "GOOD": str(good), "OUT": str(tmp_path / "out")}
    return [places.get(each, each) for each in command.split()]


def _assert_one_paragraph(code: int, text: str) -> None:
    assert code in (2, 3), text
    assert "Traceback" not in text
    assert "Please report this" not in text
    assert text.count("\n") <= 2


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", INPUTS)
def test_a_bad_input_is_one_paragraph(
    kind: str, command: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "bad" / _NAME
    wheel.parent.mkdir()
    INPUTS[kind](wheel, good.read_bytes())
    try:
        code = cli.main(_arguments(command, wheel, good, tmp_path))
    except SystemExit as stopped:  # argparse
        code = int(stopped.code or 0)
    said = capsys.readouterr()
    _assert_one_paragraph(code, said.err)
    assert said.err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("command", ["encode --to plain -w OUT GOOD", "tags"])
@pytest.mark.parametrize("place", SURROUNDINGS)
def test_bad_surroundings_end_in_one_paragraph_if_they_matter(
    place: str, command: str, good: Path, tmp_path: Path
) -> None:
    sh = shutil.which("sh")
    assert sh
    arguments = _arguments(command, good, good, tmp_path)
    environ = {**os.environ, "CXXRT_CACHE": str(tmp_path / "cache")}
    environ["PYTHONPATH"] = os.pathsep.join(each for each in sys.path if each[:1] == "/")
    done = subprocess.run(
        [sh, "-c", SURROUNDINGS[place], sh, *_PYTHON, *arguments],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        _assert_one_paragraph(done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
