"""The file that the dynamic loader would load for a needed name, and the step that led to it.

Asks the file system whether files exist; the program's loader only where a search path or a folder
has what only that knows. The cache's own entries for newer processors are left out.

Source: ld.so(8), "DESCRIPTION"; glibc's elf/dl-load.c (_dl_map_object) and, for the cache,
sysdeps/generic/dl-cache.h.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.environment.machine import (
    PRELOAD_FILE,
    file_content,
    loader_words,
    preload_entries,
)
from cxxrt_toolchain.facts.installed import Found, Step

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import SharedObject

_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER = struct.Struct("=20sII20x")
_ENTRY = struct.Struct("=iIIIQ")
# dl-cache.h: FLAG_ELF_LIBC6 with the architecture's bits.
_FLAGS = {"x86_64": 0x0303, "aarch64": 0x0A03, "i686": 0x0003, "ppc64le": 0x0503, "s390x": 0x0403}
_DEFAULT_FOLDERS = ("/lib64", "/usr/lib64", "/lib/{0}", "/usr/lib/{0}", "/lib", "/usr/lib")
"""With Debian's folders of an architecture."""
_ORIGIN = re.compile(r"\$(?:ORIGIN\b|\{ORIGIN\})", re.ASCII)
_WORD = re.compile(r"\$(?:(LIB|PLATFORM)\b|\{(LIB|PLATFORM)\})", re.ASCII)


class Search:
    """The loader's search for one program, with the content of ``ld.so.cache``.

    `first` are the folders that its starter puts into ``LD_LIBRARY_PATH``.
    """

    def __init__(
        self,
        path: str,
        facts: SharedObject,
        environ: Mapping[str, str],
        cache: bytes,
        exists: Callable[[str], bool] = os.path.isfile,
        first: tuple[str, ...] = (),
    ) -> None:
        self._path, self._facts = path, facts
        self._exists = exists
        self._first = first
        self._cached = read_ld_cache(cache, facts.machine)
        triplet = f"{facts.machine.replace('i686', 'i386')}-linux-gnu"
        self._default = tuple(each.format(triplet) for each in _DEFAULT_FOLDERS)
        by_variable = re.split(r"[ :]+", environ.get("LD_PRELOAD", ""))
        by_file = preload_entries(file_content(PRELOAD_FILE))
        self.preloaded = {
            "".join(self.expand(entry, path)) if "$" in entry else entry: step
            for step, entries in ((Step.PRELOAD, by_variable), (Step.PRELOAD_FILE, by_file))
            for entry in entries
            if entry
        }
        """Paths, or names that are searched for, and what names them."""
        folders = environ.get("LD_LIBRARY_PATH", "").replace(";", ":")
        self._folders = self.expand(folders, path)
        self._levels: dict[str, tuple[str, ...]] = {}

    def find(self, name: str, *, path: str = "", facts: SharedObject | None = None) -> Found | None:
        """The file that a ``DT_NEEDED`` entry of the object at a path leads to.

        Without an object: what every object without search paths gets.
        """
        return next(self.all(name, path=path, facts=facts), None)

    def all(
        self,
        name: str,
        *,
        path: str = "",
        facts: SharedObject | None = None,
        inherited: tuple[str, ...] = (),
    ) -> Iterator[Found]:
        """The files that each step of the search would find, in its order.

        `inherited` are the folders of the ``DT_RPATH`` of the objects that load the object.
        """
        for step, candidates in self._steps(name, path, facts, inherited):
            for candidate in candidates:
                if self._exists(candidate):
                    yield Found(path=candidate, step=step)

    def _steps(
        self, name: str, path: str, facts: SharedObject | None, inherited: tuple[str, ...]
    ) -> Iterator[tuple[Step, Iterable[str]]]:
        for entry, step in self.preloaded.items():
            if entry.endswith(f"/{name}"):
                yield step, (entry,)
        program = self._facts
        if facts is None or facts.runpath is None:
            if facts is not None and facts.rpath is not None:
                yield Step.OWN_RPATH, self._in(self.expand(facts.rpath, path), name)
            yield Step.LOADERS_RPATH, self._in(inherited, name)
            if program.runpath is None and program.rpath is not None:
                yield Step.PROGRAM_RPATH, self._in(self.expand(program.rpath, self._path), name)
        yield Step.OWN_FOLDER, self._in(self._first, name)
        yield Step.LD_LIBRARY_PATH, self._in(self._folders, name)
        if facts is not None and facts.runpath is not None:
            yield Step.OWN_RUNPATH, self._in(self.expand(facts.runpath, path), name)
        yield Step.CACHE, self._cached.get(name, ())
        yield Step.DEFAULT, self._in(self._default, name)

    def expand(self, text: str, path: str) -> tuple[str, ...]:
        """The folders of a search path, ``$ORIGIN`` being the folder of the object at a path."""
        if _WORD.search(text):
            words = loader_words(self._path)
            text = _WORD.sub(lambda found: words.get(found[1] or found[2], found[0]), text)
        return _expanded(text, path.rpartition("/")[0])

    def _in(self, folders: Iterable[str], name: str) -> Iterator[str]:
        """The files of a name in folders, those for this processor first."""
        for folder in folders:
            if folder not in self._levels:
                special = os.path.isdir(f"{folder}/glibc-hwcaps")  # noqa: PTH112 - hundreds of them
                levels = loader_words(self._path).get("hwcaps", "") if special else ""
                self._levels[folder] = tuple(filter(None, levels.split(":")))
            for level in self._levels[folder]:
                yield f"{folder}/glibc-hwcaps/{level}/{name}"
            yield f"{folder}/{name}"


def split_path(text: str) -> tuple[str, ...]:
    """The folders of a search path; an empty entry is the working directory, which we skip."""
    return tuple(each for each in text.split(":") if each)


@cache  # a thousand modules have a few dozen search paths
def _expanded(text: str, origin: str) -> tuple[str, ...]:
    folders = (_ORIGIN.sub(lambda _: origin, each) for each in split_path(text))
    return tuple(os.path.normpath(each) for each in folders)


def read_ld_cache(content: bytes, machine: str) -> dict[str, tuple[str, ...]]:
    """SONAME to paths, for one architecture; empty for a file of another format."""
    start = content.find(_MAGIC)
    wanted = _FLAGS.get(machine)
    found: dict[str, tuple[str, ...]] = {}
    if start < 0 or wanted is None or len(content) < start + _HEADER.size:
        return found
    _, count, _ = _HEADER.unpack_from(content, start)
    table = start + _HEADER.size
    count = min(count, (len(content) - table) // _ENTRY.size)
    rows = _ENTRY.iter_unpack(content[table : table + count * _ENTRY.size])
    for flags, key, value, _, hardware in rows:
        if flags == wanted and not hardware:
            name = _string(content, start + key)
            found[name] = (*found.get(name, ()), _string(content, start + value))
    return found


def _string(content: bytes, offset: int) -> str:
    end = content.find(b"\0", offset)
    return os.fsdecode(content[offset : max(end, offset)])
