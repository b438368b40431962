"""Which runtimes are linked into an object without showing in its dynamic symbols.

In: an open stream and what the dynamic symbols already said. Out: the families whose own message
texts are in the file. The scan is a plain substring search in bounded blocks; it is skipped where
the undefined symbols already prove that there is nothing to find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.audit.families import RuntimeFamily

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import BinaryIO

    from cxxrt_toolchain.audit.report import SymbolDigest
    from cxxrt_toolchain.elf.facts import SharedObject

_BLOCK = 1 << 20

# libstdc++-v3/libsupc++/vterminate.cc and pure.cc; every static libsupc++ that can throw has the
# first. The CUDA runtime's text is cudaErrorInsufficientDriver's in cudaGetErrorString.
_TEXTS = {
    RuntimeFamily.LIBSTDCXX: b"terminate called after throwing an instance of '",
    RuntimeFamily.LIBCUDART: b"CUDA driver version is insufficient for CUDA runtime version",
}


def candidates(facts: SharedObject, symbols: SymbolDigest) -> frozenset[RuntimeFamily]:
    """The families that could be linked in statically, judged by what the object needs.

    A static libsupc++ calls ``abort`` and unwinds, which takes libgcc_s or ``dl_iterate_phdr``.
    A static libcudart opens ``libcuda.so.1`` itself, which takes ``dlopen`` and ``dlsym``.
    """
    found = set()
    names = {name.split("-")[0].split(".so")[0] for name in facts.needed}
    unwinds = "libgcc_s" in names or "dl_iterate_phdr" in symbols.undefined
    if "libstdc++" not in names and "abort" in symbols.undefined and unwinds:
        found.add(RuntimeFamily.LIBSTDCXX)
    if "libcudart" not in names and {"dlopen", "dlsym"} <= symbols.undefined:
        found.add(RuntimeFamily.LIBCUDART)
    return frozenset(found)


def scan(stream: BinaryIO, families: Collection[RuntimeFamily]) -> tuple[RuntimeFamily, ...]:
    """The families of `families` whose texts the stream contains, sorted by name."""
    wanted = {family: _TEXTS[family] for family in families if family in _TEXTS}
    if not wanted:
        return ()
    overlap = max(map(len, wanted.values())) - 1
    found: set[RuntimeFamily] = set()
    stream.seek(0)
    tail = b""
    while block := stream.read(_BLOCK):
        window = tail + block
        found.update(family for family, text in wanted.items() if text in window)
        if len(found) == len(wanted):
            break
        tail = window[-overlap:]
    return tuple(sorted(found, key=lambda family: family.value))
