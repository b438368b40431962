"""Counts, lists and foreign names in sentences for people. Text only."""

from collections.abc import Iterable, Sequence

NEWLINE = "\n"
"""What an error of several lines keeps: the end of a step's log, for example."""
_SURROGATE_BYTES = range(0xDC80, 0xDD00)
_LATIN_1, _BASIC_PLANE = range(0x100), range(0x10000)


def counted(count: int, noun: str, plural: str = "") -> str:
    """``1 symbol``, ``2 symbols``; ``2 libraries`` with the plural given."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"


def listed(names: Iterable[str], most: int = 4) -> str:
    """``a``, ``a and b``, ``a, b and c``; with more than `most` names ``a, b, c and 4 more``."""
    found = list(names)
    if len(found) > most:
        found = [*found[: most - 1], f"{len(found) - most + 1} more"]
    return " and ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))


def shortened(lines: Sequence[str], most: int = 6) -> tuple[str, ...]:
    """At most that many lines; the last one says how many are left out."""
    if len(lines) <= most:
        return tuple(lines)
    return (*lines[: most - 1], f"and {len(lines) - most + 1} more")


def quoted(text: str, most: int = 120) -> str:
    """The text in quotes, with escapes; of a long one its beginning and its length."""
    if len(text) <= most:
        return repr(text)
    return f"{text[:most]!r}… ({len(text)} characters)"


def printable(text: str, *, keep: str = "") -> str:
    """The text with everything that does not print as an escape, except the characters to keep.

    So no name controls a terminal, hides itself or reorders the text beside it.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else _escape(ord(char)) for char in text
    )


def _escape(code: int) -> str:
    """As Python writes it; a byte that is not UTF-8 (`os.fsdecode`) as that byte."""
    if code in _SURROGATE_BYTES:
        return f"\\x{code - 0xDC00:02x}"
    if code in _LATIN_1:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code in _BASIC_PLANE else f"\\U{code:08x}"
