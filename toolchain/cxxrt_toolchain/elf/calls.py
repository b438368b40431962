"""Constant strings that an object's code passes to functions of others, as the second argument.

Found where the code says so in plain words: ``lea`` of a constant's address into the argument's
register, and within a few instructions the call. Only x86-64; elsewhere, and where a compiler has
done it otherwise, the answer is empty.

Source: System V psABI for x86-64 (3.2.3, argument registers; 5.2, the procedure linkage table).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from cxxrt_toolchain.elf import dynamic as dt
from cxxrt_toolchain.elf.image import PF_X, PT_LOAD, ElfError, ElfImage
from cxxrt_toolchain.elf.references import relocations

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.dynamic import Dynamic

_EM_X86_64 = 62
_SLOTS = (6, 7)
"""``R_X86_64_GLOB_DAT`` and ``R_X86_64_JUMP_SLOT``."""
_MOST_CODE = 1 << 20
"""Bytes; what a generator has written in more names its capsules at run time."""
_LEA = b"\x48\x8d\x35"
"""``lea rsi, [rip + offset]``: the second argument; seven bytes."""
_LEA_SIZE = 7
_NEXT = re.compile(_LEA + rb"|[\xe8\xe9](?=(....))|\xff[\x15\x25]", re.DOTALL)
"""What may follow: another argument; ``call`` or ``jmp`` to a stub; the same through a slot."""
_INDIRECT = re.compile(rb"\xff[\x15\x25](....)", re.DOTALL)
"""``call`` or ``jmp`` through a slot: in a table of stubs, or in the code itself."""
_STUB_HEADS = (0, 1, 4, 5)
"""Bytes that a stub may have before its jump: ``bnd``, ``endbr64``, both."""
_NEAR = 32
"""Bytes between an argument and its call."""
_LONGEST = 256


def string_arguments(
    image: ElfImage, dynamic: Dynamic, functions: Collection[str]
) -> dict[str, frozenset[str]]:
    """The second arguments of each function; `ElfError` where the tables contradict themselves."""
    found: dict[str, set[str]] = {name: set() for name in functions}
    if image.header.machine == _EM_X86_64 and image.wide:
        slots = dict(_slots(image, dynamic, functions))
        for start, code in _code(image) if slots else ():
            for lea, name in _calls(start, code, slots):
                end = lea + _LEA_SIZE
                place = start + end + _signed(code[lea + len(_LEA) : end])
                found[name].update(_string(image, place))
    return {name: frozenset(strings) for name, strings in found.items()}


def _slots(
    image: ElfImage, dynamic: Dynamic, functions: Collection[str]
) -> Iterator[tuple[int, str]]:
    """The words that the loader fills with the functions' addresses."""
    entry = image.layout("IBBHQQ")
    names: dict[int, str] = {}
    for place, kind, symbol in zip(*relocations(image, dynamic), strict=True):
        if kind not in _SLOTS or symbol >= image.limits.symbols:
            continue
        if symbol not in names:
            start = dynamic.require(dt.DT_SYMTAB, "DT_SYMTAB") + symbol * entry.size
            row = entry.unpack(image.read_at(start, entry.size, "a dynamic symbol"))
            names[symbol] = dynamic.strings.at(row[0], "a symbol's name")
        if names[symbol] in functions:
            yield place, names[symbol]


def _code(image: ElfImage) -> Iterator[tuple[int, bytes]]:
    for load in image.segments:
        if load.type == PT_LOAD and load.flags & PF_X and load.file_size <= _MOST_CODE:
            yield load.address, image.read(load.offset, load.file_size, "the code")


def _calls(start: int, code: bytes, slots: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    """Where an argument is loaded, and the function called with it, by its slot or its stub."""
    entries = {}
    for match in _INDIRECT.finditer(code):
        name = slots.get(start + match.end() + _signed(match[1]))
        if name:
            entries.update({start + match.start() - head: name for head in _STUB_HEADS})
    lea = code.find(_LEA) if entries else -1
    while lea >= 0:
        name = _called(start, code, lea + _LEA_SIZE, entries)
        if name:
            yield lea, name
        lea = code.find(_LEA, lea + _LEA_SIZE)


def _called(start: int, code: bytes, position: int, entries: Mapping[int, str]) -> str:
    """The first of the functions that is called soon; empty where the argument is loaded anew."""
    for match in _NEXT.finditer(code, position, position + _NEAR):
        at = match.start()
        if match[0] == _LEA:
            break
        target = start + at
        if match[1]:
            target = start + at + 5 + _signed(match[1])
        if target in entries:
            return entries[target]
    return ""


def _signed(four: bytes) -> int:
    return int.from_bytes(four, "little", signed=True)


def _string(image: ElfImage, address: int) -> Iterator[str]:
    try:
        data = image.available(address, _LONGEST, "a string")
    except ElfError:  # not in the file: a variable, or no argument at all
        return
    text, end, _ = data.partition(b"\0")
    if end and text and text.isascii() and text.decode().isprintable():
        yield text.decode()
