"""What a person sees on a terminal while imports are tried, and a program does not."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from pathlib import Path


class Shown(NamedTuple):
    output: bytes
    terminal: str
    code: int


def run(site: Path, *options: str) -> Shown:
    """The command with its standard error on a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cxxrt_toolchain", "doctor", "--import", "calm,falls"]
    with subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(site), "TERM": "xterm", "COLUMNS": "200"},
    ) as child:
        os.close(theirs)
        pieces = []
        while piece := _read(ours):
            pieces.append(piece)
        os.close(ours)
        assert child.stdout is not None
        output = child.stdout.read()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", b"".join(pieces).decode())
    return Shown(output, text, child.returncode)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux says so when the last one has closed the other side
        return b""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "calm.py").write_text("import time\ntime.sleep(0.5)\n")
    (tmp_path / "falls.py").write_text("import time\ntime.sleep(0.5)\nraise OSError('no')\n")
    return tmp_path


def test_a_person_sees_what_is_tried(site: Path) -> None:
    shown = run(site)
    assert shown.code == 1
    for line in ("importing calm", "importing falls", "falls alone", "the same again"):
        assert line in shown.terminal
    assert "importing calm" not in shown.output.decode()
    assert "trying" not in shown.output.decode()


def test_a_program_sees_only_its_document(site: Path) -> None:
    shown = run(site, "--json")
    assert shown.terminal == ""
    assert json.loads(shown.output)["subject"] == "imports"
