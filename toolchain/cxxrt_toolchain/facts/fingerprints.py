"""Runtimes that are linked into an object and hidden, found by their message texts.

The bytes are searched only if the undefined symbols leave it possible.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.families import RuntimeFamily

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import SharedObject
    from cxxrt_toolchain.elf.image import ByteSource

_BLOCK = 1 << 20
_UNWINDERS = ("dl_iterate_phdr", "_dl_find_object")

# libstdc++-v3/libsupc++/vterminate.cc and pure.cc; every static libsupc++ that can throw has the
# first. The CUDA runtime's text is cudaErrorInsufficientDriver's in cudaGetErrorString.
_TEXTS = {
    RuntimeFamily.LIBSTDCXX: b"terminate called after throwing an instance of '",
    RuntimeFamily.LIBCUDART: b"CUDA driver version is insufficient for CUDA runtime version",
}

_OVERLAP = max(map(len, _TEXTS.values())) - 1


def candidates(
    facts: SharedObject, undefined: Container[str], known: Collection[RuntimeFamily] = ()
) -> frozenset[RuntimeFamily]:
    """The families that could be linked in statically, judged by what the object needs.

    A static libsupc++ prints the text with ``fputs``, calls ``abort`` and unwinds, which takes
    libgcc_s, ``dl_iterate_phdr`` or (GCC 12 and glibc 2.35 on) ``_dl_find_object``; Rust's own
    library unwinds, too, and does without stdio. A static libcudart opens ``libcuda.so.1`` itself,
    which takes ``dlopen`` and ``dlsym``.

    `undefined` holds those of `symbols.ASKED` that it needs; more do no harm: the texts decide.
    """

    def unwinds() -> bool:
        return "libgcc_s" in names or any(name in undefined for name in _UNWINDERS)

    found = set()
    names = {name.split("-")[0].split(".so")[0] for name in facts.needed}
    could_be = RuntimeFamily.LIBSTDCXX not in known and "libstdc++" not in names
    if could_be and "abort" in undefined and "fputs" in undefined and unwinds():
        found.add(RuntimeFamily.LIBSTDCXX)
    could_be = RuntimeFamily.LIBCUDART not in known and "libcudart" not in names
    if could_be and "dlopen" in undefined and "dlsym" in undefined:
        found.add(RuntimeFamily.LIBCUDART)
    return frozenset(found)


def find_texts(
    pieces: Iterable[bytes], families: Collection[RuntimeFamily]
) -> tuple[RuntimeFamily, ...]:
    """The families, of some, that have a text in an object's constants; sorted by name."""
    wanted, watch, offset = set(families), TextWatch(), 0
    for piece in pieces if wanted else ():
        watch(offset, piece)
        offset += len(piece)
        if wanted <= watch.found:
            break
    return tuple(sorted(wanted & watch.found, key=lambda family: family.value))


class TextWatch:
    """Looks for the texts in pieces of a file as they come by, so that it is read only once."""

    def __init__(self) -> None:
        self.found: set[RuntimeFamily] = set()
        self._seen = 0
        self._tail = b""

    def __call__(self, offset: int, piece: bytes) -> None:
        """Take the next piece; one that was seen before is skipped."""
        if offset != self._seen:
            return
        self._seen += len(piece)
        seam = self._tail + piece[:_OVERLAP]
        for family, text in _TEXTS.items():
            if text in piece or text in seam:
                self.found.add(family)
        self._tail = (
            (self._tail + piece)[-_OVERLAP:] if len(piece) < _OVERLAP else piece[-_OVERLAP:]
        )

    def finish(
        self, stream: ByteSource, families: Collection[RuntimeFamily]
    ) -> tuple[RuntimeFamily, ...]:
        """The families, of some, that have a text in the whole stream; sorted by name.

        What has not come by yet is read, in bounded blocks, only while something is missing.
        """
        wanted = {family for family in families if family in _TEXTS}
        while not wanted <= self.found:
            offset = stream.seek(self._seen)
            block = stream.read(_BLOCK)
            if not block:
                break
            self(offset, block)
        return tuple(sorted(wanted & self.found, key=lambda family: family.value))
