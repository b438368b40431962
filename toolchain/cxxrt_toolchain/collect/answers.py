"""What files answered to questions about their symbols, from the store if it is the same file.

A question may hold ten thousand names, so only their digest is kept.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar, cast

from cxxrt_toolchain.collect.store import Identity, Store, identity
from cxxrt_toolchain.elf.reader import ElfError, SparseElf
from cxxrt_toolchain.plain_files import open_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

NO_NAMES: tuple[str, ...] = ()
_Answer = TypeVar("_Answer")


class Answers:
    """Answers of the files of one environment or process.

    Each use, a word, keeps its own: answers that a file is no longer asked for are dropped.
    """

    def __init__(self, store: Store, use: str) -> None:
        self._store = store
        self._kind = f"answers-{use}"
        self._asked: dict[str, _Asked] = {}

    def ask(
        self,
        path: str,
        question: str,
        names: Iterable[str],
        find: Callable[[SparseElf], _Answer],
        otherwise: _Answer,
    ) -> _Answer:
        """The file's answer; `otherwise` if it is damaged or cannot be read.

        `question` is a word for what is asked of the names; `find` returns a value of plain types.
        """
        if path not in self._asked:
            try:
                key = identity(os.stat(path))  # noqa: PTH116 - called for each object
            except OSError:
                return otherwise
            self._asked[path] = _Asked(key, self._store.get(self._kind, path, key))
        asked = self._asked[path]
        text = "\n".join(sorted(names)).encode("utf-8", "surrogateescape")
        asked_for = f"{question} {blake2b(text, digest_size=16).hexdigest()}"
        with suppress(OSError):  # another run may be allowed to read it
            return cast("_Answer", asked.answer(asked_for, lambda: _found(path, find, otherwise)))
        return otherwise

    def exported(self, path: str, names: Collection[str]) -> frozenset[str]:
        """Those of some names that an object exports."""
        if not names:
            return frozenset()
        return frozenset(
            self.ask(path, "exported", names, lambda elf: tuple(elf.exports(names)), NO_NAMES)
        )

    def save(self) -> None:
        """Keep what is new."""
        for path, asked in self._asked.items():
            if asked.changed:
                self._store.put(self._kind, path, asked.identity, asked.answers)
        self._store.save()


class _Asked:
    """The answers of one file in this run."""

    def __init__(self, identity: Identity, before: object) -> None:
        self.identity = identity
        self.answers: dict[str, Any] = {}
        self.changed = False
        self._before: dict[str, Any] = before if isinstance(before, dict) else {}

    def answer(self, question: str, find: Callable[[], object]) -> object:
        if question not in self.answers:
            if question in self._before:
                self.answers[question] = self._before[question]
            else:
                self.answers[question] = find()
                self.changed = True
        return self.answers[question]


def _found(path: str, find: Callable[[SparseElf], _Answer], otherwise: _Answer) -> _Answer:
    """The answer of the file itself; raises OSError if it cannot be read."""
    with open_plain(path) as stream:
        try:
            return find(SparseElf(stream, path))
        except ElfError:
            return otherwise
