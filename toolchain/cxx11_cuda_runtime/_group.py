"""Opens libraries that refer to each other, as the layers of MKL do: none can be loaded before all.

The dynamic linker loads several files at once only as the needs of one. So a shared object with
nothing in it but their paths is made in memory (memfd_create(2)) and opened; it stays loaded,
because its list of needs is the scope in which the functions of the group are looked up. System V
gABI chapters 4 and 5.
"""

import ctypes
import itertools
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MACHINES = {"x86_64": (62, 319), "aarch64": (183, 279)}
"""By uname: number in the ELF header, number of memfd_create; not all builds of Python have
``os.memfd_create``, and glibc before 2.27 does not."""
_MFD_CLOEXEC = 1
_counter = itertools.count(1)


def open_together(paths: "Sequence[str]", mode: int) -> None:
    """Load files as one group; `OSError` has ``dlerror``'s text."""
    machine, memfd_create = _MACHINES[os.uname().machine]
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    file = syscall(memfd_create, b"cxxrt-group", _MFD_CLOEXEC)
    if file < 0:
        raise OSError(f"memfd_create: {os.strerror(ctypes.get_errno())}")
    try:
        os.write(file, _shared_object(machine, paths))
        # The linker compares names before files, so each needs a name of its own.
        ctypes.CDLL(f"/proc/self/fd/{'./' * next(_counter)}{file}", mode)
    finally:
        os.close(file)


def _shared_object(machine: int, needed: "Sequence[str]") -> bytes:
    """One segment with an empty symbol table, the strings and the dynamic section."""
    strings, entries = b"\0", []
    for path in needed:
        entries.append((1, len(strings)))  # DT_NEEDED
        strings += os.fsencode(path) + b"\0"
    start = 64 + 2 * 56
    hashes = struct.pack("<IIQ", 0, 1, 0)  # no bucket, one symbol: no lookup stops here
    symbols_at = start + len(hashes)
    strings_at = symbols_at + 24
    strings = strings.ljust(-(-len(strings) // 8) * 8, b"\0")
    tables = ((4, start), (5, strings_at), (6, symbols_at), (10, len(strings)), (11, 24), (0, 0))
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in (*entries, *tables))
    dynamic_at = strings_at + len(strings)
    end = dynamic_at + len(dynamic)
    header = struct.pack(
        *("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, machine, 1, 0, 64, 0, 0, 64, 56, 2),
        *(64, 0, 0),
    )
    # PT_LOAD and PT_DYNAMIC, readable and writable: before 2.35 glibc writes into the section.
    load = struct.pack("<IIQQQQQQ", 1, 6, 0, 0, 0, end, end, 0x10000)
    section = (2, 6, dynamic_at, dynamic_at, dynamic_at, len(dynamic), len(dynamic), 8)
    segments = load + struct.pack("<IIQQQQQQ", *section)
    return header + segments + hashes + bytes(24) + strings + dynamic
