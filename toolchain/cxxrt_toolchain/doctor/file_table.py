"""What the process part keeps of each mapped file, so that a second look is short.

In: paths of files. Out: `FileFacts`, which share a `Kind` where files have everything but their
name in common, from one file per program in the cache folder. Facts count only for the very
same file (device, inode, size, mtime); a table that is damaged or of another version is empty, and
one that cannot be written is not. Nothing here ever fails a diagnosis.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from cxxrt_toolchain.audit.families import RuntimeFamily
from cxxrt_toolchain.doctor.diagnosis import Origin
from cxxrt_toolchain.doctor.encoding import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAGIC = f"cxxrt-process-{VERSION}-2-{marshal.version}"
_MOST_ROWS = 20_000
_MOST_BYTES = 16 << 20


class Kind(NamedTuple):
    """What is known of a file besides its name; hundreds of files are of a few kinds.

    Its first fields are those of `Library`, in that order.
    """

    origin: Origin
    package: str | None
    family: RuntimeFamily | None
    static: tuple[RuntimeFamily, ...]
    version: str
    package_version: str
    location: str
    needed: tuple[str, ...]
    """SONAMEs."""
    is_cxx: bool
    """Whether it may hold C++."""
    glibc: str
    """For a C library: its version."""


class FileFacts(NamedTuple):
    """One file."""

    soname: str
    kind: Kind


_Identity = tuple[int, int, int, int]
_Row = tuple[_Identity, str, int]
"""Identity, SONAME, number of its kind."""


class FileTable:
    """Facts by path, of the files that one program had mapped."""

    def __init__(self, folder: Path | None, program: str) -> None:
        self._file = None
        if folder is not None:
            self._file = folder / f"process-{zlib.crc32(os.fsencode(program)):08x}.shelf"
        self._program = program
        self._changed = False
        self._kinds: list[Kind] = []
        self._rows: dict[str, _Row] = {}
        if self._file is not None:
            with contextlib.suppress(OSError, EOFError, ValueError, TypeError):
                self._kinds, self._rows = _read(self._file, program)
        self._numbers = {kind: number for number, kind in enumerate(self._kinds)}

    def find(self, places: Mapping[str, str]) -> dict[str, FileFacts]:
        """The facts of files that are as they were.

        Args:
            places: What a file is called in the process, to where it lies here.
        """
        rows, kinds = self._rows, self._kinds
        found = {}
        for path, place in places.items():
            if path in rows:
                identity, soname, number = rows[path]
                if identity == _identity(place):
                    found[path] = FileFacts(soname, kinds[number])
        return found

    def add(self, path: str, place: str, facts: FileFacts) -> None:
        """Keep what is known of a file."""
        identity = _identity(place)
        if identity:
            number = self._numbers.setdefault(facts.kind, len(self._kinds))
            if number == len(self._kinds):
                self._kinds.append(facts.kind)
            self._rows[path] = (identity, facts.soname, number)
            self._changed = True

    def save(self) -> None:
        """Write what is new, if it can be written."""
        if self._file is None or not self._changed:
            return
        rows = dict(list(self._rows.items())[-_MOST_ROWS:])
        kinds = [_encoded(kind) for kind in self._kinds]
        body = marshal.dumps((self._program, kinds, rows))
        temporary = self._file.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(f"{_MAGIC} {zlib.crc32(body):08x}\n".encode() + body)
            temporary.replace(self._file)
            self._changed = False


def _read(file: Path, program: str) -> tuple[list[Kind], dict[str, _Row]]:
    """What was written here; ``marshal``, because it is read several times as fast as JSON.

    Raises:
        EOFError, ValueError, TypeError: Whoever wrote it had other ideas of a table.
    """
    with file.open("rb") as stream:
        head, _, body = stream.read(_MOST_BYTES).partition(b"\n")
    if head != f"{_MAGIC} {zlib.crc32(body):08x}".encode():
        return [], {}
    owner, kinds, rows = marshal.loads(body)  # noqa: S302 - ours by its checksum; runs no code
    if owner != program:
        return [], {}
    return [_decoded(kind) for kind in kinds], rows


def _encoded(kind: Kind) -> tuple[object, ...]:
    origin, package, family, static, *rest = kind
    names = tuple(each.value for each in static)
    return (origin.value, package, family.value if family else None, names, *rest)


def _decoded(row: tuple[Any, ...]) -> Kind:
    kind = Kind._make(row)
    return kind._replace(
        origin=Origin(kind.origin),
        family=RuntimeFamily(kind.family) if kind.family else None,
        static=tuple(map(RuntimeFamily, kind.static)),
    )


def _identity(place: str) -> _Identity | None:
    """Which file that is, and in which state; None where there is none."""
    try:
        found = os.stat(place)  # noqa: PTH116 - hundreds of them
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
