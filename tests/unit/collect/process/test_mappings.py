"""What is mapped: the kernel's text, its answers, and that they say the same."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.collect.process import mappings
from cxxrt_toolchain.collect.process.mappings import MappedFile, parse_maps, read_code, read_files

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


def _line(span: str, permissions: str, inode: int, path: str) -> bytes:
    """As the kernel writes it: the path in column 73, unless what is before it is too long."""
    return f"{span} {permissions} 00000000 fe:00 {inode}".ljust(72).encode() + f" {path}\n".encode()


def test_the_columns_of_the_kernel() -> None:
    text = b"".join(
        (
            _line("00400000-00401000", "r--p", 1, "/opt/x86/program"),
            _line("00401000-00402000", "r-xp", 1, "/opt/x86/program"),
            _line("7f0000000000-7f0000001000", "r--p", 2, "/opt/x.so"),
            _line("7f0000001000-7f0000002000", "rw-p", 2, "/opt/x.so"),
            _line("7f0000002000-7f0000003000", "rw-p", 0, "[anon: /not a file]"),
            _line("7f0000003000-7f0000004000", "r--p", 10**40, "/opt/far inode.so"),
            _line("7f0000004000-7f0000005000", "r-xp", 10**40, "/opt/far inode.so"),
            _line("7f0000005000-7f0000006000", "r--p", 3, "/opt/other [1].so"),
        )
    )
    assert parse_maps(text) == (
        MappedFile("/opt/x86/program", 0x400000, 0x402000, 0x400000),
        MappedFile("/opt/x.so", 0x7F0000000000, 0x7F0000002000, 0x7F0000000000, is_code=False),
        MappedFile("/opt/far inode.so", 0x7F0000003000, 0x7F0000005000, 0x7F0000003000),
        MappedFile(
            "/opt/other [1].so", 0x7F0000005000, 0x7F0000006000, 0x7F0000005000, is_code=False
        ),
    )


def test_nothing_is_mapped_from_an_empty_text() -> None:
    assert parse_maps(b"") == ()


def test_code_is_what_the_text_says_it_is() -> None:
    text = {row.path: row for row in read_files("/proc/self")}
    code = read_code("/proc/self")
    assert [row.path for row in code] == [row.path for row in text.values() if row.is_code]
    for row in code:
        assert text[row.path].start <= row.start < row.end <= text[row.path].end
        assert row.is_code
    assert any(row.base == text[row.path].start for row in code)


def _no_such_request(*_: object) -> int:
    raise OSError(25, "Inappropriate ioctl for device")


def test_an_older_kernel_has_the_text_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = read_code("/proc/self")
    monkeypatch.setattr(mappings, "ioctl", _no_such_request)
    told = read_code("/proc/self")
    assert [row.path for row in told] == [row.path for row in asked]
    assert all(row.is_code for row in told)


@pytest.mark.parametrize("old_kernel", [False, True])
def test_names_with_odd_characters_and_files_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, old_kernel: bool
) -> None:
    if old_kernel:
        monkeypatch.setattr(mappings, "ioctl", _no_such_request)
    odd, gone = tmp_path / "a b\n[c]\udc80.so", tmp_path / "gone.so"
    maps = []
    for file in (odd, gone):
        file.write_bytes(b"\0" * mmap.PAGESIZE)
        with file.open("rb") as stream:
            maps.append(mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_EXEC))
    gone.unlink()
    found = {row.path: row.deleted for row in read_code("/proc/self")}
    assert found[str(odd)] is False
    assert found[str(gone)] is True
    for each in maps:
        each.close()


def test_a_file_that_is_mapped_as_data_is_no_code(tmp_path: Path) -> None:
    file = tmp_path / "data.so"
    file.write_bytes(b"\0" * mmap.PAGESIZE)
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ):
        assert str(file) in {row.path for row in read_files("/proc/self")}
        assert str(file) not in {row.path for row in read_code("/proc/self")}
