"""Texts shortened to a width, for a drawing that cannot measure a font.

In: a text, the width and a font. Out: the text, shortened in the middle if it is too long, because
names end with a version. Widths are those of a wide font, so that no text overflows.
"""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import east_asian_width

from cxxrt_toolchain.report.page.markup import visible

_ELLIPSIS = "…"
_NARROW = frozenset("ijlftrI.,:;'|!·/()[]- ")
_WIDE = frozenset("mwMW@%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Font:
    """The properties of a font that decide on a text's width."""

    size: float
    fixed: bool = False
    """Every character is 0.605 of the size wide."""
    bold: bool = False

    def width(self, text: str) -> float:
        """The estimated width of a text."""
        return sum(self._share(char) for char in text) * self.size * (1.14 if self.bold else 1)

    def _share(self, char: str) -> float:
        if east_asian_width(char) in "FW":
            return 1.2
        if self.fixed:
            return 0.605
        if char in _NARROW:
            return 0.38
        if char in _WIDE:
            return 0.95
        return 0.7 if char.isupper() else 0.62


def fitted(text: str, room: float, font: Font) -> str:
    """The text, or its start and end with an ellipsis between them."""
    text = visible(text).replace("\n", " ")
    if font.width(text) <= room:
        return text
    tail = _taken(text[::-1], room / 3, font)[::-1]
    return f"{_taken(text, room - font.width(_ELLIPSIS + tail), font)}{_ELLIPSIS}{tail}"


def _taken(text: str, room: float, font: Font) -> str:
    taken, width = 0, 0.0
    for char in text:
        width += font.width(char)
        if width > room:
            break
        taken += 1
    return text[:taken]
