"""/proc to facts, and to errors that say why there are none."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.collect.process import procfs
from cxxrt_toolchain.collect.process.procfs import mappings_now, read_process
from cxxrt_toolchain.errors import InputError, MissingToolError

if TYPE_CHECKING:
    from pathlib import Path


def test_this_process_can_be_looked_at() -> None:
    facts = read_process(os.getpid())
    assert facts.pid == os.getpid()
    assert facts.root == ""
    assert os.path.realpath(facts.executable) == os.path.realpath("/proc/self/exe")
    assert facts.environment["PATH"]
    assert any(row.path.rpartition("/")[2].startswith("libc.so") for row in facts.code)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "self").mkdir()
    place = tmp_path / "7"
    place.mkdir()
    monkeypatch.setattr(procfs, "_PROC", str(tmp_path))
    (place / "statm").write_text("0 0 0 0 0 0 0\n")
    return place


def test_a_process_that_is_not_there(fake: Path) -> None:
    with pytest.raises(InputError, match="Process 8 does not exist"):
        read_process(8)
    assert mappings_now(8) == ()


def test_a_zombie_is_called_one(fake: Path) -> None:
    (fake / "status").write_text("Name:\tpython\nState:\tZ (zombie)\n")
    with pytest.raises(InputError, match=r"Process 7 \(python\) has ended and waits"):
        read_process(7)


def test_a_thread_of_the_kernel_is_called_one(fake: Path) -> None:
    (fake / "status").write_text("Name:\tkthreadd\nState:\tS (sleeping)\n")
    with pytest.raises(InputError, match=r"7 \(kthreadd\) is a thread of the kernel"):
        read_process(7)


def test_a_process_that_ends_meanwhile(fake: Path) -> None:
    (fake / "statm").write_text("25 1 1 1 0 1 0\n")
    with pytest.raises(InputError, match="ended while it was looked at"):
        read_process(7)


def test_a_process_of_another_user(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: str) -> bytes:
        raise PermissionError

    monkeypatch.setattr(procfs, "read", refuse)
    with pytest.raises(MissingToolError, match="not yours to look at") as caught:
        read_process(7)
    assert caught.value.exit_code == 3


def test_another_system_is_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(MissingToolError, match="only be looked at on Linux"):
        read_process(1)
