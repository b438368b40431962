"""Lines and tables: in colour and folded to its width on a terminal, whole and plain elsewhere.

No library does it: every isolated build of a downstream project would install that, too.
"""

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TextIO, TypeAlias

from cxxrt_toolchain.wording import printable

Text: TypeAlias = Sequence[tuple[str, str]]
"""Texts, each with its style: words such as ``bold red``, or none."""

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
_PIECE = re.compile(r"\n|[^\S\n]+|\S+")


class Page:
    """Where lines go. Names are shown with escapes, so that none of them draws on a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        terminal = self._stream.isatty()
        forced = any(map(os.environ.get, ("FORCE_COLOR", "TTY_COMPATIBLE")))
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self._coloured = forced or (terminal and not plain)
        self.width = shutil.get_terminal_size().columns if terminal else sys.maxsize
        """The columns of the terminal."""

    def line(self, *parts: tuple[str, str]) -> None:
        """Write one line, neither folded nor changed, so that it can be copied and grepped."""
        self._write((printable(text), style) for text, style in parts)

    def table(self, rows: Sequence[Sequence[Text]], gap: int = 2) -> None:
        """Write rows of cells; the widest columns are folded until all fit the terminal."""
        widths = [max(map(_columns, column)) for column in zip(*rows, strict=True)]
        while sum(widths) + gap * (len(widths) - 1) > self.width and max(widths) > 1:
            widths[widths.index(max(widths))] -= 1
        for row in rows:
            cells = [list(_folded(cell, width)) for cell, width in zip(row, widths, strict=True)]
            for number in range(max(map(len, cells))):
                self._write(_beside(cells, widths, number, gap))

    def _write(self, parts: Iterable[tuple[str, str]]) -> None:
        for style, group in groupby(parts, itemgetter(1)):
            text = "".join(text for text, _ in group)
            codes = ";".join(str(_CODES[word]) for word in style.split())
            shown = f"\x1b[{codes}m{text}\x1b[0m" if codes and self._coloured else text
            self._stream.write(shown)
        self._stream.write("\n")


def _columns(cell: Text) -> int:
    """What a cell takes on the screen; of several lines the widest."""
    text = "".join(printable(text, keep="\n") for text, _ in cell)
    return max(map(_width, text.split("\n")))


def _width(text: str) -> int:
    return len(text) + sum(unicodedata.east_asian_width(char) in "FW" for char in text)


def _folded(cell: Text, width: int) -> Iterator[Text]:
    """The lines of a cell: broken between words, and within one that no line can hold."""
    line: list[tuple[str, str]] = []
    room = width
    for text, style in cell:
        for piece in _PIECE.findall(printable(text, keep="\n")):
            word = piece
            if word == "\n" or (_width(word) > room and line and not word.isspace()):
                yield line
                line, room = [], width
            while _width(word) > width:
                most = width if word.isascii() else max(1, width // 2)
                yield [(word[:most], style)]
                word = word[most:]
            if word.isspace() and (not line or len(word) > room):
                continue
            line.append((word, style))
            room -= _width(word)
    yield line


def _beside(
    cells: Sequence[Sequence[Text]], widths: Sequence[int], number: int, gap: int
) -> Iterator[tuple[str, str]]:
    """One line of a row; there are blanks only before a cell that has text on it."""
    blanks = 0
    for lines, width in zip(cells, widths, strict=True):
        line = lines[number] if number < len(lines) else ()
        if line:
            yield " " * blanks, ""
            yield from line
            blanks = 0
        blanks += width + gap - (_columns(line) if line else 0)
