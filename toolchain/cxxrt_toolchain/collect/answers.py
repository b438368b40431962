"""What files answered to questions about their symbols, from the store if it is the same file.

A question may hold ten thousand names, so only their digest is kept.
"""

import os
from collections.abc import Callable, Collection, Iterable
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar, cast

from cxxrt_toolchain.collect.store import Identity, Store, identity
from cxxrt_toolchain.elf.reader import ElfError, SparseElf
from cxxrt_toolchain.plain_files import open_plain

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
            before = self._store.get(self._kind, path, key)
            self._asked[path] = _Asked(key, before if isinstance(before, dict) else {}, {})
        asked = self._asked[path]
        text = "\n".join(sorted(names)).encode("utf-8", "surrogateescape")
        asked_for = f"{question} {blake2b(text, digest_size=16).hexdigest()}"
        if asked_for in asked.before:
            asked.answers.setdefault(asked_for, asked.before[asked_for])
        elif asked_for not in asked.answers:
            try:
                asked.answers[asked_for] = _found(path, find, otherwise)
            except OSError:  # another run may be allowed to read it
                return otherwise
        return cast("_Answer", asked.answers[asked_for])

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
            if not asked.answers.keys() <= asked.before.keys():
                self._store.put(self._kind, path, asked.identity, asked.answers)
        self._store.save()


class _Asked(NamedTuple):
    """The answers of one file: those that were kept, and those of this run."""

    identity: Identity
    before: dict[str, Any]
    answers: dict[str, Any]


def _found(path: str, find: Callable[[SparseElf], _Answer], otherwise: _Answer) -> _Answer:
    """The answer of the file itself; raises OSError if it cannot be read."""
    with open_plain(path) as stream:
        try:
            return find(SparseElf(stream, path))
        except ElfError:
            return otherwise
