"""Debian packages, tarballs and wheels, unpacked below a folder and nowhere else.

Files get the modes 0644 or 0755, whoever runs it and whatever the umask. Reads ``.deb`` itself
(deb(5): an ``ar`` archive), so that hosts without dpkg can build.
"""

import gzip
import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from cxxrt_toolchain.errors import InputError

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
"""Bytes: name 16, time 12, owner 6, group 6, mode 8, size 10, end 2 (ar(5))."""


def unpack_deb(file: Path, destination: Path) -> None:
    """Unpack the data archive of a Debian package; `InputError` for another file.

    Absolute links are rewritten to stay below the destination, which stands for the root; a member
    that would lie outside is an `InputError`, too.
    """
    try:
        with (
            file.open("rb") as stream,
            _data_archive(stream, file.name) as data,
            tarfile.open(fileobj=data, mode="r|") as archive,
        ):
            for member in archive:
                _extract(archive, member, destination, file.name)
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise InputError(f"{file.name}: broken Debian package: {error}.") from error


def unpack_tarball(file: Path, destination: Path) -> None:
    """Unpack source code, without the one folder that it lies in; `InputError` for another file."""
    try:
        with tarfile.open(file) as archive:
            for member in archive:
                if member.isreg() and (inside := member.name.partition("/")[2]):
                    member.name = inside
                    _extract(archive, member, destination, file.name)
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError) as error:
        raise InputError(f"{file.name}: broken archive of source code: {error}.") from error


def _data_archive(stream: BinaryIO, name: str) -> BinaryIO | lzma.LZMAFile | gzip.GzipFile:
    if stream.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise InputError(f"{name}: not a Debian package.")
    while len(header := stream.read(_AR_HEADER)) == _AR_HEADER:
        member = header[:16].decode("ascii", "replace").strip().rstrip("/")
        size = int(header[48:58])
        if member == "data.tar.xz":
            return lzma.open(stream)
        if member == "data.tar.gz":
            return gzip.open(stream)
        if member == "data.tar":
            return stream
        stream.seek(size + size % 2, os.SEEK_CUR)
    raise InputError(f"{name}: no data archive compressed with xz or gzip.")


def _extract(
    archive: tarfile.TarFile, member: tarfile.TarInfo, destination: Path, package: str
) -> None:
    path = _below(destination, member.name, package)
    if path == destination or member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.parent.resolve().is_relative_to(destination.resolve()):
        raise InputError(f"{package}: {member.name} lies behind a link that leads outside.")
    if path.is_symlink() or path.exists():
        path.unlink()
    if member.issym():
        path.symlink_to(_relative_target(member.name, member.linkname))
    elif member.islnk():
        os.link(_below(destination, member.linkname, package), path, follow_symlinks=False)
    elif (content := archive.extractfile(member)) is not None:
        with path.open("wb") as out:
            shutil.copyfileobj(content, out)
        path.chmod(0o755 if member.mode & 0o100 else 0o644)


def _below(destination: Path, name: str, package: str) -> Path:
    parts = PurePosixPath(name).parts
    if ".." in parts or name.startswith("/"):
        raise InputError(f"{package}: the member {name!r} would lie outside the package.")
    return destination.joinpath(*parts)


def _relative_target(name: str, target: str) -> str:
    if not target.startswith("/"):
        return target
    up = len(PurePosixPath(name).parts) - 1
    return "/".join([".."] * up + [target.lstrip("/")])


def unpack_wheel(file: Path, destination: Path) -> None:
    """Unpack every member of a wheel; `InputError`: no zip archive, or a member lies outside."""
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                path = _below(destination, member.filename, file.name)
                if member.is_dir():
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as content, path.open("wb") as out:
                    shutil.copyfileobj(content, out)
                path.chmod(0o755 if member.external_attr >> 16 & 0o100 else 0o644)
    except zipfile.BadZipFile as error:
        raise InputError(f"{file.name}: not a wheel: {error}.") from error
