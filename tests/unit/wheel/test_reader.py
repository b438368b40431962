"""Opening an honest wheel: names, members, streams, RECORD."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.wheel import stream as stream_module
from cxxrt_toolchain.wheel.reader import BadWheelError, RecordIssueKind, Wheel
from cxxrt_toolchain.wheel.record import sha256_field

if TYPE_CHECKING:
    import zipfile
    from pathlib import Path

    from tests.conftest import MakeWheel
    from tests.unit.wheel.conftest import WriteZip

    from cxxrt_toolchain.wheel.stream import MemberStream


def test_a_wheel_shows_its_members_and_texts(make_wheel: MakeWheel) -> None:
    path = make_wheel({"demo/__init__.py": b"pass\n"}, requires_dist=["numpy"])
    with Wheel.open(path) as wheel:
        assert wheel.path == path
        assert wheel.dist_info == "demo-1.0.dist-info"
        assert wheel.name.expanded == ("py3-none-any",)
        assert wheel.read("demo/__init__.py") == b"pass\n"
        assert {m.name: m.size for m in wheel.members}["demo/__init__.py"] == 5
        assert wheel.metadata.requires_dist == ("numpy",)
        assert wheel.wheel_file.root_is_purelib
        assert wheel.record_issues() == ()


def test_a_missing_member_is_named(make_wheel: MakeWheel) -> None:
    with Wheel.open(make_wheel({})) as wheel, pytest.raises(BadWheelError, match="no member 'x'"):
        wheel.read("x")


def test_a_stream_seeks_like_a_file(make_wheel: MakeWheel) -> None:
    content = os.urandom(300_000) + bytes(300_000)
    with Wheel.open(make_wheel({"a.bin": content})) as wheel, wheel.stream("a.bin") as stream:
        assert stream.seekable()
        assert stream.seek(-5, os.SEEK_END) == 599_995
        assert stream.read() == content[-5:]
        assert stream.read() == b""
        stream.seek(10)
        assert stream.read(20) == content[10:30]
        stream.seek(5, os.SEEK_CUR)
        assert stream.tell() == 35
        buffer = bytearray(7)
        assert stream.readinto(buffer) == 7
        assert bytes(buffer) == content[35:42]


def test_a_seek_back_into_a_dropped_piece_inflates_again(
    make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "_OUTPUT", 1000)
    monkeypatch.setattr(stream_module, "_HEAD_KEPT", 3000)
    monkeypatch.setattr(stream_module, "_LATEST_KEPT", 2000)
    content = bytes(i * i % 251 for i in range(50_000))
    with Wheel.open(make_wheel({"a.bin": content})) as wheel, wheel.stream("a.bin") as stream:
        for start in (0, 49_000, 100, 20_000, 49_900, 2_900, 0):
            stream.seek(start)
            assert stream.read(500) == content[start : start + 500]


def _in_memory(stream: MemberStream) -> int:
    return sum(len(each) for each in stream._pieces.values() if isinstance(each, bytes))


@pytest.mark.parametrize("room", [True, False])
def test_most_of_the_beginning_is_kept_in_a_file_where_there_is_room(
    make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch, room: bool
) -> None:
    for name, size in (("_OUTPUT", 1000), ("_HEAD_IN_MEMORY", 3000), ("_LATEST_KEPT", 2000)):
        monkeypatch.setattr(stream_module, name, size)
    monkeypatch.setattr(stream_module, "_HEAD_KEPT", 40_000)
    if not room:
        monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    inflated: list[int] = []
    content = bytes(i * i % 251 for i in range(90_000))
    with Wheel.open(make_wheel({"a.bin": content})) as wheel:
        with wheel.stream("a.bin", lambda at, _: inflated.append(at)) as stream:
            for start in (89_000, 100, 20_000, 2_900, 38_000, 0, 30_001):
                stream.seek(start)
                assert stream.read(1500) == content[start : start + 1500]
                assert _in_memory(stream) < 8000
            assert (len(inflated) == len(set(inflated))) is room
        assert stream.closed


def test_what_a_reader_skips_takes_no_memory_and_can_still_be_read(
    make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "_OUTPUT", 1000)
    content = bytes(i * i % 251 for i in range(200_000))
    with Wheel.open(make_wheel({"a.bin": content})) as wheel, wheel.stream("a.bin") as stream:
        stream.skip(10_000, 190_000)
        stream.seek(199_000)
        assert stream.read() == content[199_000:]
        assert _in_memory(stream) < 30_000
        stream.seek(100_000)
        assert stream.read(500) == content[100_000:100_500]


def test_members_are_read_in_several_threads(make_wheel: MakeWheel) -> None:
    files = {f"f{i}.bin": os.urandom(50_000) for i in range(8)}
    with Wheel.open(make_wheel(files)) as wheel, ThreadPoolExecutor(4) as pool:
        assert dict(zip(files, pool.map(wheel.read, files), strict=True)) == files


def test_every_difference_from_record_is_an_issue(
    write_zip: WriteZip, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "\n".join(
        [
            "gone.py,sha256=x,1",
            "weak.py,md5=x,1",
            "bare.py,,1",
            f"wrong.py,{sha256_field(sha256(b'other').digest())},99",
            "twice.py,sha256=x,1",
            "twice.py,sha256=x,1",
            "garbage.py,sha256=\u00e4,1",
            "demo-1.0.dist-info/METADATA,sha512=!,1",
        ]
    )
    members: list[tuple[str | zipfile.ZipInfo, bytes]] = [
        (f"{name}.py", b"1") for name in ("weak", "bare", "wrong", "twice", "garbage", "extra")
    ]
    path = write_zip(*members, record=rows.encode())
    with Wheel.open(path) as wheel:
        found = {(issue.kind, issue.member) for issue in wheel.record_issues()}
    kind = RecordIssueKind
    assert found >= {
        (kind.ABSENT, "gone.py"),
        (kind.WEAK_HASH, "weak.py"),
        (kind.NO_HASH, "bare.py"),
        (kind.WRONG_HASH, "wrong.py"),
        (kind.WRONG_SIZE, "wrong.py"),
        (kind.DUPLICATE, "twice.py"),
        (kind.WRONG_HASH, "garbage.py"),
        (kind.UNLISTED, "extra.py"),
        (kind.UNLISTED, "demo-1.0.dist-info/WHEEL"),
    }


def test_a_wheel_without_record_opens_and_says_so(
    make_wheel: MakeWheel, write_zip: WriteZip
) -> None:
    path = write_zip(record=None)
    with Wheel.open(path) as wheel:
        (issue,) = wheel.record_issues()
    assert issue.kind is RecordIssueKind.UNREADABLE


def test_folders_are_members_without_a_row(write_zip: WriteZip, tmp_path: Path) -> None:
    with Wheel.open(write_zip(("demo/", b""))) as wheel:
        assert [m.name for m in wheel.members if m.is_dir] == ["demo/"]
        assert all(issue.member != "demo/" for issue in wheel.record_issues())


@pytest.mark.parametrize("module", ["zlib", "isal.isal_zlib"])
def test_either_inflate_gives_the_same_bytes(
    make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    engine = pytest.importorskip(module, reason="install isal for the faster inflate")
    monkeypatch.setattr(stream_module, "_zlib", engine)
    monkeypatch.setattr(stream_module, "_OUTPUT", 777)
    content = os.urandom(40_000) + bytes(40_000)
    with Wheel.open(make_wheel({"a.bin": content})) as wheel:
        assert wheel.read("a.bin") == content
