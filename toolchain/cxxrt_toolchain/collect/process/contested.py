"""Which references of loaded objects another package may have taken over.

In: for each loaded object the part of the process that it belongs to, what its file exports, and
its references. Out: those references whose symbol an object of another part defines as well; all
others are bound inside their part for certain, and their places need not be read from any process.
Compares hash values, so that it may keep a few too many. Pure, but for `read_exports`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.collect.process.references import narrowed
from cxxrt_toolchain.elf.dynamic import Dynamic
from cxxrt_toolchain.elf.image import PT_LOAD, ElfError, ElfImage
from cxxrt_toolchain.elf.name_hashes import NameHashes, hash_of, read_name_hashes

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Collection, Iterable, Mapping
    from typing import BinaryIO

    from cxxrt_toolchain.collect.process.references import ObjectReferences


class Exports(NamedTuple):
    """What a file says of itself to all others."""

    low: int
    """The lowest address of its memory, before the load address is added."""
    high: int
    """Where its memory ends, .bss included."""
    names: NameHashes


def read_exports(path: str, open_file: Callable[[str], BinaryIO]) -> Exports | None:
    """What a file exports; None where it cannot be read."""
    try:
        with open_file(path) as stream:
            image = ElfImage(stream, path)
            names = read_name_hashes(image, Dynamic(image))
    except (OSError, ElfError):
        return None
    loads = [load for load in image.segments if load.type == PT_LOAD]
    return Exports(
        low=min((load.address for load in loads), default=0),
        high=max((load.address + load.memory_size for load in loads), default=0),
        names=names,
    )


def contested(
    references: Mapping[str, ObjectReferences],
    exports: Mapping[str, Exports | None],
    group: Callable[[str], str],
) -> dict[str, ObjectReferences]:
    """Leave out what nobody else defines.

    Args:
        references: Of those objects that are looked at, by path.
        exports: Of all that is loaded, by path. Where one is not known it may define anything,
            and nothing is left out.
        group: What a path is part of.
    """
    if None in exports.values():
        return dict(references)
    shared = _shared((group(path), each.names.values) for path, each in exports.items() if each)
    found = {}
    for path, facts in references.items():
        names = _names(exports.get(path))
        found[path] = narrowed(facts, _among(shared, names)) if names else facts
    if not any(hash_of(name) in shared for facts in found.values() for _, name in facts.modules):
        # Whose thread-local variables are used is seen from numbers that need all, or none.
        found = {path: facts._replace(modules=(), own_module=None) for path, facts in found.items()}
    return found


def _names(exports: Exports | None) -> NameHashes | None:
    return exports.names if exports else None


def _shared(rows: Iterable[tuple[str, array[int]]]) -> frozenset[int]:
    """The values that objects of more than one part have."""
    parts: dict[str, set[int]] = {}
    for part, values in rows:
        parts.setdefault(part, set()).update(values)
    seen: set[int] = set()
    twice: set[int] = set()
    for values_of_part in parts.values():
        twice |= seen & values_of_part
        seen |= values_of_part
    return frozenset(twice - {0})


def _among(shared: Collection[int], names: NameHashes) -> Callable[[int], bool]:
    def is_among(symbol: int) -> bool:
        value = names.of(symbol)
        return value is None or value in shared

    return is_among
