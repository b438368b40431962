"""Which compilers an object's pieces were made by: the ``.comment`` section.

In: an image. Out: the section's strings, each once, in file order; none where a strip tool has
taken the section, or where the section headers are wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.image import ElfError
from cxxrt_toolchain.elf.sections import read_sections

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.image import ElfImage

_LARGEST = 1 << 16


def read_comment(image: ElfImage) -> tuple[str, ...]:
    """The strings, such as ``GCC: (GNU) 11.2.1 20220127 (Red Hat 11.2.1-9)``."""
    section = next((each for each in read_sections(image) if each.name == b".comment"), None)
    if section is None:
        return ()
    try:
        text = image.read(section.offset, min(section.size, _LARGEST), "the compilers' names")
    except ElfError:
        return ()
    pieces = (piece.decode("utf-8", "replace").strip() for piece in text.split(b"\0"))
    return tuple(dict.fromkeys(piece for piece in pieces if piece))
