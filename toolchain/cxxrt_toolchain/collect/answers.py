"""What files answered to questions about their symbols, kept between runs.

In: a path, a question, and how to find the answer in the ELF file. Out: the answer, from a table in
the cache folder where the very same file was asked the same before. Names by the ten thousand are
in a question, so that only their digest is kept.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar, cast

from cxxrt_toolchain.collect.process.file_table import Identity, identity_of
from cxxrt_toolchain.collect.store import WRONG, read_sealed, write_sealed
from cxxrt_toolchain.elf.reader import ElfError, SparseElf
from cxxrt_toolchain.facts.objects import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

_MAGIC = f"cxxrt-answers-{VERSION}-1"
_MOST_BYTES = 16 << 20
_MOST_FILES = 5_000

NO_NAMES: tuple[str, ...] = ()
_Answer = TypeVar("_Answer")
_Row = tuple[Identity, dict[str, object]]


class Answers:
    """Of the files of one program's environment, or of its processes.

    Args:
        folder: Where the tables lie; None: nothing is kept.
        program: The program.
        use: What is asked for, in a word: another table for each, because what a file is not
            asked any more is forgotten.
    """

    def __init__(self, folder: Path | None, program: str, use: str) -> None:
        self._file = None
        self._program = program
        self._changed = False
        self._asked: dict[str, _Row] = {}
        if folder is not None:
            self._file = folder / f"answers-{use}-{zlib.crc32(os.fsencode(program)):08x}.shelf"

    @cached_property
    def _rows(self) -> dict[str, _Row]:
        """What was kept; read when something is asked."""
        if self._file is not None:
            with suppress(*WRONG):
                owner, rows = read_sealed(self._file, _MAGIC, _MOST_BYTES)
                if owner == self._program:
                    return cast("dict[str, _Row]", rows)
        return {}

    def ask(
        self,
        path: str,
        question: str,
        names: Iterable[str],
        find: Callable[[SparseElf], _Answer],
        otherwise: _Answer,
    ) -> _Answer:
        """The file's answer.

        Args:
            path: The file.
            question: What is asked, in a word.
            names: The symbols that it is asked of.
            find: Finds the answer, a value of plain types: text, numbers, tuples of them, None.
            otherwise: The answer of a file that is broken, or cannot be read today.
        """
        identity = self._asked[path][0] if path in self._asked else identity_of(path)
        if identity is None:
            return otherwise
        known = self._asked.setdefault(path, (identity, {}))[1]
        text = "\n".join(sorted(names)).encode("utf-8", "surrogateescape")
        key = f"{question} {blake2b(text, digest_size=16).hexdigest()}"
        if key not in known:
            before = self._rows.get(path)
            if before is not None and before[0] == identity and key in before[1]:
                known[key] = before[1][key]
            else:
                try:
                    known[key] = _asked(path, find, otherwise)
                except OSError:  # tomorrow it may be readable
                    return otherwise
                self._changed = True
        return cast("_Answer", known[key])

    def exported(self, path: str, names: Collection[str]) -> frozenset[str]:
        """Those of some names that an object exports."""
        if not names:
            return frozenset()
        return frozenset(
            self.ask(path, "exported", names, lambda elf: tuple(elf.exports(names)), NO_NAMES)
        )

    def save(self) -> None:
        """Write what is new; of a file that was asked, without what it is asked no more."""
        if self._file is None or not self._changed:
            return
        others = {path: row for path, row in self._rows.items() if path not in self._asked}
        rows = dict([*others.items(), *self._asked.items()][-_MOST_FILES:])
        self._changed = not write_sealed(self._file, _MAGIC, (self._program, rows))


def _asked(path: str, find: Callable[[SparseElf], _Answer], otherwise: _Answer) -> _Answer:
    with open(path, "rb") as stream:  # noqa: PTH123 - a path of the loader's, as it is
        try:
            return find(SparseElf(stream, path))
        except ElfError:
            return otherwise
