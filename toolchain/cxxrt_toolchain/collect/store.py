"""A persistent cache of what files said: values by kind, path and identity of the file.

In: plain values (text, numbers, tuples, lists and dictionaries of them). Out: a value, only while
the file is the one that it was read from. All values of one kind for the files of one folder (a
whole site-packages, or a whole source tree) lie in one file of the cache, a *shelf*, which is
replaced by one rename: readers never see half of one, and of two runs that write at once one may
lose work, never facts.

Whatever is wrong with a shelf (damaged, another user's, writable for others, not a regular file,
too large, another version, sealed without the key of the folder), its values are misses; a shelf
that cannot be written is not. The seal does not stop a program that reads the key. Nothing here
raises. ``marshal``, because it is read many times as fast as JSON and runs no code.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import secrets
import time
import zlib
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from stat import S_ISREG
from typing import Any

from cxxrt_toolchain.host.cache import cache_root
from cxxrt_toolchain.temporary import whole_file

Identity = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime in nanoseconds. A program can set an mtime; the ctime
moves with every change of content, owner or name (inode(7)), so that it cannot hide a change."""

VERSION = 14
"""Raise it whenever what is kept, or the code that reads it from a file, changes: the readers of
facts and references, the watched names, the families, the questions of `Answers`."""
_MAGIC = f"cxxrt-store-{VERSION}"
_SUFFIX = ".shelf"
_SITE = ("site-packages", "dist-packages")
_WRITABLE_FOR_OTHERS = 0o022
_SETTLED = 2_000_000_000
"""Nanoseconds for which a file must not have changed: the clocks of file systems are coarse, and a
second change within one tick would not change the identity."""
_LARGEST = 64 << 20
"""Bytes of a shelf; the facts of ten thousand objects take 10 MB."""
_HEAD = 64
"""More bytes than the first line of a shelf has."""
_KEY = 32
"""Bytes of the secret."""
_MOST_ROWS = 20_000
_MOST_SHELVES = 512
_MOST_BYTES = 256 << 20
"""Of all shelves together."""

_Rows = dict[str, tuple[Identity, Any]]


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The folder of the doctor's `Store`, beside the builds of ``cxxrt runtime build``."""
    return cache_root(environ) / "doctor"


def identity(found: os.stat_result) -> Identity:
    """The identity of a file, by its `os.stat`."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class Store:
    """The values that were kept of files: in memory and, with a folder, in shelves on disk."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._shelves: dict[tuple[str, str], _Shelf] = {}
        self._trees: list[str] = []

    def get(self, kind: str, path: str, identity: Identity) -> Any:  # noqa: ANN401 - what was put
        """The value of a file, if it is still the same file; None if there is no value."""
        return self._shelf(kind, path).get(path, identity)

    def put(self, kind: str, path: str, identity: Identity, value: object) -> None:
        """Keep a value of a file: whatever `marshal` takes, but None.

        `kind` says what the value is, and is part of a file name; `identity` is that from before
        the file was read.
        """
        self._shelf(kind, path).put(path, identity, value)

    def gather(self, tree: str) -> None:
        """Use one shelf for all files below a folder: a source tree has hundreds of folders."""
        self._trees.append(f"{tree}/")

    def save(self) -> None:
        """Write what is new, if it can be written."""
        changed = [shelf for shelf in self._shelves.values() if shelf.changed]
        if self._folder is None or not changed:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            for shelf in changed:
                shelf.save()
            _evict(self._folder)

    def _shelf(self, kind: str, path: str) -> _Shelf:
        tree = next((each for each in self._trees if path.startswith(each)), "")
        folder = tree or shelf_of(path)
        shelf = self._shelves.get((kind, folder))
        if shelf is None:
            name = f"{kind}-{zlib.crc32(os.fsencode(folder)):08x}-{len(folder):x}{_SUFFIX}"
            file = self._folder / name if self._folder is not None else None
            shelf = self._shelves[kind, folder] = _Shelf(f"{kind} {folder}", file)
        return shelf


