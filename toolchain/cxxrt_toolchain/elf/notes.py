"""The notes of an ELF file: its build id, and which processor features it was built for.

No loader refuses a file for its notes: what is wrong with them makes the answer empty.

Source: gABI chapter 5, "Note Section"; ``NT_GNU_BUILD_ID``: binutils, ``ld --build-id``;
``.note.gnu.property``: "Linux Extensions to gABI" and the AArch64 and x86-64 psABIs.
"""

from collections.abc import Iterator

from cxxrt_toolchain.elf.image import PT_GNU_PROPERTY, PT_NOTE, ElfError, ElfImage, Segment

_GNU = b"GNU\0"
_NT_GNU_BUILD_ID = 3
_NT_GNU_PROPERTY_TYPE_0 = 5
_EM_386, _EM_X86_64, _EM_AARCH64 = 3, 62, 183
_X86_FEATURES, _X86_LEVELS = 0xC0000002, 0xC0008002
_BITS: dict[tuple[int, int], tuple[str, ...]] = {
    (_EM_386, _X86_FEATURES): ("IBT", "SHSTK"),
    (_EM_X86_64, _X86_FEATURES): ("IBT", "SHSTK"),
    (_EM_X86_64, _X86_LEVELS): ("x86-64-baseline", "x86-64-v2", "x86-64-v3", "x86-64-v4"),
    (_EM_AARCH64, 0xC0000000): ("BTI", "PAC", "GCS"),
}
"""Machine and property type to the names of its bits, lowest first."""


def read_build_id(image: ElfImage) -> str:
    """The build id as hexadecimal digits, empty where the linker wrote none."""
    found = (_gnu_notes(image, each, _NT_GNU_BUILD_ID) for each in _note_segments(image))
    return next((content.hex() for contents in found for content in contents), "")


def read_properties(image: ElfImage) -> tuple[str, ...]:
    """The known property bits of one file, in the order of the specification."""
    segment = image.last(PT_GNU_PROPERTY)
    names: dict[str, None] = {}
    for each in (segment,) if segment else _note_segments(image):
        for content in _gnu_notes(image, each, _NT_GNU_PROPERTY_TYPE_0):
            names.update(dict.fromkeys(_properties(image, content)))
    return tuple(names)


def _properties(image: ElfImage, data: bytes) -> Iterator[str]:
    head, word = image.layout("II"), image.layout("I")
    position = 0
    while position + head.size <= len(data):
        kind, size = head.unpack_from(data, position)
        start = position + head.size
        if start + size > len(data):
            return
        names = _BITS.get((image.header.machine, kind), ())
        if names and size >= word.size:
            (bits,) = word.unpack_from(data, start)
            yield from (name for bit, name in enumerate(names) if bits >> bit & 1)
        position = _aligned(start + size, image.header.bits // 8)


def _note_segments(image: ElfImage) -> tuple[Segment, ...]:
    return tuple(s for s in image.segments if s.type == PT_NOTE and s.file_size)


def _gnu_notes(image: ElfImage, segment: Segment, wanted: int) -> Iterator[bytes]:
    """The content of GNU's notes of one type in a segment."""
    if segment.file_size > image.limits.note_bytes:
        return
    try:
        data = image.read(segment.offset, segment.file_size, "the notes")
    except ElfError:
        return
    align = 8 if segment.alignment == 8 else 4  # noqa: PLR2004 - the only two in use
    head = image.layout("III")
    position = 0
    while position + head.size <= len(data):
        name_size, size, kind = head.unpack_from(data, position)
        name_at = position + head.size
        start = _aligned(name_at + name_size, align)
        end = start + size
        if end > len(data):
            return  # old editing tools leave such notes behind; no loader minds
        if kind == wanted and data[name_at : name_at + name_size] == _GNU:
            yield data[start:end]
        position = _aligned(end, align)


def _aligned(value: int, to: int) -> int:
    return -(-value // to) * to
