"""What was read of files before, in the user's cache directory.

In: a file's path and identity (device, inode, size, mtime). Out: the line that was kept for it.
One file per folder that packages are installed in, a *shelf*: a header with the checksum of the
rest, then one line per file. A shelf is written whole and put in place by one rename, so readers
never see half of one; of two runs that write at once, one loses work and neither loses facts. A
shelf that is damaged, foreign or unreadable counts as empty, and one that cannot be written is
not. Nothing here ever fails a diagnosis.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.objects import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

Identity = tuple[int, int, int, int]
"""Device, inode, size, mtime in nanoseconds."""

_SITE = ("site-packages", "dist-packages")
_MOST_SHELVES = 256
_MOST_BYTES = 128 << 20
"""Of one shelf; ten thousand objects take a tenth of it."""
_MAGIC = f"cxxrt-doctor-{VERSION}"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where `FactsCache` keeps its files; beside the builds of ``cxxrt runtime build``."""
    root = environ.get("CXXRT_CACHE")
    if not root:
        root = os.path.join(environ.get("XDG_CACHE_HOME") or "~/.cache", "cxxrt")  # noqa: PTH118 - "~"
    return Path(root).expanduser().absolute() / "doctor"


class FactsCache:
    """Lines by path and identity; read on first use, written by `save`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shelves: dict[str, _Shelf] = {}
        self._shared: list[str] = []

    @property
    def folder(self) -> Path:
        """Where the shelves lie."""
        return self._folder

    def get(self, path: str, identity: Identity) -> str | None:
        """The line that was kept for a file as it is now."""
        return self._shelf(path).get(path, identity)

    def put(self, path: str, identity: Identity, line: str) -> None:
        """Keep a line; it has neither tabs nor line ends."""
        self._shelf(path).put(path, identity, line)

    def share_shelf(self, folder: str) -> None:
        """Keep everything below a folder on one shelf; a source tree has hundreds of folders."""
        self._shared.append(f"{folder}/")

    def save(self) -> None:
        """Write what is new, if it can be written."""
        with contextlib.suppress(OSError):
            changed = [shelf for shelf in self._shelves.values() if shelf.changed]
            if changed:
                self._folder.mkdir(parents=True, exist_ok=True)
            for shelf in changed:
                shelf.save()
            if changed:
                self._forget_oldest()

    def _shelf(self, path: str) -> _Shelf:
        shared = [each for each in self._shared if path.startswith(each)]
        folder = shared[0] if shared else shelf_of(path)
        shelf = self._shelves.get(folder)
        if shelf is None:
            name = f"{zlib.crc32(os.fsencode(folder)):08x}-{len(folder):x}.shelf"
            shelf = self._shelves[folder] = _Shelf(folder, self._folder / name)
        return shelf

    def _forget_oldest(self) -> None:
        shelves = sorted(self._folder.glob("*.shelf"), key=lambda each: each.stat().st_mtime)
        for old in shelves[:-_MOST_SHELVES]:
            old.unlink(missing_ok=True)


def shelf_of(path: str) -> str:
    """The folder whose files share a shelf: site-packages, else the file's own."""
    for site in _SITE:
        at = path.find(f"/{site}/")
        if at >= 0:
            return path[: at + 1 + len(site)]
    return path.rpartition("/")[0]


class _Shelf:
    """The lines of one folder's files."""

    def __init__(self, folder: str, file: Path) -> None:
        self.changed = False
        self._folder = folder
        self._file = file
        self._used: set[str] = set()
        self._rows = _read(file, folder)

    def get(self, path: str, identity: Identity) -> str | None:
        self._used.add(path)
        row = self._rows.get(path)
        return row[1] if row is not None and row[0] == _text(identity) else None

    def put(self, path: str, identity: Identity, line: str) -> None:
        self._used.add(path)
        if path.isprintable():  # a line end in a name must not become one in the shelf
            self._rows[path] = (_text(identity), line)
            self.changed = True

    def save(self) -> None:
        """Write it, with what other runs wrote meanwhile and without files that are gone."""
        rows = _read(self._file, self._folder) | self._rows
        rows = {
            path: row for path, row in rows.items() if path in self._used or os.path.lexists(path)
        }
        lines = [self._folder, *(f"{path}\t{key}\t{line}" for path, (key, line) in rows.items())]
        body = "\n".join(lines).encode("utf-8", "surrogateescape")
        descriptor, temporary = tempfile.mkstemp(dir=self._file.parent, prefix=".shelf-")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(f"{_MAGIC} {zlib.crc32(body):08x}\n".encode())
                stream.write(body)
            Path(temporary).replace(self._file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self.changed = False


def _text(identity: Identity) -> str:
    return ":".join(map(str, identity))


def _read(file: Path, folder: str) -> dict[str, tuple[str, str]]:
    """The rows of a shelf, none where it is not ours, not whole or of another version."""
    try:
        with file.open("rb") as stream:
            head = stream.readline(64)
            body = stream.read(_MOST_BYTES + 1)
    except OSError:
        return {}
    if len(body) > _MOST_BYTES or head != f"{_MAGIC} {zlib.crc32(body):08x}\n".encode():
        return {}
    owner, *lines = body.decode("utf-8", "surrogateescape").split("\n")
    if owner != folder:
        return {}
    rows = {}
    for line in lines:
        path, _, rest = line.partition("\t")
        key, _, facts = rest.partition("\t")
        rows[path] = (key, facts)
    return rows
