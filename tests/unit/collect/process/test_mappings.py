"""What is mapped, from the kernel's text."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.collect.process.procfs import Mapping, mappings_now, parse_maps, read_process

if TYPE_CHECKING:
    from pathlib import Path

MAPS = b"""\
55d0c0000000-55d0c0001000 r--p 00000000 fe:00 11   /usr/bin/python3.11
55d0c0001000-55d0c0002000 r-xp 00001000 fe:00 11   /usr/bin/python3.11
55d0c1000000-55d0c1100000 rw-p 00000000 00:00 0    [heap]
7f0000000000-7f0000001000 r--p 00000000 fe:00 12   /opt/my libs/liba.so.1
7f0000001000-7f0000002000 rwxp 00001000 fe:00 12   /opt/my libs/liba.so.1
7f0000002000-7f0000003000 rw-p 00000000 00:00 0
7f0000003000-7f0000004000 rw-p 00002000 fe:00 1234567890123456789012345678901234567890 /opt/ x.so
7f0000005000-7f0000006000 r--p 00000000 fe:00 13   /tmp/gone.so (deleted)
7f0000006000-7f0000007000 r--p 00000000 fe:00 14   /tmp/new\\012line.so
7f0000007000-7f0000008000 rw-p 00000000 00:00 0    [anon: /not a file]
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0    [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
"""


def test_maps_become_one_row_per_mapping_of_a_file() -> None:
    gone, newline = "/tmp/gone.so", "/tmp/new\nline.so"  # noqa: S108 - names in a text
    assert parse_maps(MAPS) == (
        Mapping("/usr/bin/python3.11", 0x55D0C0000000, 0x55D0C0001000, is_code=False),
        Mapping("/usr/bin/python3.11", 0x55D0C0001000, 0x55D0C0002000, is_code=True),
        Mapping("/opt/my libs/liba.so.1", 0x7F0000000000, 0x7F0000001000, is_code=False),
        Mapping("/opt/my libs/liba.so.1", 0x7F0000001000, 0x7F0000002000, is_code=True),
        Mapping("/opt/ x.so", 0x7F0000003000, 0x7F0000004000, is_code=False),
        Mapping(gone, 0x7F0000005000, 0x7F0000006000, is_code=False, deleted=True),
        Mapping(newline, 0x7F0000006000, 0x7F0000007000, is_code=False),
    )


def test_a_replaced_file_and_its_successor_are_two_files() -> None:
    text = (
        b"7f00-7f01 r-xp 00000000 fe:00 1 /lib/a.so (deleted)\n"
        b"7f02-7f03 r-xp 00000000 fe:00 2 /lib/a.so\n"
    )
    rows = parse_maps(text)
    assert [row.deleted for row in rows] == [True, False]
    assert [row.path for row in rows] == ["/lib/a.so (deleted)", "/lib/a.so"]


@pytest.mark.parametrize("text", [b"", b"\n", b"7f00-7f01 r-xp 0 0 0\n", b"a b c d e f\n"])
def test_what_maps_no_file_is_left_out(text: bytes) -> None:
    assert parse_maps(text) == ()


def test_names_with_odd_characters_and_files_that_are_gone(tmp_path: Path) -> None:
    odd, gone = tmp_path / "a b\n[c]\udc80.so", tmp_path / "gone.so"
    maps = []
    for file in (odd, gone):
        file.write_bytes(b"\0" * mmap.PAGESIZE)
        with file.open("rb") as stream:
            maps.append(mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_EXEC))
    gone.unlink()
    found = {row.path: row.deleted for row in read_process(os.getpid()).code}
    assert found[str(odd)] is False
    assert found[str(gone)] is True
    for each in maps:
        each.close()


def test_a_file_that_is_mapped_as_data_is_no_code(tmp_path: Path) -> None:
    file = tmp_path / "data.so"
    file.write_bytes(b"\0" * mmap.PAGESIZE)
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ):
        assert str(file) in {row.path for row in mappings_now(os.getpid())}
        assert str(file) not in {row.path for row in read_process(os.getpid()).code}
