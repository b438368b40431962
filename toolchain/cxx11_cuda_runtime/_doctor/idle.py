"""Which of several copies of a libcudart is mapped and used by nobody.

What goes in: what is loaded. What comes out: paths. A copy that is needed by its file's name is
loaded beside the one that is there; where that one is global, everybody is bound to that one and
the copy has no state that matters. Reads this process's own memory through /proc, which refuses
what is not mapped.
"""

from __future__ import annotations

import os

from cxx11_cuda_runtime import _linkmap
from cxx11_cuda_runtime._blame.elf import read_slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cxx11_cuda_runtime._diagnosis import LoadedObject

_CUDART = "libcudart.so."
_FUNCTIONS = (b"cuda", b"__cuda")


def idle_copies(
    objects: tuple[LoadedObject, ...], needs: dict[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Copies that are needed, and whose users are all bound to another one; sorted.

    Args:
        objects: What is loaded.
        needs: What each needs, by path.
    """
    copies: dict[str, list[str]] = {}
    for each in objects:
        if each.soname.startswith(_CUDART) and not each.deleted:
            copies.setdefault(each.soname, []).append(each.path)
    names = {
        path: {soname, path.rpartition("/")[2]}
        for soname, paths in copies.items()
        if len(paths) > 1
        for path in paths
    }
    if not names:
        return ()
    try:
        bases = dict(_linkmap.loaded())
        memory = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    except (ImportError, OSError):
        return ()
    used: set[str] = set()
    told: set[str] = set()
    try:
        for user, needed in needs.items():
            own = {path for path, those in names.items() if those.intersection(needed)}
            if own:
                used |= _bound(user, own, names, bases, memory)
                told |= own
    finally:
        os.close(memory)
    return tuple(sorted(told - used))


def _bound(
    path: str, own: set[str], copies: Iterable[str], bases: dict[str, int], memory: int
) -> set[str]:
    """The copies that an object's references lead to; its own, where that cannot be seen."""
    slots = read_slots(path, *_FUNCTIONS)
    ranges = [(copy, bases.get(copy, 0), read_slots(copy)) for copy in copies]
    if slots is None or path not in bases:
        return own
    found = set()
    for word in slots.words:
        try:
            value = int.from_bytes(os.pread(memory, 8, bases[path] + word), "little")
        except OSError:
            return own
        for copy, base, span in ranges:
            if span and span.start <= value - base < span.end:
                found.add(copy)
    # A slot that is bound at the first call only points into its own object until then.
    return found or (own if slots.words else set())
