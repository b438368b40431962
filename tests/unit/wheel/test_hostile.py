"""Archives that lie or attack: refused when opened, with every issue, or when the lie is read."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxxrt_toolchain.abi.filename import BadWheelNameError
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.wheel.reader import BadMemberError, BadWheelError, Wheel, WheelLimits
from cxxrt_toolchain.wheel.writer import NewMember, write_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.wheel.conftest import WriteZip


def _refused(path: Path, reason: str, limits: WheelLimits | None = None) -> BadWheelError:
    with pytest.raises(BadWheelError, match=reason) as caught:
        Wheel.open(path, limits or WheelLimits())
    assert path.name in str(caught.value)
    return caught.value


def _central(field: int, layout: str, value: int, member: bytes) -> Callable[[bytes], bytes]:
    """Change one field of a member's central header; offsets of APPNOTE 4.3.12."""

    def patch(content: bytes) -> bytes:
        start = next(
            found.start()
            for found in re.finditer(b"PK\x01\x02", content)
            if content[found.start() + 46 :].startswith(member)
        )
        at = start + field
        new = struct.pack(layout, value)
        return content[:at] + new + content[at + len(new) :]

    return patch


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.py", "leaves the folder"),
        ("pkg/../../evil.py", "leaves the folder"),
        ("/etc/passwd", "absolute path"),
        ("C:/evil.py", "absolute path"),
        ("pkg\\evil.py", "backslash"),
        ("pkg//evil.py", "empty or '.' component"),
        ("./pkg/evil.py", "empty or '.' component"),
        ("pkg/evil\n.py", "control character"),
        (f"pkg/{'a' * 256}.so", "no file system takes"),
        (f"pkg/{chr(0xE4) * 128}.so", "no file system takes"),
        ("/".join("a" * 5000), "4096 characters or 100 folders"),
        ("a/" * 101 + "b.py", "4096 characters or 100 folders"),
    ],
)
def test_a_name_that_no_honest_tool_writes_is_refused(
    write_zip: WriteZip, name: str, reason: str
) -> None:
    _refused(write_zip((name, b"x")), reason)


def test_a_name_cut_short_by_a_null_byte_is_refused(write_zip: WriteZip) -> None:
    path = write_zip(
        ("pkg/aXb.py", b"x"), patch=lambda data: data.replace(b"pkg/aXb.py", b"pkg/a\0b.py")
    )
    _refused(path, "control character")


def test_a_symbolic_link_is_refused(write_zip: WriteZip) -> None:
    link = zipfile.ZipInfo("pkg/link.so")
    link.create_system = 3
    link.external_attr = 0o120777 << 16
    _refused(write_zip((link, b"/etc/passwd")), "link or a special file")


def test_a_member_that_occurs_twice_is_refused(write_zip: WriteZip) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's own warning on writing
        path = write_zip(("pkg/a.py", b"1"), ("pkg/a.py", b"2"))
    _refused(path, "occurs 2 times")


def test_a_file_that_is_also_a_folder_is_refused(write_zip: WriteZip) -> None:
    _refused(write_zip(("pkg", b"1"), ("pkg/a.py", b"2")), "inside another member")


def test_an_encrypted_member_is_refused(write_zip: WriteZip) -> None:
    path = write_zip(("pkg/a.py", b"x"), patch=_central(8, "<H", 1, b"pkg/a.py"))
    _refused(path, "encrypted")


def test_an_unknown_compression_is_refused(write_zip: WriteZip) -> None:
    path = write_zip(("pkg/a.py", b"x"), patch=_central(10, "<H", 14, b"pkg/a.py"))
    _refused(path, "compression method 14")


def test_a_name_that_is_no_utf8_is_refused(write_zip: WriteZip) -> None:
    path = write_zip(
        ("pkg/a!.py", b"x"), patch=lambda data: data.replace(b"pkg/a!.py", b"pkg/a\xff.py")
    )
    _refused(path, "neither ASCII nor marked as UTF-8")


def test_a_broken_utf8_name_is_refused(write_zip: WriteZip) -> None:
    path = write_zip(
        ("pkg/\u00e4.py", b"x"), patch=lambda data: data.replace("\u00e4".encode(), b"\xff\xff")
    )
    _refused(path, "not a readable zip archive")


