"""A header block (RFC 822) as raw fields, so that what is not edited stays byte for byte."""

import re
from collections.abc import Collection, Iterator

FIELD = re.compile(rb"([A-Za-z0-9_-]+)[ \t]*:[ \t]*(.*)", re.DOTALL)
"""Name and value of a raw field."""
_TIDY = re.compile(rb"(?:[A-Za-z0-9-]+:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*(?:\r?\n|\Z))+")
_BLANK = re.compile(rb"\r?\n(?=\r?\n|\Z)|\A(?=\r?\n)")


def split_body(text: bytes) -> tuple[bytes, bytes]:
    """The fields, and the rest; the rest starts with the blank line, if there is one."""
    match = _BLANK.search(text)
    if match is None:
        return text, b""
    return text[: match.end()], text[match.end() :]


def raw_fields(head: bytes) -> Iterator[bytes]:
    """Each field with its continuation lines and line ends."""
    field: list[bytes] = []
    for line in head.splitlines(keepends=True):
        if field and line[:1] not in (b" ", b"\t"):
            yield b"".join(field)
            field = []
        field.append(line)
    if field:
        yield b"".join(field)


def tidy_values(text: bytes, names: Collection[str]) -> dict[str, list[str]] | None:
    """The values of some fields, by lower-case name; folded lines stay folded.

    None where the fields are not so plain that every reader, the standard library's ``email`` first
    of all, must read them alike; importing that one takes longer than reading a wheel.
    """
    head, _ = split_body(text)
    if not _TIDY.fullmatch(head):
        return None
    found: dict[str, list[str]] = {}
    for field in raw_fields(head):
        name, _, value = field.partition(b":")
        key = name.decode().lower()
        if key in names:
            if not value.isascii():
                return None
            found.setdefault(key, []).append(value.decode().lstrip(" \t").rstrip("\r\n"))
    return found
