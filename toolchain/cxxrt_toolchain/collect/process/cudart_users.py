"""The copies of libcudart that are loaded and that no object is bound to.

A copy with a file name of its own is loaded beside one that is already there; if that one is
global, all objects are bound to it. torch 2.14.1 loads NVIDIA's libcudart RTLD_GLOBAL, and
torchvision 0.29.1 needs its own copy as ``libcudart.faf08d9a.so.13``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, BinaryIO

from cxxrt_toolchain.elf.dynamic import Dynamic
from cxxrt_toolchain.elf.image import ElfError, ElfImage
from cxxrt_toolchain.elf.references import read_imports
from cxxrt_toolchain.facts.families import RuntimeFamily, canonical_soname

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.libraries import Library

_FUNCTIONS = ("cuda", "__cuda")
Places = dict[str, tuple[tuple[str, ...], "tuple[int, ...] | None"]]
"""By path of an object that needs a copy: the copies that it may use, and the places that receive
the addresses of libcudart's functions, before the load address is added; None where its file
cannot be read."""


def read_places(
    libraries: Iterable[Library],
    needed: Mapping[str, tuple[str, ...]],
    open_file: Callable[[str], BinaryIO],
) -> Places:
    """The places that say which copy is used; empty unless two copies of one libcudart are loaded.

    `needed` is ``DT_NEEDED`` by path, of those objects that can be read.
    """
    known = [each for each in libraries if each.path in needed]
    copies: dict[str, list[Library]] = {}
    for each in known:
        if each.family is RuntimeFamily.LIBCUDART:
            copies.setdefault(canonical_soname(each.soname), []).append(each)
    found: Places = {}
    for rivals in copies.values():
        if len(rivals) > 1:
            for each in known:
                own = tuple(copy.path for copy in rivals if _may_use(needed[each.path], copy))
                if own and each.family is None:
                    found[each.path] = (own, _places(each.path, open_file))
    return found


def _may_use(needed: tuple[str, ...], copy: Library) -> bool:
    return copy.soname in needed or copy.path.rpartition("/")[2] in needed


def _places(path: str, open_file: Callable[[str], BinaryIO]) -> tuple[int, ...] | None:
    try:
        with open_file(path) as stream:
            image = ElfImage(stream, path)
            return read_imports(image, Dynamic(image), lambda name: name.startswith(_FUNCTIONS))
    except (ElfError, OSError):
        return None


def idle_copies(places: Places, bound: Callable[[str, int], str]) -> tuple[str, ...]:
    """The copies that an object needs and that no object is bound to, sorted.

    `bound` gives the path of the object that a place of an object points into; empty if unknown.
    """
    used: set[str] = set()
    resolved: set[str] = set()
    unresolved: set[str] = set()
    for path, (own, rows) in places.items():
        # A slot that is bound at the first call only points into its own object until then.
        targets = {bound(path, place) for place in rows or ()} - {"", path}
        used |= targets
        if targets:
            resolved.update(own)
        elif rows != ():
            unresolved.update(own)
    return tuple(sorted(resolved - used - unresolved))
