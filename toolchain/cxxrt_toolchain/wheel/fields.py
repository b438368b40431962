"""A header block as raw fields, so that what is not edited stays byte for byte.

What goes in: the bytes of WHEEL or METADATA. What comes out: its fields, each with its folded
lines and its line end, and the body. Source: RFC 822 as the core metadata specification uses it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELD = re.compile(rb"([A-Za-z0-9_-]+)[ \t]*:[ \t]*(.*)", re.DOTALL)
"""Name and value of a raw field."""
_BLANK = re.compile(rb"\r?\n(?=\r?\n|\Z)|\A(?=\r?\n)")


def split_body(text: bytes) -> tuple[bytes, bytes]:
    """The fields, and the rest; the rest starts with the blank line, if there is one."""
    match = _BLANK.search(text)
    if match is None:
        return text, b""
    return text[: match.end()], text[match.end() :]


def raw_fields(head: bytes) -> Iterator[bytes]:
    """Each field with its continuation lines and line ends."""
    field = b""
    for line in head.splitlines(keepends=True):
        if line[:1] in (b" ", b"\t") and field:
            field += line
            continue
        if field:
            yield field
        field = line
    if field:
        yield field
