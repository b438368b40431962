"""The GNU property note: which processor features every piece of a file was built for.

In: an image. Out: the names of the bits that we know.

Source: "Linux Extensions to gABI", section ``.note.gnu.property``; the AArch64 and x86-64 psABIs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.image import PT_GNU_PROPERTY
from cxxrt_toolchain.elf.notes import GNU, aligned, note_segments, notes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.elf.image import ElfImage, Segment

_NT_GNU_PROPERTY_TYPE_0 = 5
_EM_386, _EM_X86_64, _EM_AARCH64 = 3, 62, 183
_X86_FEATURES = (0xC0000002, ("IBT", "SHSTK"))
_X86_LEVELS = (0xC0008002, ("x86-64-baseline", "x86-64-v2", "x86-64-v3", "x86-64-v4"))
_BITS: dict[tuple[int, int], tuple[str, ...]] = {
    (_EM_386, _X86_FEATURES[0]): _X86_FEATURES[1],
    (_EM_X86_64, _X86_FEATURES[0]): _X86_FEATURES[1],
    (_EM_X86_64, _X86_LEVELS[0]): _X86_LEVELS[1],
    (_EM_AARCH64, 0xC0000000): ("BTI", "PAC", "GCS"),
}
"""Machine and property type to the names of its bits, lowest first."""


def read_properties(image: ElfImage) -> tuple[str, ...]:
    """The known property bits of one file, in the order of the specification."""
    segment = image.first(PT_GNU_PROPERTY)
    segments = (segment,) if segment else note_segments(image)
    return tuple(dict.fromkeys(name for s in segments for name in _of_segment(image, s)))


def _of_segment(image: ElfImage, segment: Segment) -> Iterator[str]:
    for owner, kind, content in notes_of(image, segment):
        if kind == _NT_GNU_PROPERTY_TYPE_0 and owner == GNU:
            yield from _of_note(image, content)


def _of_note(image: ElfImage, data: bytes) -> Iterator[str]:
    head, word = image.layout("II"), image.layout("I")
    position = 0
    while position + head.size <= len(data):
        kind, size = head.unpack_from(data, position)
        start = position + head.size
        if start + size > len(data):
            raise image.error("a GNU property runs past its note")
        names = _BITS.get((image.header.machine, kind), ())
        if names and size >= word.size:
            (bits,) = word.unpack_from(data, start)
            yield from (name for bit, name in enumerate(names) if bits >> bit & 1)
        position = aligned(start + size, image.header.bits // 8)
