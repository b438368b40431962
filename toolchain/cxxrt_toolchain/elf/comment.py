"""Which compilers an object's pieces were made by: the ``.comment`` section.

What goes in: an image. What comes out: the section's strings, each once, in file order; none
where a strip tool has taken the section. The only code that reads section headers, which no
loader needs: what is wrong with them makes the answer empty, never an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.image import ElfError

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.image import ElfImage

_LARGEST = 1 << 16
_SECTIONS = 1 << 12


def read_comment(image: ElfImage) -> tuple[str, ...]:
    """The strings, such as ``GCC: (GNU) 11.2.1 20220127 (Red Hat 11.2.1-9)``."""
    try:
        text = _section(image, b".comment")
    except ElfError:
        return ()
    pieces = (piece.decode("utf-8", "replace").strip() for piece in text.split(b"\0"))
    return tuple(dict.fromkeys(piece for piece in pieces if piece))


def _section(image: ElfImage, wanted: bytes) -> bytes:
    head = image.layout("QQQIHHHHHH", "IIIIHHHHHH")
    _, _, table, _, _, _, _, size, count, names = head.unpack(
        image.read(24, head.size, "the ELF header")
    )
    entry = image.layout("IIQQQQIIQQ", "IIIIIIIIII")
    if not table or size != entry.size or count > _SECTIONS or names >= count:
        return b""
    data = image.read(table, size * count, "the section headers")
    rows = list(entry.iter_unpack(data))
    _, _, _, _, offset, length, *_ = rows[names]
    strings = image.read(offset, min(length, _LARGEST), "the section names")
    for name, _, _, _, offset, length, *_ in rows:
        if strings[name : strings.find(b"\0", name)] == wanted:
            return image.read(offset, min(length, _LARGEST), "the compilers' names")
    return b""
