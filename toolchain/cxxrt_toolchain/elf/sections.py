"""The section headers, and the constants and compiler names that they lead to.

No loader needs section headers: what is wrong with them makes the answer empty, never an error, and
without them the read-only segments stand in for the constants. Source: gABI chapter 4, "Sections".
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from cxxrt_toolchain.elf.image import PF_W, PT_LOAD, ElfError, ElfImage

_LARGEST_NAMES = _LARGEST_COMMENT = 1 << 16
_MOST = 1 << 12
_BLOCK = 1 << 20
_PROGBITS = 1
_WRITE, _ALLOC, _EXECUTE = 1, 2, 4
_NO_TEXTS = (b".eh_frame", b".gcc_except_table", b".nv", b".note", b".interp")
"""How the names of sections begin that are constant and hold no program's own constants."""


class Section(NamedTuple):
    """One section header."""

    name: bytes
    type: int
    flags: int
    offset: int
    size: int


def read_comment(image: ElfImage) -> tuple[str, ...]:
    """Each compiler in ``.comment``, such as ``GCC: (GNU) 11.2.1 20220127``, in file order."""
    for section in read_sections(image):
        if section.name == b".comment":
            with suppress(ElfError):
                size = min(section.size, _LARGEST_COMMENT)
                text = image.read(section.offset, size, "the compilers' names")
                pieces = text.decode("utf-8", "replace").split("\0")
                return tuple(dict.fromkeys(filter(None, map(str.strip, pieces))))
    return ()


def read_sections(image: ElfImage) -> tuple[Section, ...]:
    """All sections, in table order; empty if the table is missing or wrong."""
    try:
        return _sections(image)
    except ElfError:
        return ()


def read_constants(image: ElfImage) -> Iterator[bytes]:
    """The constant data of an object, in blocks of at most a megabyte; what is missing is not."""
    for offset, size in _places(image):
        with suppress(ElfError):  # the section headers are wrong
            for start in range(0, size, _BLOCK):
                yield image.read(offset + start, min(_BLOCK, size - start), "the constants")


def _places(image: ElfImage) -> list[tuple[int, int]]:
    sections = read_sections(image)
    if sections:
        return [(each.offset, each.size) for each in sections if _is_constant(each)]
    read_only = (s for s in image.segments if s.type == PT_LOAD and not s.flags & PF_W)
    return [(each.offset, each.file_size) for each in read_only]


def _is_constant(section: Section) -> bool:
    plain = section.type == _PROGBITS and not section.name.startswith(_NO_TEXTS)
    return plain and section.flags & (_WRITE | _ALLOC | _EXECUTE) == _ALLOC


def _sections(image: ElfImage) -> tuple[Section, ...]:
    head = image.layout("QQQIHHHHHH", "IIIIHHHHHH")
    _, _, table, _, _, _, _, size, count, names = head.unpack(
        image.read(24, head.size, "the ELF header")
    )
    entry = image.layout("IIQQQQIIQQ", "IIIIIIIIII")
    if not table or size != entry.size or count > _MOST or names >= count:
        return ()
    data = image.read(table, size * count, "the section headers")
    rows = list(entry.iter_unpack(data))
    _, _, _, _, offset, length, *_ = rows[names]
    strings = image.read(offset, min(length, _LARGEST_NAMES), "the section names")
    return tuple(
        Section(strings[name : strings.find(b"\0", name)], kind, flags, offset, length)
        for name, kind, flags, _, offset, length, *_ in rows
    )
