"""A remedy's commands, told from the words around them, so that each can be copied.

In: a sentence such as ``pip install x, then python -m x activate``. Out: its pieces in order; put
together again they are the sentence. A guess, and a harmless one: it decides on type and a button.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUOTED = re.compile(r"`(?P<tick>[^`\n]+)`|'(?P<quote>[^'\n]+ [^'\n]+)'")
_CLAUSE = re.compile(r"([;:] |, (?:then|or|and) )")
_START = re.compile(
    r"(?:(?:python|pip|uv|cxxrt|conda|mamba|import|export|unset|env)[0-9.]*|LD_[A-Z_]+=\S*) "
    r"|[a-z_0-9]+\.[a-z_0-9.]+\([^()]*\)(?= |$)"
)
_PROSE = re.compile(
    r",? (?=\(|(?:the|an?|of|that|its?|with|before|after|for|and|or|first|to|then)\b(?!=))"
)
"""Where a command ends and the sentence goes on."""


class Piece(NamedTuple):
    """A part of a remedy."""

    text: str
    command: bool


def pieces(remedy: str) -> Iterator[Piece]:
    """The parts; what was in backticks or quotes comes without them."""
    at = 0
    for match in _QUOTED.finditer(remedy):
        yield from _unquoted(remedy[at : match.start()])
        yield Piece(match["tick"] or match["quote"], command=True)
        at = match.end()
    yield from _unquoted(remedy[at:])


def _unquoted(text: str) -> Iterator[Piece]:
    for clause in _CLAUSE.split(text):
        start = _START.match(clause)
        end = _PROSE.search(clause, start.end() - 1 if start else 0)
        length = end.start() if end else len(clause)
        if start and length >= start.end():
            yield Piece(clause[:length], command=True)
            clause = clause[length:]  # noqa: PLW2901 - the rest of it
        if clause:
            yield Piece(clause, command=False)
