"""Where a process crashed, read while its signal handler waits in a write to a known pipe.

The answer is the object and the function that were interrupted, and the objects that lie below on
the stack. The kernel has put the interrupted registers on the stack of the handler; callers are
words of the interrupted stack that follow a call instruction, so an old one may be among them.
x86-64 only; on other machines, and where nothing is found, the answer is None.

Source: arch/x86/include/uapi/asm/sigcontext.h and ucontext.h of Linux; proc_pid_syscall(5).
"""

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from cxxrt_toolchain.collect.process.memory import AddressMap, Memory, open_memory
from cxxrt_toolchain.collect.process.procfs import Mapping, mappings_now
from cxxrt_toolchain.elf.facts import SymbolType
from cxxrt_toolchain.elf.image import ElfError
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.facts.imports.run import CrashSite
from cxxrt_toolchain.plain_files import open_plain

_WRITE = 1
"""The number of write(2) on x86-64."""
_WORD = 8
_HANDLER_STACK = 1 << 16
_CALLER_STACK = 1 << 13
_CALLERS = 8
# struct ucontext: flags, link, stack (address, flags, size), then the general registers.
_CONTEXT = struct.Struct("=QQQiiQ")
_REGISTERS_SP, _REGISTERS_PC = 160, 168
_SS_DISABLE = 2
_LARGEST_SIGNAL_STACK = 1 << 24
_PATIENCE = 1.0
"""Seconds until the handler has come to its write."""
# The shapes of a call: how far before the return address, and the bytes there.
_CALLS = (
    (5, (0xE8,), range(256)),
    (2, (0xFF,), range(0xD0, 0xD8)),
    (3, (0xFF,), range(0x50, 0x58)),
    (6, (0xFF,), (0x15, *range(0x90, 0x98))),
)


def find_crash_site(pid: int, descriptor: int) -> CrashSite | None:
    """The place where the handler writes to that descriptor, as the process numbers it."""
    if os.uname().machine != "x86_64":
        return None
    pointer = _stack_of_writer(pid, descriptor)
    if pointer is None:
        return None
    mappings = mappings_now(pid)
    with open_memory(pid) as memory:
        if memory is None:
            return None
        interrupted = _interrupted(memory, pointer)
        return _site(memory, mappings, *interrupted) if interrupted else None


def _stack_of_writer(pid: int, descriptor: int) -> int | None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        for task in Path(f"/proc/{pid}/task").glob("*"):
            words = _syscall(task)
            if len(words) == 9 and int(words[0]) == _WRITE and int(words[1], 16) == descriptor:  # noqa: PLR2004 - number, six arguments, stack, program
                return int(words[7], 16)
        time.sleep(0.01)
    return None


def _syscall(task: Path) -> list[str]:
    try:
        return (task / "syscall").read_text(encoding="ascii").split()
    except OSError:
        return []


def _interrupted(memory: Memory, pointer: int) -> tuple[int, int] | None:
    """The interrupted program counter and stack pointer, from the kernel's signal frame."""
    data = memory.read(pointer, _HANDLER_STACK)
    for offset in range(0, len(data) - _REGISTERS_PC - _WORD, _WORD):
        _, link, start, flags, _, size = _CONTEXT.unpack_from(data, offset)
        if link or size > _LARGEST_SIGNAL_STACK:
            continue
        on_own_stack = flags in (0, 1) and size and start <= pointer < start + size
        on_threads_stack = flags == _SS_DISABLE and not start and not size
        if on_own_stack or on_threads_stack:
            stack, program = struct.unpack_from("=QQ", data, offset + _REGISTERS_SP)
            if memory.word(stack & ~7) is not None:
                return program, stack
    return None


def _site(memory: Memory, mappings: tuple[Mapping, ...], program: int, stack: int) -> CrashSite:
    code = AddressMap((each.start, each.end, each.path) for each in mappings if each.is_code)
    path = code.owner(program)
    base = {each.path: each.start for each in reversed(mappings)}
    callers = dict.fromkeys(_callers(memory, code, stack))
    callers.pop(path, None)
    return CrashSite(
        address=program,
        path=path,
        function=_function(path, program - base[path]) if path else "",
        callers=tuple(callers)[:_CALLERS],
    )


def _callers(memory: Memory, code: AddressMap, stack: int) -> Iterator[str]:
    data = memory.read(stack & ~7, _CALLER_STACK)
    for (value,) in struct.iter_unpack("=Q", data[: len(data) - len(data) % _WORD]):
        path = code.owner(value)
        if path and _follows_a_call(memory.read(value - 6, 6)):
            yield path


def _follows_a_call(before: bytes) -> bool:
    return len(before) == 6 and any(  # noqa: PLR2004 - as it was asked for
        before[-back] in first and before[-back + 1] in second for back, first, second in _CALLS
    )


def _function(path: str, offset: int) -> str:
    """The exported function that the place is in, or that is the nearest before it."""
    try:
        with open_plain(path) as stream:
            symbols = read_elf(stream, path, symbols=True).symbols or ()
    except (OSError, ElfError):
        return ""
    found = [
        each
        for each in symbols
        if each.defined
        and each.type in (SymbolType.FUNC, SymbolType.IFUNC)
        and each.address <= offset < each.address + each.size
    ]
    return max(found, key=lambda each: each.address).name if found else ""
