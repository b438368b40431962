"""Bindings of loaded C++ objects: which definition each symbol was bound to, and locale numbers.

Frozen values, read from memory by `collect.process.bindings`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Bound(NamedTuple):
    """A symbol that an object defines and that is bound elsewhere."""

    name: str
    unique: bool
    """The winner is ``STB_GNU_UNIQUE``: shared on purpose, whatever the dlopen mode. Its own may be
    another sort where a neighbour that it needs has the unique one."""
    sizes: tuple[int, int] | None
    """Of a variable or vtable: own size and that of the winner, where both are known."""
    layout: bool
    """Whether its size is that of a class or of changeable data, not of a constant table."""

    @property
    def mismatched(self) -> bool:
        """Whether the two definitions cannot be of one release."""
        return self.sizes is not None and self.sizes[0] != self.sizes[1]

    @property
    def incompatible(self) -> bool:
        """Whether the code of the two sides sees different layouts of one thing."""
        return self.layout and self.mismatched


@dataclass(frozen=True, slots=True, kw_only=True)
class LocaleTable:
    """The numbers that one copy of libstdc++ uses for its locale's facets."""

    path: str
    numbers: tuple[tuple[str, int], ...]
    """By facet, in `FACETS`' order; 0 is not numbered yet."""
    bound_to: str
    """The copy whose plain numbers it uses; its own path where it uses its own."""

    @property
    def collisions(self) -> tuple[str, ...]:
        """Facets that share a number with another one."""
        used = [number for _, number in self.numbers if number]
        return tuple(name for name, number in self.numbers if used.count(number) > 1)

    @property
    def initialized(self) -> bool:
        """Whether its locale was ever used."""
        return dict(self.numbers).get(PLAIN_FACET, 0) != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """All of it for one process."""

    pairs: dict[tuple[str, str], tuple[Bound, ...]] = field(default_factory=dict)
    """(object that defines the symbols, object whose definitions won) -> the symbols."""
    locales: tuple[LocaleTable, ...] = ()
    idle: tuple[str, ...] = ()
    """Copies of libcudart that are needed, and that nobody is bound to."""


_STREAM = "St19{0}streambuf_iteratorIcSt11char_traitsIcEEE2idE"


FACETS = {
    "num_get<char>": "_ZNSt7num_getIc" + _STREAM.format("i"),
    "num_put<char>": "_ZNSt7num_putIc" + _STREAM.format("o"),
    "collate<char>": "_ZNSt7__cxx117collateIcE2idE",
    "codecvt<char16_t>": "_ZNSt7codecvtIDsc11__mbstate_tE2idE",
    "codecvt<wchar_t>": "_ZNSt7codecvtIwc11__mbstate_tE2idE",
    "ctype<wchar_t>": "_ZNSt5ctypeIwE2idE",
}
"""Locale facets and the variable that holds each one's number (``std::locale::id``). The first
three are ``STB_GNU_UNIQUE`` and shared by all copies, the others plain data of each copy."""


PLAIN_FACET = "ctype<wchar_t>"
