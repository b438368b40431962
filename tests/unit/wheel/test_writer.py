"""Writing: reproducible, verbatim where copied, all or nothing, and readable by others."""

from __future__ import annotations

import hashlib
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.errors import ConfigError, InputError
from cxxrt_toolchain.wheel import zipformat
from cxxrt_toolchain.wheel.reader import Wheel
from cxxrt_toolchain.wheel.record import sha256_field
from cxxrt_toolchain.wheel.writer import CopiedMember, NewMember, write_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeWheel

_NAME = "demo-1.0-py3-none-any.whl"
_INFO = "demo-1.0.dist-info"


def _members(*more: NewMember) -> list[NewMember]:
    return [
        NewMember(f"{_INFO}/WHEEL", b"Wheel-Version: 1.0\n"),
        NewMember(f"{_INFO}/METADATA", b"Name: demo\n"),
        *more,
    ]


def test_order_of_members_and_the_clock_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    members = _members(NewMember("b.py", b"2"), NewMember("a.py", b"1"))
    digests = set()
    for order in (members, members[::-1]):
        path = write_wheel(tmp_path, _NAME, order)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [
            "a.py",
            "b.py",
            f"{_INFO}/METADATA",
            f"{_INFO}/WHEEL",
            f"{_INFO}/RECORD",
        ]
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_source_date_is_used_and_clamped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for epoch, expected in (("0", 1980), ("1700000000", 2023), ("9999999999", 2107)):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        with zipfile.ZipFile(write_wheel(tmp_path, _NAME, _members())) as archive:
            assert archive.infolist()[0].date_time[0] == expected
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "now")
    with pytest.raises(ConfigError, match="SOURCE_DATE_EPOCH"):
        write_wheel(tmp_path, _NAME, _members())


def test_only_executables_are_executable(tmp_path: Path) -> None:
    members = _members(NewMember("a.so", b"x", executable=True), NewMember("b.py", b"x"))
    with Wheel.open(write_wheel(tmp_path, _NAME, members)) as wheel:
        modes = {m.name: m.mode for m in wheel.members}
    assert modes["a.so"] == stat.S_IFREG | 0o755
    assert modes["b.py"] == stat.S_IFREG | 0o644


def test_content_may_be_a_file(tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    big.write_bytes(b"0123456789abcdef" * 200_000)
    with Wheel.open(write_wheel(tmp_path, _NAME, _members(NewMember("big.bin", big)))) as wheel:
        assert wheel.read("big.bin") == big.read_bytes()
        assert wheel.record_issues() == ()


def test_the_standard_library_finds_no_fault(make_wheel: MakeWheel) -> None:
    with zipfile.ZipFile(make_wheel({"demo/\u00e4.txt": b"umlaut", "empty": b""})) as archive:
        assert archive.testzip() is None
        assert archive.read("demo/\u00e4.txt") == b"umlaut"


def test_a_copied_member_keeps_its_compressed_bytes_and_its_hash(
    make_wheel: MakeWheel, tmp_path: Path
) -> None:
    source = make_wheel({"demo/data.bin": b"abc" * 1000, "demo/run.sh": b"#!"})
    target = tmp_path / "out"
    target.mkdir()
    with Wheel.open(source) as wheel:
        copies = [
            CopiedMember(wheel, m.name, m.name.replace("data", "other")) for m in wheel.members
        ]
        path = write_wheel(target, _NAME, copies)
        old = wheel.extent("demo/data.bin")
        raw = wheel.raw(old.offset, old.compressed_size)
    with Wheel.open(path) as wheel:
        new = wheel.extent("demo/other.bin")
        assert wheel.raw(new.offset, new.compressed_size) == raw
        assert wheel.record_issues() == ()


def test_copying_everything_gives_the_same_bytes(make_wheel: MakeWheel, tmp_path: Path) -> None:
    source = make_wheel({"demo/a.py": b"x" * 100})
    target = tmp_path / "out"
    target.mkdir()
    with Wheel.open(source) as wheel:
        path = write_wheel(target, _NAME, [CopiedMember(wheel, m.name) for m in wheel.members])
    assert path.read_bytes() == source.read_bytes()


def test_a_copy_without_a_hash_in_record_gets_one(make_wheel: MakeWheel, tmp_path: Path) -> None:
    source = make_wheel({"a.py": b"x"})
    with Wheel.open(source) as wheel:
        wheel.__dict__["record"] = ()  # the cached property: a RECORD without rows
        target = tmp_path / "out"
        target.mkdir()
        path = write_wheel(target, _NAME, [CopiedMember(wheel, m.name) for m in wheel.members])
    with Wheel.open(path) as wheel:
        hashes = {row.path: row.hash for row in wheel.record}
    assert hashes["a.py"] == sha256_field(hashlib.sha256(b"x").digest())


def test_signatures_of_the_old_record_are_left_out(tmp_path: Path) -> None:
    members = _members(NewMember(f"{_INFO}/RECORD.jws", b"{}"), NewMember(f"{_INFO}/RECORD", b"x"))
    with Wheel.open(write_wheel(tmp_path, _NAME, members)) as wheel:
        assert f"{_INFO}/RECORD.jws" not in wheel
        assert wheel.record_issues() == ()


@pytest.mark.parametrize("name", ["../a", "/a", "a//b", "a\\b", "", ".", "a/./b", "a\0b"])
def test_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="not a valid name"):
        write_wheel(tmp_path, _NAME, _members(NewMember(name, b"")))


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="twice"):
        write_wheel(tmp_path, _NAME, _members(NewMember("a", b""), NewMember("a", b"")))


def test_a_wheel_without_dist_info_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"one \.dist-info"):
        write_wheel(tmp_path, _NAME, [NewMember("a.py", b"")])


def test_a_failed_write_leaves_nothing_and_keeps_the_old_file(tmp_path: Path) -> None:
    (tmp_path / _NAME).write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        write_wheel(tmp_path, _NAME, _members(NewMember("a", tmp_path / "absent")))
    assert [path.name for path in tmp_path.iterdir()] == [_NAME]
    assert (tmp_path / _NAME).read_bytes() == b"old"


def test_64_bit_records_are_read_by_the_standard_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the limits lowered, every member and the end of the archive need the wide form."""
    monkeypatch.setattr(zipformat, "_LARGE", 10)
    members = _members(NewMember("a.bin", b"0123456789" * 500))
    path = write_wheel(tmp_path, _NAME, members)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("a.bin") == b"0123456789" * 500
    with Wheel.open(path) as wheel:
        assert wheel.record_issues() == ()


def test_more_members_than_16_bits_count_are_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipformat, "_MAX16", 20)
    files = [NewMember(f"d/{number}", b"") for number in range(30)]
    path = write_wheel(tmp_path, _NAME, _members(*files))
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 30 + 3
    with Wheel.open(path) as wheel:
        assert len(wheel.members) == 30 + 3


@pytest.mark.parametrize(("count", "short"), [(0xFFFE, 0xFFFE), (0x10000, 0xFFFF)])
def test_the_zip64_record_has_a_count_that_16_bits_cannot_hold(count: int, short: int) -> None:
    member = zipformat.Written(
        name="a", offset=0, method=0, crc=0, compressed_size=0, size=0, executable=False
    )
    written = zipformat.central_directory([member] * count, zipformat.DosTime.earliest(), offset=0)
    start = written.rindex(b"PK\x05\x06")
    assert struct.unpack_from("<2H", written, start + 8) == (short, short)
    found = written.find(b"PK\x06\x06")
    assert (found >= 0) is (count > short)
    if found >= 0:
        assert struct.unpack_from("<2Q", written, found + 24) == (count, count)
