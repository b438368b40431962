"""Shared objects with nothing in them but names of libraries: the anchors of the loader.

To open ``_anchor.so`` asks the dynamic linker to serve ``libstdc++.so.6`` and ``libgcc_s.so.1``:
the loaded ones if there are any, else those in ``lib/`` beside it. The loader would otherwise have
to find out first what is loaded, from /proc/self/maps or with ``_ctypes``, which cost more.
Further anchors serve libgomp and each libcudart, which has a second one for NVIDIA's wheel.

* ``DT_NEEDED`` is compared with the SONAME of everything that is loaded, so no second copy comes.
* ``DT_RPATH``, and no RUNPATH, is searched before ``LD_LIBRARY_PATH`` (ld.so(8)).
* ``DF_1_NODEFLIB``: where ``$ORIGIN`` does not count (a process with file capabilities), opening
  fails instead of taking the system's copy.
* One segment that is readable and writable: before 2.35 glibc writes into ``.dynamic``.

System V gABI chapters 4 and 5. The section headers are for people's tools; loading needs none.
"""

import struct
from collections.abc import Sequence

from cxxrt_toolchain.facts.families import LIBGCC_S, LIBSTDCXX

ANCHOR = "_anchor.so"
"""Name of the file in the package; the loader has it as a literal, too."""

_NEEDED = (LIBSTDCXX, LIBGCC_S)
"""This order is the order in which libstdc++'s own symbols are looked up when it is bound."""
_RPATH = "$ORIGIN/lib"
_LAST_SUFFIXED = 12
"""The last CUDA major whose libcudart NVIDIA's wheel has in ``nvidia/cuda_runtime``."""
_MACHINES = {"x86_64": 62, "aarch64": 183}
_ALIGN = 0x10000
"""The largest page of any Linux on these machines (aarch64 has kernels with 64 KiB)."""

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_DYN = struct.Struct("<qQ")
_SYMBOL_SIZE = 24
_IDENT = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
_ET_DYN, _EV_CURRENT = 3, 1
_PT_LOAD, _PT_DYNAMIC, _PT_GNU_STACK = 1, 2, 0x6474E551
_READ_WRITE = 6
_DT_NULL, _DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB = 0, 1, 4, 5, 6
_DT_STRSZ, _DT_SYMENT, _DT_SONAME, _DT_RPATH, _DT_FLAGS_1 = 10, 11, 14, 15, 0x6FFFFFFB
_DF_1_NODEFLIB = 0x800
_SHT_STRTAB, _SHT_HASH, _SHT_DYNAMIC, _SHT_DYNSYM = 3, 5, 6, 11
_SHF_WRITE, _SHF_ALLOC = 1, 2
_HASH = struct.pack("<IIQ", 0, 1, 0)
"""No bucket, one symbol (the null symbol) and its chain: no lookup ever stops here, where one for
each symbol of libstdc++ would cost a fifth of loading it."""


def anchors_of(soname: str) -> dict[str, str]:
    """The anchors that serve one library: name, and the folder of another wheel where it is.

    The first is that of the file in ``lib/``. It searches no folder that is not there: that costs
    the linker a dozen system calls.
    """
    head, _, major = soname.partition(".so.")
    stem = f"_anchor_{head.removeprefix('lib')}{major}"
    nvidia = f"nvidia/cu{major}/lib" if int(major) > _LAST_SUFFIXED else "nvidia/cuda_runtime/lib"
    return {f"{stem}.so": ""} | ({f"{stem}_nvidia.so": nvidia} if head == "libcudart" else {})


def anchor(
    arch: str, name: str = ANCHOR, needed: Sequence[str] = _NEEDED, elsewhere: str = ""
) -> bytes:
    """The shared object for an architecture, as the platform tags spell it; else `KeyError`.

    `elsewhere` is a folder from the site folder that is searched in the place of ``lib/``.
    """
    rpath = f"$ORIGIN/../{elsewhere}" if elsewhere else _RPATH
    strings, places = _string_table((*needed, rpath, name))
    start = _HEADER.size + 3 * _SEGMENT.size
    symbols_at = start + len(_HASH)
    dynamic_at = symbols_at + _SYMBOL_SIZE
    entries = (
        *((_DT_NEEDED, places[soname]) for soname in needed),
        (_DT_SONAME, places[name]),
        (_DT_RPATH, places[rpath]),
        (_DT_HASH, start),
        (_DT_STRTAB, dynamic_at + _DYN.size * (9 + len(needed))),
        (_DT_SYMTAB, symbols_at),
        (_DT_STRSZ, len(strings)),
        (_DT_SYMENT, _SYMBOL_SIZE),
        (_DT_FLAGS_1, _DF_1_NODEFLIB),
        (_DT_NULL, 0),
    )
    dynamic = b"".join(_DYN.pack(*entry) for entry in entries)
    body = _HASH + bytes(_SYMBOL_SIZE) + dynamic + strings
    names, sections = _sections(start, dynamic_at, len(dynamic), len(strings))
    end = start + len(body)
    headers_at = -(-(end + len(names)) // 8) * 8
    header = _HEADER.pack(
        _IDENT, _ET_DYN, _MACHINES[arch], _EV_CURRENT, 0, _HEADER.size, headers_at, 0,
        _HEADER.size, _SEGMENT.size, 3, _SECTION.size, len(sections), len(sections) - 1,
    )  # fmt: skip
    segments = (
        (_PT_LOAD, _READ_WRITE, 0, 0, 0, end, end, _ALIGN),
        (_PT_DYNAMIC, _READ_WRITE, dynamic_at, dynamic_at, dynamic_at, *[len(dynamic)] * 2, 8),
        (_PT_GNU_STACK, _READ_WRITE, 0, 0, 0, 0, 0, 16),
    )
    loaded = header + b"".join(_SEGMENT.pack(*each) for each in segments) + body
    return (loaded + names).ljust(headers_at, b"\0") + b"".join(sections)


def _string_table(texts: tuple[str, ...]) -> tuple[bytes, dict[str, int]]:
    table, places = b"\0", {}
    for text in texts:
        places[text] = len(table)
        table += text.encode() + b"\0"
    return table, places


def _sections(
    start: int, dynamic_at: int, dynamic_size: int, strings_size: int
) -> tuple[bytes, tuple[bytes, ...]]:
    """The names of the sections, and the section headers; the names' own comes last."""
    names, at = _string_table((".hash", ".dynsym", ".dynamic", ".dynstr", ".shstrtab"))
    symbols_at, strings_at = start + len(_HASH), dynamic_at + dynamic_size
    # name, type, flags, address, offset, size, link, info, alignment, size of an entry
    rows = (
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (at[".hash"], _SHT_HASH, _SHF_ALLOC, start, start, len(_HASH), 2, 0, 8, 4),
        (at[".dynsym"], _SHT_DYNSYM, _SHF_ALLOC, symbols_at, symbols_at, _SYMBOL_SIZE, 4, 1, 8,
         _SYMBOL_SIZE),
        (at[".dynamic"], _SHT_DYNAMIC, _SHF_ALLOC | _SHF_WRITE, dynamic_at, dynamic_at,
         dynamic_size, 4, 0, 8, _DYN.size),
        (at[".dynstr"], _SHT_STRTAB, _SHF_ALLOC, strings_at, strings_at, strings_size, 0, 0, 1, 0),
        (at[".shstrtab"], _SHT_STRTAB, 0, 0, strings_at + strings_size, len(names), 0, 0, 1, 0),
    )  # fmt: skip
    return names, tuple(_SECTION.pack(*row) for row in rows)
