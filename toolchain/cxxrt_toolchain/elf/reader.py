"""ELF bytes to facts: an open binary stream goes in, a `SharedObject` comes out.

Sizes and offsets in the file are never trusted: what is truncated, overlapping, cyclic or absurd
raises `ElfError` with the member's name.

Own code, because no library reads from a stream what is needed and no more. Measured with
tests/bench/elf_reader.py on numpy 2.4.6, scipy 1.17.1 and pyarrow 26.0.1, symbols included: 0.77 to
1.15 times the time that zlib takes to inflate the members (with isal 1.12); pyelftools 0.33 takes
11 to 16 times as long and needs section headers; lief 1.0 needs each file whole in memory and takes
0.6-1.1 s where this takes 0.45-0.6 (scipy's 114 objects, already inflated).
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property

from cxxrt_toolchain.elf import dynamic as dt
from cxxrt_toolchain.elf.calls import string_arguments
from cxxrt_toolchain.elf.dynamic import Dynamic
from cxxrt_toolchain.elf.facts import DynamicSymbol, SharedObject, Soname, SymbolGroup
from cxxrt_toolchain.elf.image import (
    DEFAULT_LIMITS,
    MAGIC,
    PF_X,
    PT_GNU_STACK,
    PT_LOAD,
    PT_TLS,
    ByteSource,
    ElfError,
    ElfImage,
    Limits,
)
from cxxrt_toolchain.elf.lookup import find_definitions
from cxxrt_toolchain.elf.notes import read_build_id, read_properties
from cxxrt_toolchain.elf.symbols import (
    is_program,
    read_groups,
    read_symbols,
    read_undefined,
    read_versioned_names,
)
from cxxrt_toolchain.elf.versions import Versions, read_versions

__all__ = ["ElfError", "Limits", "SparseElf", "is_elf", "machine_of", "read_elf", "read_elf_groups"]

_TO_MACHINE = 20
"""Bytes of a file up to the number of its machine."""
_KINDS = {1: "rel", 2: "exec", 3: "dyn", 4: "core"}
_MACHINES = {
    (3, 32, True): "i686",
    (21, 64, False): "ppc64",
    (21, 64, True): "ppc64le",
    (22, 64, False): "s390x",
    (40, 32, True): "armv7l",
    (62, 64, True): "x86_64",
    (183, 64, True): "aarch64",
    (243, 64, True): "riscv64",
    (258, 64, True): "loongarch64",
}
"""Number, class and byte order of the machines that Linux with glibc runs on."""


def is_elf(head: bytes) -> bool:
    """Whether a file that starts with these bytes (four are enough) is an ELF file."""
    return head.startswith(MAGIC)


def machine_of(head: bytes) -> str:
    """The machine that the first 20 bytes of an ELF file name; empty where they name none."""
    if len(head) < _TO_MACHINE or head[4] not in (1, 2) or head[5] not in (1, 2):
        return ""
    little = head[5] == 1
    number = int.from_bytes(head[18:_TO_MACHINE], "little" if little else "big")
    return _machine(number, 32 * head[4], little_endian=little)


def read_elf(
    stream: ByteSource, member: str, *, symbols: bool = False, limits: Limits = DEFAULT_LIMITS
) -> SharedObject:
    """Read the facts of one ELF file; `ElfError` where its bytes are no ELF file or contradictory.

    Args:
        stream: Open and seekable; it may stand anywhere and is left anywhere.
        member: The name that errors carry.
        symbols: Whether to read the dynamic symbols too.
        limits: How much one file may make us read.
    """
    image = ElfImage(stream, member, limits)
    dynamic = Dynamic(image)
    return _facts(image, dynamic, read_versions(image, dynamic), symbols=symbols)


def read_elf_groups(
    stream: ByteSource,
    member: str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    skip: Callable[[int, int], None] | None = None,
) -> tuple[SharedObject, Iterator[SymbolGroup]]:
    """The facts of one ELF file, and its symbols by groups, which are read as they are taken.

    `skip` is called with each range that will not be read; the rest is as for `read_elf`.
    """
    image = ElfImage(stream, member, limits, skip)
    dynamic = Dynamic(image)
    versions = read_versions(image, dynamic)
    return _facts(image, dynamic, versions), read_groups(image, dynamic, versions)


class SparseElf:
    """One ELF file, read by look-ups in its tables; arguments and errors as for `read_elf`."""

    def __init__(self, stream: ByteSource, member: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self.image = ElfImage(stream, member, limits)
        self._dynamic = Dynamic(self.image, sparse=True)

    @cached_property
    def _versions(self) -> Versions:
        return read_versions(self.image, self._dynamic)

    def facts(self) -> SharedObject:
        """The facts without symbols."""
        return _facts(self.image, self._dynamic, self._versions)

    def exports(self, names: Iterable[str]) -> frozenset[str]:
        """Those of some names that other objects can bind to.

        A program exports none: what it defines under a library's name is its copy of a variable.
        """
        if is_program(self.image, self._dynamic):
            return frozenset()
        return frozenset(find_definitions(self.image, self._dynamic, names))

    def groups(self) -> Iterator[SymbolGroup]:
        """The dynamic symbols that take part in binding, by what they are; also of a program."""
        return read_groups(self.image, self._dynamic, self._versions)

    def span(self) -> tuple[int, int]:
        """The address of the first loadable segment and the end of the last one; zeros if none."""
        loads = [each for each in self.image.segments if each.type == PT_LOAD]
        return (loads[0].address, loads[-1].address + loads[-1].memory_size) if loads else (0, 0)

    def undefined(self) -> tuple[DynamicSymbol, ...]:
        """The symbols that others have to define, without reading those that it defines."""
        return read_undefined(self.image, self._dynamic, self._versions)

    def versioned_names(self) -> tuple[str, ...]:
        """The names of those of them that have a version."""
        return read_versioned_names(self.image, self._dynamic, self._versions)

    def name_table(self, most: int) -> bytes | None:
        """All dynamic strings, a zero byte behind each; None above ``most`` bytes."""
        return self._dynamic.table(most)

    def string_arguments(self, functions: Collection[str]) -> dict[str, frozenset[str]]:
        """Constant strings that its code passes to functions of others, as `calls` finds them."""
        return string_arguments(self.image, self._dynamic, functions)


def _facts(
    image: ElfImage, dynamic: Dynamic, versions: Versions, *, symbols: bool = False
) -> SharedObject:
    if image.header.type not in _KINDS:
        raise image.error(f"ELF file type {image.header.type} is unknown")
    soname = dynamic.string_of(dt.DT_SONAME, "DT_SONAME")
    flags = dynamic.get(dt.DT_FLAGS) or 0
    return SharedObject(
        bits=image.header.bits,
        little_endian=image.header.little_endian,
        machine=_machine(
            image.header.machine, image.header.bits, little_endian=image.header.little_endian
        ),
        kind="exec" if is_program(image, dynamic) else _KINDS[image.header.type],
        soname=None if soname is None else Soname(soname),
        needed=tuple(Soname(name) for name in dynamic.strings_of(dt.DT_NEEDED, "DT_NEEDED")),
        rpath=dynamic.string_of(dt.DT_RPATH, "DT_RPATH"),
        runpath=dynamic.string_of(dt.DT_RUNPATH, "DT_RUNPATH"),
        version_needs=versions.needs,
        version_definitions=versions.definitions,
        executable_stack=_executable_stack(image),
        symbolic=bool(flags & dt.DF_SYMBOLIC) or dynamic.get(dt.DT_SYMBOLIC) is not None,
        static_tls=bool(flags & dt.DF_STATIC_TLS),
        thread_local=_thread_local(image),
        gnu_properties=read_properties(image),
        build_id=read_build_id(image),
        symbols=read_symbols(image, dynamic, versions) if symbols else None,
    )


def _machine(number: int, bits: int, *, little_endian: bool) -> str:
    """As the platform tags spell it; ``em_<number>`` for one that has no Linux of that class."""
    return _MACHINES.get((number, bits, little_endian), f"em_{number}")


def _thread_local(image: ElfImage) -> tuple[int, int]:
    found = image.last(PT_TLS)
    return (found.memory_size, max(found.alignment, 1)) if found else (0, 1)


def _executable_stack(image: ElfImage) -> bool:
    if not image.segments:  # a relocatable object: no loader ever sees it
        return False
    stack = image.last(PT_GNU_STACK)
    return stack is None or bool(stack.flags & PF_X)