def shelf_of(path: str) -> str:
    """The folder that shares a shelf: the site-packages above a file, else the file's folder."""
    for site in _SITE:
        at = path.find(f"/{site}/")
        if at >= 0:
            return path[: at + 1 + len(site)]
    return path.rpartition("/")[0]


class _Shelf:
    def __init__(self, owner: str, file: Path | None) -> None:
        self.changed = False
        self._owner = owner
        self._file = file
        self._used: dict[str, None] = {}
        self._rows: _Rows = _read(file, owner) if file is not None else {}

    def get(self, path: str, identity: Identity) -> Any:  # noqa: ANN401 - what was put
        match self._rows.get(path):
            case (known, value) if known == identity:
                self._used[path] = None
                return value
        return None

    def put(self, path: str, identity: Identity, value: object) -> None:
        if time.time_ns() - max(identity[3:]) > _SETTLED:
            self._used[path] = None
            self._rows[path] = identity, value
            self.changed = True

    def save(self) -> None:
        """Write it with what other runs wrote meanwhile, without files that are gone."""
        if self._file is None:
            return
        used = {path: self._rows[path] for path in self._used}
        others = _read(self._file, self._owner).items()
        kept = [(path, row) for path, row in others if path not in used and _exists(path)]
        kept = [*kept, *used.items()][-_MOST_ROWS:]
        body = marshal.dumps((self._owner, dict(kept)))
        while len(body) > _LARGEST and kept:
            kept = kept[(len(kept) + 1) // 2 :]
            body = marshal.dumps((self._owner, dict(kept)))
        _write(self._file, body)
        self.changed = False


def _exists(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # a name that no file can have
        return False


def _head(body: bytes, key: bytes) -> bytes:
    seal = blake2b(body, key=key, digest_size=16).hexdigest()
    return f"{_MAGIC} {marshal.version} {seal}".encode()


def _key(folder: Path) -> bytes:
    """The secret of a cache folder, without which nobody can seal a shelf; empty if it has none."""
    try:
        key = _content(folder / "key")
    except OSError:
        return b""
    return key if len(key) == _KEY else b""


def _new_key(folder: Path) -> bytes:
    key, path = secrets.token_bytes(_KEY), folder / "key"
    if not path.is_file():  # a FIFO would be written to, and stay
        path.unlink(missing_ok=True)
    with whole_file(path, mode=0o600, durable=False) as file:
        file.write(key)
    return key


def _read(file: Path, owner: str) -> _Rows:
    """The rows of a shelf; empty if it is not ours, not whole or of another version."""
    try:
        key = _key(file.parent)
        head, _, body = _content(file).partition(b"\n")
        if key and head == _head(body, key):
            written_for, rows = marshal.loads(body)  # noqa: S302 - ours by owner and seal
            if written_for == owner and isinstance(rows, dict):
                return rows
    except (OSError, EOFError, ValueError, TypeError):
        pass
    return {}


def _content(file: Path) -> bytes:
    """The bytes of a regular file that no other user can have written; else empty."""
    # O_NONBLOCK: opening a FIFO must not wait for a writer.
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        ours = found.st_uid == os.geteuid() and not found.st_mode & _WRITABLE_FOR_OTHERS
        if not ours or not S_ISREG(found.st_mode) or found.st_size > _LARGEST + _HEAD:
            return b""
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read(_LARGEST + _HEAD)
    finally:
        os.close(descriptor)


def _write(file: Path, body: bytes) -> None:
    key = _key(file.parent) or _new_key(file.parent)
    with whole_file(file, mode=0o600, durable=False) as stream:
        stream.write(_head(body, key) + b"\n" + body)


def _evict(folder: Path) -> None:
    """Remove the shelves that were written longest ago, as far as there are too many."""
    stats = [(each.stat(), each) for each in folder.glob(f"*{_SUFFIX}")]
    left = _MOST_BYTES
    newest_first = sorted(stats, key=lambda row: -row[0].st_mtime_ns)
    for number, (found, shelf) in enumerate(newest_first):
        left -= found.st_size
        if number >= _MOST_SHELVES or left < 0:
            shelf.unlink(missing_ok=True)