def test_a_local_header_that_names_another_member_is_refused(write_zip: WriteZip) -> None:
    path = write_zip(
        ("pkg/a.py", b"x"), patch=lambda data: data.replace(b"pkg/a.py", b"pkg/b.py", 1)
    )
    _refused(path, "is called 'pkg/b.py'")


def test_a_local_header_that_is_none_is_refused(write_zip: WriteZip) -> None:
    path = write_zip(("pkg/a.py", b"x"))
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("pkg/a.py").header_offset
    data = path.read_bytes()
    path.write_bytes(data[:at] + b"PK\x03\x05" + data[at + 4 :])
    _refused(path, "no local header")


def test_a_member_that_its_own_extra_field_pushes_into_the_next_is_refused(
    write_zip: WriteZip,
) -> None:
    """The local header's extra field may have another size than the directory's."""
    path = write_zip(("pkg/a.py", b"x" * 40), ("pkg/b.py", b"y" * 40))
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("pkg/a.py").header_offset
    data = bytearray(path.read_bytes())
    data[at + 28 : at + 30] = struct.pack("<H", 20)
    path.write_bytes(data)
    _refused(path, "overlaps what comes after it")


def test_a_member_that_reaches_into_the_directory_is_refused(write_zip: WriteZip) -> None:
    path = write_zip(("pkg/a.py", b"x" * 40), patch=_central(20, "<I", 4000, b"pkg/a.py"))
    _refused(path, "runs past the end of the archive")


def test_a_directory_above_the_limit_is_refused_unread(write_zip: WriteZip) -> None:
    _refused(write_zip(), "more than 100", WheelLimits(directory_size=100))


def test_overlapping_members_are_refused(write_zip: WriteZip) -> None:
    """Two central headers for one piece of data, as in the better zip bomb."""
    path = write_zip(("pkg/a.py", b"x" * 50), ("pkg/b.py", b"x" * 50))
    with zipfile.ZipFile(path) as archive:
        first = archive.getinfo("pkg/a.py").header_offset
    both = path.read_bytes().replace(b"pkg/b.py", b"pkg/a.py")
    path.write_bytes(both)
    moved = _central(42, "<I", first, b"pkg/a.py")(both)
    path.write_bytes(moved[::1])
    error = _refused(path, "pkg/a.py")
    assert any("occurs 2 times" in issue for issue in error.issues)


def test_two_members_of_one_piece_of_data_are_refused(write_zip: WriteZip) -> None:
    path = write_zip(("pkg/a.py", b"x" * 50), ("pkg/b.py", b"x" * 50))
    with zipfile.ZipFile(path) as archive:
        first = archive.getinfo("pkg/a.py").header_offset
    path.write_bytes(_central(42, "<I", first, b"pkg/b.py")(path.read_bytes()))
    _refused(path, "'pkg/b.py' overlaps 'pkg/a.py'")


def test_a_header_outside_of_the_archive_is_refused(write_zip: WriteZip) -> None:
    path = write_zip(("pkg/a.py", b"x"), patch=_central(42, "<I", 1 << 30, b"pkg/a.py"))
    _refused(path, "outside the archive")


@pytest.mark.parametrize("size", [1, 20_000])
def test_a_member_with_another_size_than_promised_is_refused_when_read(
    write_zip: WriteZip, size: int
) -> None:
    content = bytes(range(256)) * 40
    path = write_zip(("pkg/a.bin", content), patch=_central(24, "<I", size, b"pkg/a.bin"))
    with (
        Wheel.open(path) as wheel,
        pytest.raises(BadMemberError, match=r"more than the promised|ends after|ends too early"),
    ):
        wheel.read("pkg/a.bin")


def test_a_wrong_crc_is_refused_when_the_last_byte_is_read(write_zip: WriteZip) -> None:
    path = write_zip(("pkg/a.bin", b"abc" * 9), patch=_central(16, "<I", 1, b"pkg/a.bin"))
    with Wheel.open(path) as wheel, pytest.raises(BadMemberError, match="CRC is wrong"):
        wheel.read("pkg/a.bin")


