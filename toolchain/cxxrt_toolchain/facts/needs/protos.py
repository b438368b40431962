"""The ``.proto`` files that an object registers in the pool of a shared libprotobuf.

Generated code holds each file's descriptor as bytes of the program: a serialized
``FileDescriptorProto``, whose first field is the name of the file (descriptor.proto).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.elf.facts import SharedObject
    from cxxrt_toolchain.elf.image import ByteSource

_BLOCK = 1 << 20
_LONGEST = 127
"""Bytes of a name whose length is one byte of the encoding; longer ones are not looked for."""
_NAME = re.compile(rb"\n([\x07-\x7f])([\w][\w./+-]*\.proto)(?=[\x12\x1a\x22\x2a\x32\x3a\x42\x62])")
"""Field 1, its length, the name, and the tag of a field that can follow."""


def shared_libprotobuf(facts: SharedObject) -> str:
    """The SONAME of the libprotobuf that an object needs; empty for none."""
    return next((name for name in facts.needed if name.startswith("libprotobuf")), "")


def registered_protos(facts: SharedObject, stream: ByteSource) -> tuple[str, ...]:
    """Names of the files, sorted; the object's bytes are read only if it needs a libprotobuf."""
    return tuple(sorted(set(_names(stream)))) if shared_libprotobuf(facts) else ()


def _names(stream: ByteSource) -> Iterator[str]:
    stream.seek(0)
    tail = b""
    while block := stream.read(_BLOCK):
        piece = tail + block
        for match in _NAME.finditer(piece):
            if match[1][0] == len(match[2]):
                yield match[2].decode("ascii", "replace")
        tail = piece[-_LONGEST - 3 :]
