"""A table of an ELF file's facts -> the smallest shared object that has them.

For the golden cases, which must show every rule without a compiler. Everything lies in one
loadable segment; there is no code. The section headers are for patchelf, which asks for them.
Layout: System V gABI chapters 4 and 5; versions: the LSB's "Symbol Versioning".
"""

from __future__ import annotations

import struct
from typing import Any

_MACHINES = {"x86_64": 62, "aarch64": 183}
_BINDINGS = {"": 1, "weak": 2, "unique": 10}
_FUNC = 2
_FIRST_VERSION = 2
_PAGE = 0x1000

PT_LOAD, PT_DYNAMIC, PT_GNU_STACK = 1, 2, 0x6474E551
DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_SONAME, DT_RPATH = (
    *(1, 4, 5, 6, 10, 11, 14),
    15,
)
DT_RUNPATH, DT_FLAGS, DT_VERSYM, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = (
    *(29, 30, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD),
    *(0x6FFFFFFE, 0x6FFFFFFF),
)
DT_FLAGS_1 = 0x6FFFFFFB
_STATIC_TLS = 0x10
_PIE = 0x08000000


_SECTIONS = {
    DT_HASH: (".hash", 5, 4),
    DT_SYMTAB: (".dynsym", 11, 24),
    DT_VERSYM: (".gnu.version", 0x6FFFFFFF, 2),
    DT_VERNEED: (".gnu.version_r", 0x6FFFFFFE, 0),
    DT_VERDEF: (".gnu.version_d", 0x6FFFFFFD, 0),
    DT_STRTAB: (".dynstr", 3, 0),
    PT_DYNAMIC: (".dynamic", 6, 16),
}
"""Name, type and entry size of the section of each table."""
_SECTION_NAMES = "\0".join(
    ["", *(name for name, _, _ in _SECTIONS.values()), ".shstrtab", ""]
).encode()


class _Strings:
    def __init__(self) -> None:
        self.table = b"\0"

    def add(self, text: str) -> int:
        data = text.encode() + b"\0"
        found = self.table.find(b"\0" + data)
        if found >= 0:
            return found + 1
        self.table += data
        return len(self.table) - len(data)


def make_elf(facts: dict[str, Any]) -> bytes:
    """The bytes of a shared object with these facts.

    Args:
        facts: ``soname``, ``needed``, ``rpath``, ``runpath``, ``machine``, ``executable_stack``,
            ``static_tls``, ``program`` (position-independent), ``text`` (put into the file as it
            is), ``needs`` (library to versions, a leading ``?`` for weak ones), ``defines``
            (version definitions), ``exports`` (``name``, ``weak name`` or ``unique name``),
            ``undefined`` (``name`` or ``name version library``).
    """
    strings = _Strings()
    indices: dict[str, int] = {}
    verneed = _version_needs(facts.get("needs", {}), strings, indices)
    definitions = facts.get("defines", [])
    verdef = _version_definitions([facts.get("soname", "self"), *definitions], strings, indices)
    dynsym, versym = _symbols(facts, strings, indices)
    count = len(versym) // 2
    hashes = struct.pack(f"<{3 + count}I", 1, count, min(1, count - 1), *_chain(count))
    blocks = {
        DT_HASH: hashes,
        DT_SYMTAB: dynsym,
        DT_VERSYM: versym,
        DT_VERNEED: verneed,
        DT_VERDEF: verdef if definitions else b"",
    }
    tags = _plain_tags(facts, strings)
    start = 64 + 3 * 56
    spans: dict[int, tuple[int, int]] = {}
    data = facts.get("text", "").encode() + b"\0"
    for tag, block in blocks.items():
        if block:
            data += b"\0" * (-(start + len(data)) % 8)
            tags.append((tag, start + len(data)))
            spans[tag] = (start + len(data), len(block))
            data += block
    counts = ((DT_VERNEEDNUM, len(facts.get("needs", {}))), (DT_VERDEFNUM, len(definitions) + 1))
    present = {tag for tag, _ in tags}
    tags += [(tag, n) for tag, n in counts if tag - 1 in present]
    tags += [(DT_STRTAB, start + len(data)), (DT_STRSZ, len(strings.table)), (DT_SYMENT, 24)]
    data += strings.table
    pad = -(start + len(data)) % 8
    data += b"\0" * pad
    dynamic = b"".join(struct.pack("<qQ", tag, value) for tag, value in [*tags, (0, 0)])
    at = start + len(data)
    size = at + len(dynamic)
    places = [
        *((_SECTIONS[tag], *span) for tag, span in spans.items()),
        (_SECTIONS[DT_STRTAB], at - len(strings.table) - pad, len(strings.table)),
        (_SECTIONS[PT_DYNAMIC], at, len(dynamic)),
    ]
    infos = {".dynsym": 1, **{_SECTIONS[tag - 1][0]: number for tag, number in counts}}
    sections = _section_headers(sorted(places, key=lambda place: place[1]), infos, size)
    flags = 7 if facts.get("executable_stack") else 6
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        *(3, _MACHINES[facts.get("machine", "x86_64")], 1, 0, 64, size, 0, 64, 56, 3, 64),
        *(len(sections) // 64, len(sections) // 64 - 1),
    )
    segments = (
        struct.pack("<IIQQQQQQ", PT_LOAD, 6, 0, 0, 0, size, size, _PAGE)
        + struct.pack("<IIQQQQQQ", PT_DYNAMIC, 6, at, at, at, len(dynamic), len(dynamic), 8)
        + struct.pack("<IIQQQQQQ", PT_GNU_STACK, flags, 0, 0, 0, 0, 0, 16)
    )
    return b"".join((header, segments, data, dynamic, sections, _SECTION_NAMES))