def test_damaged_compressed_data_is_refused_when_read(write_zip: WriteZip) -> None:
    path = write_zip(("pkg/a.bin", bytes(range(256)) * 4))
    with Wheel.open(path) as wheel:
        extent = wheel.extent("pkg/a.bin")
    data = bytearray(path.read_bytes())
    data[extent.offset] = 0x07  # a block type that deflate does not have
    path.write_bytes(data)
    with Wheel.open(path) as wheel, pytest.raises(BadMemberError, match="damaged"):
        wheel.read("pkg/a.bin")


def test_a_bomb_is_refused_by_its_ratio(write_zip: WriteZip) -> None:
    path = write_zip(("pkg/zeros.bin", bytes(2 << 20)))
    _refused(path, "more than 100 to 1", WheelLimits(ratio=100, ratio_from=1 << 20))


def test_a_ratio_that_deflate_cannot_reach_is_refused(write_zip: WriteZip) -> None:
    path = write_zip(("pkg/a.bin", b"x"), patch=_central(24, "<I", 1 << 31, b"pkg/a.bin"))
    _refused(path, "claims to inflate")


def test_limits_on_members_and_total_hold(write_zip: WriteZip) -> None:
    path = write_zip(("pkg/a.bin", bytes(1000)))
    _refused(path, "4 members, more than 3", WheelLimits(members=3))
    _refused(path, "more than 100", WheelLimits(total_size=100))


def test_all_issues_are_listed_at_once(write_zip: WriteZip) -> None:
    error = _refused(write_zip(("../a", b""), ("/b", b""), ("c\\d", b"")), "leaves")
    assert len(error.issues) == 3


def test_something_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    for content in (b"", b"PK\x05\x06", b"\x7fELF" + bytes(500)):
        path.write_bytes(content)
        _refused(path, "not a readable zip archive")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    _refused(tmp_path / "demo-1.0-py3-none-any.whl", "No such file")


def test_a_wheel_needs_exactly_one_dist_info(write_zip: WriteZip) -> None:
    _refused(write_zip(("a.py", b""), texts=False), "no .dist-info directory")
    _refused(write_zip(("other-1.dist-info/WHEEL", b"")), "2 .dist-info directories")
    _refused(
        write_zip(("demo-1.0.dist-info/x", b""), texts=False), "lacks WHEEL; .* lacks METADATA"
    )


def test_a_dist_info_of_another_project_is_refused(write_zip: WriteZip) -> None:
    def rename(data: bytes) -> bytes:
        return data.replace(b"demo-1.0.dist-info", b"othr-1.0.dist-info")

    _refused(write_zip(patch=rename), "'othr-1.0.dist-info' is not of 'demo'")


@pytest.mark.parametrize("central", [True, False])
@pytest.mark.parametrize("other", ["../../evil.so", "pkg/\x1b[31m.so", ""])
def test_a_unicode_path_field_with_another_name_is_refused(
    write_zip: WriteZip, other: str, central: bool
) -> None:
    """Python 3.12 and later take that name, older ones and other readers the first."""
    name = "pkg/a.so"
    value = struct.pack("<BL", 1, zlib.crc32(name.encode())) + other.encode()
    member = zipfile.ZipInfo(name)
    member.extra = struct.pack("<HH", 0x7075, len(value)) + value

    def keep_one(data: bytes) -> bytes:
        """A field of a kind that nobody knows in the other header."""
        first = data.index(member.extra)
        at = data.index(member.extra, first + 1) if central is False else first
        return data[:at] + b"zz" + data[at + 2 :]

    path = write_zip((member, b"x"), patch=keep_one)
    _refused(path, "another name in its Unicode Path|Corrupt")


def test_a_unicode_path_field_with_the_same_name_is_no_issue(write_zip: WriteZip) -> None:
    name = "pkg/\u00e4.so"
    value = struct.pack("<BL", 1, zlib.crc32(name.encode())) + name.encode()
    member = zipfile.ZipInfo(name)
    member.extra = struct.pack("<HH", 0x7075, len(value)) + value
    with Wheel.open(write_zip((member, b"x"))) as wheel:
        assert name in wheel


