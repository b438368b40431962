"""A list of files <-> bytes that a fuzzer can mutate without breaking every checksum.

A wheel is a zip with a CRC-32 and a RECORD hash per member: a random change of its bytes is refused
at the door. So the fuzzer changes this framing, and the wheel is made of it anew. Any bytes decode
to some list; what `encode` wrote decodes to what it was given.

One part: flags (1 byte), size of the name (1), size of the content (2, little endian), both texts.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_HEAD = struct.Struct("<BBH")
MAX_CONTENT = 0xFFFF

DEFLATED, EXECUTABLE, UNRECORDED = 1, 2, 4


class Part(NamedTuple):
    """One file; the first part's name is the wheel's, its content chooses options."""

    flags: int
    name: bytes
    content: bytes


def decode(data: bytes) -> list[Part]:
    """Every part that begins in the bytes; the last one may be cut short."""
    parts = []
    at = 0
    while at + _HEAD.size <= len(data):
        flags, name_size, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        name, content = data[at : at + name_size], data[at + name_size : at + name_size + size]
        at += name_size + size
        parts.append(Part(flags, name, content))
    return parts


def encode(parts: list[Part]) -> bytes:
    """The bytes of parts whose names have less than 256 bytes and contents less than 65536."""
    return b"".join(
        _HEAD.pack(part.flags, len(part.name), len(part.content)) + part.name + part.content
        for part in parts
    )