def _section_headers(
    places: list[tuple[tuple[str, int, int], int, int]], infos: dict[str, int], end: int
) -> bytes:
    """An empty one, those with name, type and entry size, place and size, and the names' own."""
    numbers = {name: number for number, ((name, _, _), _, _) in enumerate(places, 1)}
    rows = [(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
    for (name, kind, entry), offset, size in places:
        link = numbers[".dynsym" if name in (".hash", ".gnu.version") else ".dynstr"]
        at = _SECTION_NAMES.index(name.encode() + b"\0")
        rows.append((at, kind, 2, offset, offset, size, link, infos.get(name, 0), 8, entry))
    at = _SECTION_NAMES.index(b".shstrtab\0")
    names = end + 64 * (len(rows) + 1)
    rows.append((at, 3, 0, 0, names, len(_SECTION_NAMES), 0, 0, 1, 0))
    return b"".join(struct.pack("<IIQQQQIIQQ", *row) for row in rows)


def _plain_tags(facts: dict[str, Any], strings: _Strings) -> list[tuple[int, int]]:
    tags = [(DT_NEEDED, strings.add(name)) for name in facts.get("needed", [])]
    for tag, key in ((DT_SONAME, "soname"), (DT_RPATH, "rpath"), (DT_RUNPATH, "runpath")):
        if key in facts:
            tags.append((tag, strings.add(facts[key])))
    if facts.get("static_tls"):
        tags.append((DT_FLAGS, _STATIC_TLS))
    if facts.get("program"):
        tags.append((DT_FLAGS_1, _PIE))
    return tags


def _chain(count: int) -> list[int]:
    """Every symbol in the one bucket, each pointing to the next."""
    return [0, *(n + 1 if n + 1 < count else 0 for n in range(1, count))]


def _version_needs(
    needs: dict[str, list[str]], strings: _Strings, indices: dict[str, int]
) -> bytes:
    out = b""
    for position, (library, versions) in enumerate(needs.items(), 1):
        aux = b""
        for number, text in enumerate(versions, 1):
            weak, version = text.startswith("?"), text.removeprefix("?")
            index = _FIRST_VERSION + len(indices)
            indices[f"{library} {version}"] = index
            following = 16 if number < len(versions) else 0
            aux += struct.pack(
                "<IHHII", _hash(version), 2 if weak else 0, index, strings.add(version), following
            )
        following = 16 + len(aux) if position < len(needs) else 0
        head = struct.pack("<HHIII", 1, len(versions), strings.add(library), 16, following)
        out += head + aux
    return out


def _version_definitions(names: list[str], strings: _Strings, indices: dict[str, int]) -> bytes:
    out = b""
    for position, name in enumerate(names):
        base = position == 0
        index = 1 if base else _FIRST_VERSION + len(indices)
        if not base:
            indices[name] = index
        following = 28 if position + 1 < len(names) else 0
        out += struct.pack("<HHHHIII", 1, int(base), index, 1, _hash(name), 20, following)
        out += struct.pack("<II", strings.add(name), 0)
    return out


def _symbols(
    facts: dict[str, Any], strings: _Strings, indices: dict[str, int]
) -> tuple[bytes, bytes]:
    rows = [(0, 0, 0, 0)]
    for text in facts.get("undefined", []):
        name, _, needed = text.partition(" ")
        version, _, library = needed.partition(" ")
        index = indices[f"{library} {version}"] if needed else 1
        rows.append((strings.add(name), 1 << 4 | _FUNC, 0, index))
    for text in facts.get("exports", []):
        binding, _, name = text.rpartition(" ")
        rows.append((strings.add(name), _BINDINGS[binding] << 4 | _FUNC, 1, 1))
    symbols = b"".join(struct.pack("<IBBHQQ", n, i, 0, s, 0, 0) for n, i, s, _ in rows)
    return symbols, struct.pack(f"<{len(rows)}H", *(version for *_, version in rows))


def _hash(name: str) -> int:
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value
