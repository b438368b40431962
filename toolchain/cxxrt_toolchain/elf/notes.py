"""The notes of an ELF file: what the linker and the compiler wrote down for later readers.

In: an image. Out: notes as (owner, type, content), and the build id.

Source: gABI chapter 5, "Note Section"; ``NT_GNU_BUILD_ID``: binutils, ``ld --build-id``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.image import PT_NOTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.elf.image import ElfImage, Segment

GNU = b"GNU\0"
_NT_GNU_BUILD_ID = 3


def note_segments(image: ElfImage) -> tuple[Segment, ...]:
    """The segments that hold notes and have bytes in the file."""
    return tuple(s for s in image.segments if s.type == PT_NOTE and s.file_size)


def read_build_id(image: ElfImage) -> str:
    """The build id as hexadecimal digits, empty where the linker wrote none."""
    for segment in note_segments(image):
        for owner, kind, content in notes_of(image, segment):
            if owner == GNU and kind == _NT_GNU_BUILD_ID:
                return content.hex()
    return ""


def notes_of(image: ElfImage, segment: Segment) -> Iterator[tuple[bytes, int, bytes]]:
    """Owner (with its zero byte), type and content of each note of a segment."""
    if segment.file_size > image.limits.note_bytes:
        raise image.error(f"notes of {segment.file_size} bytes")
    data = image.read(segment.offset, segment.file_size, "the notes")
    align = 8 if segment.alignment == 8 else 4  # noqa: PLR2004 - the only two in use
    head = image.layout("III")
    position = 0
    while position + head.size <= len(data):
        name_size, size, kind = head.unpack_from(data, position)
        name_at = position + head.size
        start = aligned(name_at + name_size, align)
        end = start + size
        if end > len(data):
            return  # old editing tools leave such notes behind; no loader minds
        yield data[name_at : name_at + name_size], kind, data[start:end]
        position = aligned(end, align)


def aligned(value: int, to: int) -> int:
    """The value, rounded up to a multiple."""
    return -(-value // to) * to