@pytest.mark.parametrize(
    ("text", "limits", "reason"),
    [
        ("METADATA", WheelLimits(metadata_size=10), "METADATA has 46 bytes, more than 10"),
        ("WHEEL", WheelLimits(wheel_size=10), "WHEEL has 72 bytes, more than 10"),
        ("RECORD", WheelLimits(record_size=0, record_row=1), "RECORD has 30 bytes, more than 3"),
    ],
)
def test_a_text_that_is_too_large_is_refused_unread(
    write_zip: WriteZip, text: str, limits: WheelLimits, reason: str
) -> None:
    with (
        Wheel.open(write_zip(record=b"demo-1.0.dist-info/RECORD,,\n\n\n"), limits) as wheel,
        pytest.raises(BadWheelError, match=reason),
    ):
        getattr(wheel, {"METADATA": "metadata", "WHEEL": "wheel_file", "RECORD": "record"}[text])


_MANY = {
    "names": "names = ['/'.join(['d'] * 99) + f'/{i}.py' for i in range(20_000)]",
    "long names": "names = ['/'.join(['d' * 200] * 15) + f'/{i}.py' for i in range(3000)]",
    "refused names": "names = ['/'.join(['d'] * 30_000) + f'/{i}.py' for i in range(300)]",
    "folded lines": r"meta += b'Keywords: a\n' + b' x\n' * 1_300_000",
    "fields": r"meta += b'A:\n' * 1_300_000",
    "requirements": r"meta += b'Requires-Dist:a\n' * 250_000",
    "tags": r"wheel += b'Tag: ' + b'-'.join([b'.'.join([b'a'] * 16)] * 3) * 1 + b'\n'; wheel *= 9",
    "rows": r"record = b'a,,\n' * 4_000_000",
}
_BOUNDED = r"""
import resource, sys, zipfile
resource.setrlimit(resource.RLIMIT_AS, (600 << 20,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
names, record = [], b""
meta = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
wheel = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
exec(sys.argv[2])
path = sys.argv[1] + "/demo-1.0-py3-none-any.whl"
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
    for name in names:
        archive.writestr(name, b"")
    for name, content in (("METADATA", meta), ("WHEEL", wheel), ("RECORD", record)):
        archive.writestr(f"demo-1.0.dist-info/{name}", content)
from cxxrt_toolchain.cli import main
codes = {main([*command, path]) for command in (["show"], ["check"], ["repair", "-w", sys.argv[1]])}
assert codes <= {0, 1, 2}, codes
"""


@pytest.mark.parametrize("case", _MANY)
def test_time_and_memory_are_bounded_by_the_size_of_the_archive(case: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _BOUNDED, str(tmp_path), _MANY[case]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "MemoryError" not in done.stderr
    assert "as much memory" not in done.stderr


@pytest.mark.parametrize(
    "name",
    [
        "demo.whl",
        "demo-1.0-py3-none.whl",
        "demo-1.0-py3-none-any.zip",
        "demo-1.0-py3-none-any-any-any-any.whl",
        "demo-nonsense-py3-none-any.whl",
        "de mo-1.0-py3-none-any.whl",
        "demo-1.0-py3--any.whl",
        "demo-1.0-a.b.c.d.e.f.g.h.i-a.b.c.d.e.f.g.h.i-" + ".".join("abcdefgh" * 8) + ".whl",
    ],
)
def test_a_file_name_that_is_no_wheels_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"")
    with pytest.raises(BadWheelNameError):
        Wheel.open(path)


@given(st.data())
def test_only_input_errors_escape_from_damaged_wheels(data: st.DataObject) -> None:
    texts = {
        "METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        "WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with TemporaryDirectory() as folder:
        members = [NewMember(f"demo-1.0.dist-info/{name}", text) for name, text in texts.items()]
        members.append(NewMember("demo.py", b"print(1)\n" * 20))
        path = write_wheel(Path(folder), "demo-1.0-py3-none-any.whl", members)
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 5))):
            offset = data.draw(st.integers(0, len(content) - 4))
            width = data.draw(st.sampled_from([1, 2, 4]))
            value = data.draw(st.integers(0, 2**32 - 1))
            content[offset : offset + width] = value.to_bytes(4, "little")[:width]
        path.write_bytes(content)
        with suppress(InputError), Wheel.open(path) as wheel:
            _ = wheel.record_issues(), wheel.wheel_file, wheel.metadata
            for member in wheel.members:
                wheel.read(member.name)
