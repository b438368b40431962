"""Archives are unpacked below a folder and nowhere else, with modes that no umask changes."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.runtime.sources.unpack import unpack_deb, unpack_tarball, unpack_wheel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def _file(name: str, content: bytes = b"x", mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    return member, content


def _link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def _folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o700
    return member, b""


def _deb(path: Path, members: Iterable[tuple[tarfile.TarInfo, bytes]], suffix: str = "xz") -> Path:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    payload = lzma.compress(data.getvalue()) if suffix == "xz" else data.getvalue()
    parts = [
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", b"odd"),
        (f"data.tar.{suffix}", payload),
    ]
    with path.open("wb") as out:
        out.write(b"!<arch>\n")
        for name, content in parts:
            out.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode())
            out.write(content + b"\n" * (len(content) % 2))
    return path


def test_files_links_and_folders_come_out_with_plain_modes(tmp_path: Path) -> None:
    package = _deb(
        tmp_path / "a.deb",
        [
            _folder("./"),
            _folder("./usr/bin"),
            _file("./usr/bin/tool", b"program", 0o4755),
            _file("./usr/share/text", b"text", 0o600),
            _link("./usr/bin/alias", "tool"),
            _link("./usr/bin/hard", "./usr/bin/tool", tarfile.LNKTYPE),
        ],
    )
    before = os.umask(0o077)
    try:
        unpack_deb(package, tmp_path / "out")
    finally:
        os.umask(before)
    out = tmp_path / "out"
    assert (out / "usr/bin/alias").read_bytes() == (out / "usr/bin/hard").read_bytes() == b"program"
    assert (out / "usr/bin/tool").stat().st_mode & 0o7777 == 0o755
    assert (out / "usr/share/text").stat().st_mode & 0o7777 == 0o644


def test_an_absolute_link_points_below_the_unpacked_root(tmp_path: Path) -> None:
    members = [_file("./lib/real", b"r"), _link("./usr/lib/link", "/lib/real")]
    unpack_deb(_deb(tmp_path / "a.deb", members), tmp_path / "out")
    assert str((tmp_path / "out/usr/lib/link").readlink()) == "../../lib/real"
    assert (tmp_path / "out/usr/lib/link").read_bytes() == b"r"


@pytest.mark.parametrize("name", ["../evil", "./a/../../evil", "/evil"])
def test_a_member_outside_the_package_is_refused(tmp_path: Path, name: str) -> None:
    package = _deb(tmp_path / "a.deb", [_file(name)])
    with pytest.raises(InputError, match="would lie outside"):
        unpack_deb(package, tmp_path / "out")
    assert not (tmp_path / "evil").exists()


def test_a_member_behind_a_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    members = [_link("./door", "../elsewhere"), _file("./door/evil")]
    with pytest.raises(InputError, match="leads outside"):
        unpack_deb(_deb(tmp_path / "a.deb", members), tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"!<arch>\n", b"not an archive", b"!<arch>\n" + b"x" * 10]
)
def test_what_is_no_package_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.deb").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.deb"):
        unpack_deb(tmp_path / "a.deb", tmp_path / "out")


def test_a_truncated_package_is_refused(tmp_path: Path) -> None:
    package = _deb(tmp_path / "a.deb", [_file("./f", os.urandom(50_000))])
    package.write_bytes(package.read_bytes()[:20_000])
    with pytest.raises(InputError, match="broken Debian package"):
        unpack_deb(package, tmp_path / "out")


def test_a_compression_that_we_do_not_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="xz or gzip"):
        unpack_deb(_deb(tmp_path / "a.deb", [], "zst"), tmp_path / "out")


def test_a_tarball_is_unpacked_without_its_folder(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w:gz") as archive:
        for info, content in (_file("thing-1.0/src/a.c", b"a"), _file("thing-1.0/top", b"t")):
            archive.addfile(info, io.BytesIO(content))
    unpack_tarball(tmp_path / "a.tar", tmp_path / "out")
    assert (tmp_path / "out/src/a.c").read_bytes() == b"a"
    assert (tmp_path / "out/top").read_bytes() == b"t"


@pytest.mark.parametrize("name", ["x/../../evil", "x//evil"])
def test_a_tarballs_member_outside_is_refused(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w:xz") as archive:
        info, content = _file(name, b"x")
        archive.addfile(info, io.BytesIO(content))
    with pytest.raises(InputError, match="would lie outside"):
        unpack_tarball(tmp_path / "a.tar", tmp_path / "out")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", gzip.compress(b"x" * 600, mtime=0)[:-9]])
def test_what_is_no_tarball_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.tar: broken archive of source code"):
        unpack_tarball(tmp_path / "a.tar", tmp_path / "out")


def test_a_wheel_is_unpacked_with_its_executables(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        program = zipfile.ZipInfo("pkg/program")
        program.external_attr = 0o755 << 16
        archive.writestr(program, "p")
        archive.writestr("pkg/data", "d")
    unpack_wheel(tmp_path / "a.whl", tmp_path / "out")
    assert (tmp_path / "out/pkg/program").stat().st_mode & 0o111
    assert not (tmp_path / "out/pkg/data").stat().st_mode & 0o111


def test_a_wheel_member_outside_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("../evil", "x")
    with pytest.raises(InputError, match="would lie outside"):
        unpack_wheel(tmp_path / "a.whl", tmp_path / "out")


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="not a wheel"):
        unpack_wheel(tmp_path / "a.whl", tmp_path / "out")
