"""To which definitions the loader has bound the symbols of a process, as its memory shows it."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Bound(NamedTuple):
    """A symbol that an object defines and that is bound to another object's definition."""

    name: str
    unique: bool
    """The definition in use is ``STB_GNU_UNIQUE``, which is shared in every dlopen mode. The
    object's own definition may have another binding."""
    sizes: tuple[int, int] | None
    """Sizes of a variable or vtable, own and in use; None unless both are known."""
    layout: bool
    """Whether the size is that of a class or of writable data, not of a constant table."""
    data: bool = False
    """Whether it is a variable or a table, not a function."""

    @property
    def mismatched(self) -> bool:
        """Whether the two definitions differ in size."""
        return self.sizes is not None and self.sizes[0] != self.sizes[1]

    @property
    def incompatible(self) -> bool:
        """Whether the two objects use different layouts of one class or variable."""
        return self.layout and self.mismatched


@dataclass(frozen=True, slots=True, kw_only=True)
class LocaleTable:
    """The numbers that one copy of libstdc++ uses for its locale's facets."""

    path: str
    numbers: tuple[tuple[str, int], ...]
    """By facet, in the order of `FACETS`; 0 means not numbered yet."""
    bound_to: str
    """Path of the copy that provides its plain numbers, usually its own."""

    @property
    def collisions(self) -> tuple[str, ...]:
        """Facets that share a number with another one."""
        used = [number for _, number in self.numbers if number]
        return tuple(name for name, number in self.numbers if used.count(number) > 1)

    @property
    def is_own(self) -> bool:
        """Whether the copy uses its own plain numbers."""
        return self.bound_to == self.path

    def __str__(self) -> str:
        return ", ".join(f"{facet} = {number}" for facet, number in self.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """All bindings of one process that the rules judge."""

    pairs: dict[tuple[str, str], tuple[Bound, ...]] = field(default_factory=dict)
    """(Path of the object that defines the symbols, path of the object in use) to the symbols."""
    locales: tuple[LocaleTable, ...] = ()
    idle: tuple[str, ...] = ()
    """Paths of copies of libcudart that are needed and to which no symbol is bound."""


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
