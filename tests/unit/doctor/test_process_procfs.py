"""/proc to facts, and to errors that say why there are none."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.doctor import procfs
from cxxrt_toolchain.doctor.procfs import parse_maps, read_files, read_process
from cxxrt_toolchain.errors import InputError, MissingToolError

if TYPE_CHECKING:
    from pathlib import Path

MAPS = b"""\
55d0c0000000-55d0c0001000 r--p 00000000 fe:00 11   /usr/bin/python3.11
55d0c0001000-55d0c0002000 r-xp 00001000 fe:00 11   /usr/bin/python3.11
55d0c1000000-55d0c1100000 rw-p 00000000 00:00 0    [heap]
7f0000000000-7f0000001000 r--p 00000000 fe:00 12   /opt/my libs/liba.so.1
7f0000001000-7f0000002000 r-xp 00001000 fe:00 12   /opt/my libs/liba.so.1
7f0000002000-7f0000003000 rw-p 00000000 00:00 0
7f0000003000-7f0000004000 rw-p 00002000 fe:00 12   /opt/my libs/liba.so.1
7f0000005000-7f0000006000 r--p 00000000 fe:00 13   /tmp/gone.so (deleted)
7f0000006000-7f0000007000 r--p 00000000 fe:00 14   /tmp/new\\012line.so
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0    [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
"""


def test_maps_become_one_row_per_file() -> None:
    rows = {row.path: row for row in parse_maps(MAPS)}
    assert list(rows) == [
        "/usr/bin/python3.11",
        "/opt/my libs/liba.so.1",
        "/tmp/gone.so",  # noqa: S108 - a name in a text
        "/tmp/new\nline.so",  # noqa: S108 - a name in a text
    ]
    library = rows["/opt/my libs/liba.so.1"]
    assert (library.start, library.end) == (0x7F0000000000, 0x7F0000004000)
    assert library.is_code
    assert not library.deleted
    assert rows["/tmp/gone.so"].deleted  # noqa: S108 - a name in a text
    assert not rows["/tmp/gone.so"].is_code  # noqa: S108 - a name in a text


def test_a_replaced_file_and_its_successor_are_two_rows() -> None:
    text = (
        b"7f00-7f01 r-xp 00000000 fe:00 1 /lib/a.so (deleted)\n"
        b"7f02-7f03 r-xp 00000000 fe:00 2 /lib/a.so\n"
    )
    rows = parse_maps(text)
    assert [row.deleted for row in rows] == [True, False]
    assert [row.path for row in rows] == ["/lib/a.so (deleted)", "/lib/a.so"]


def test_nothing_is_mapped_from_an_empty_text() -> None:
    assert parse_maps(b"") == ()


def test_this_process_can_be_looked_at() -> None:
    facts = read_process(os.getpid())
    assert facts.pid == os.getpid()
    assert facts.root == ""
    assert os.path.realpath(facts.executable) == os.path.realpath("/proc/self/exe")
    assert facts.environment["PATH"]
    assert any(row.path.rpartition("/")[2].startswith("libc.so") for row in facts.files)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "self").mkdir()
    place = tmp_path / "7"
    place.mkdir()
    monkeypatch.setattr(procfs, "_PROC", tmp_path)
    return place


def test_a_process_that_is_not_there(fake: Path) -> None:
    with pytest.raises(InputError, match="Process 8 does not exist"):
        read_process(8)
    assert read_files(8) == ()


def test_a_zombie_is_called_one(fake: Path) -> None:
    (fake / "status").write_text("Name:\tpython\nState:\tZ (zombie)\n")
    with pytest.raises(InputError, match=r"Process 7 \(python\) has ended and waits"):
        read_process(7)


def test_a_thread_of_the_kernel_is_called_one(fake: Path) -> None:
    (fake / "status").write_text("Name:\tkthreadd\nState:\tS (sleeping)\n")
    with pytest.raises(InputError, match=r"7 \(kthreadd\) is a thread of the kernel"):
        read_process(7)


def test_a_process_that_ends_meanwhile(fake: Path) -> None:
    (fake / "status").write_text("Name:\tx\nState:\tR\nVmSize:\t1 kB\n")
    with pytest.raises(InputError, match="ended while it was looked at"):
        read_process(7)


def test_a_process_of_another_user(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_place: Path) -> dict[str, str]:
        raise PermissionError

    monkeypatch.setattr(procfs, "_status", refuse)
    with pytest.raises(MissingToolError, match="not yours to look at") as caught:
        read_process(7)
    assert caught.value.exit_code == 3


def test_another_system_is_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(MissingToolError, match="only be looked at on Linux"):
        read_process(1)
