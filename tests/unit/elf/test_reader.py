"""What the reader says about the committed files; each was compared with ``readelf``."""

from __future__ import annotations

import io
import struct
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.elf import dynamic
from cxxrt_toolchain.elf.dynamic import DT_STRSZ, DT_STRTAB, Dynamic
from cxxrt_toolchain.elf.facts import Binding, NeededVersion, Soname, SymbolType
from cxxrt_toolchain.elf.image import PT_LOAD, ElfImage
from cxxrt_toolchain.elf.reader import ElfError, Limits, is_elf, read_elf, read_elf_groups

if TYPE_CHECKING:
    from collections.abc import Callable

    from cxxrt_toolchain.elf.facts import DynamicSymbol, SharedObject

    ElfFixture = Callable[[str], Path]

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def facts(elf_fixture: ElfFixture) -> Callable[[str], SharedObject]:
    def read(name: str) -> SharedObject:
        return read_elf(io.BytesIO(elf_fixture(name).read_bytes()), name, symbols=True)

    return read


def _named(facts: SharedObject, name: str) -> DynamicSymbol:
    assert facts.symbols is not None
    return next(symbol for symbol in facts.symbols if symbol.name == name)


@pytest.mark.parametrize("name", [path.name for path in (DATA / "elf").glob("*.so")] + ["plain.o"])
@pytest.mark.parametrize("block", [None, 1 << 20, 16, 3], ids=str)
def test_the_groups_are_the_symbols_that_bind(
    elf_fixture: ElfFixture, name: str, block: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the table of their names is read once, in blocks shorter than a name or longer."""
    if block:
        monkeypatch.setattr(dynamic, "_LARGE", 0)
        monkeypatch.setattr(dynamic, "_PASS", block)
        monkeypatch.setattr(dynamic, "_BATCH", 2)
    content = elf_fixture(name).read_bytes()
    facts = read_elf(io.BytesIO(content), name, symbols=True)
    expected = Counter(
        (each.defined, each.binding, each.version, each.soname, each.name)
        for each in facts.symbols or ()
        if each.binding is not Binding.LOCAL and (each.visible or not each.defined)
    )
    _, groups = read_elf_groups(io.BytesIO(content), name)
    assert Counter((*each[:4], symbol) for each in groups for symbol in each.names) == expected


def test_code_behind_the_tables_is_named_to_the_stream(elf_fixture: ElfFixture) -> None:
    content = bytearray(elf_fixture("libuser.so").read_bytes())
    skipped: list[tuple[int, int]] = []

    def read() -> None:
        read_elf_groups(
            io.BytesIO(content), "libuser.so", skip=lambda start, end: skipped.append((start, end))
        )

    read()
    assert not skipped, "tables and code share the first segment"
    content[64 + 56 + 4] |= 1  # PF_X of the second program header
    read()
    assert skipped == [(0x1000, 0xE60 + 0x1A8)], "the rest of the page may hold tables"


@pytest.mark.parametrize(
    ("name", "machine"), [("libuser.so", "x86_64"), ("libuser-aarch64.so", "aarch64")]
)
def test_the_dynamic_section_of_a_shared_library(
    facts: Callable[[str], SharedObject], name: str, machine: str
) -> None:
    found = facts(name)
    assert (found.bits, found.little_endian, found.machine, found.kind) == (
        64,
        True,
        machine,
        "dyn",
    )
    assert found.soname == "libuser.so"
    assert found.needed == ("libdep.so.1",)
    assert (found.rpath, found.runpath) == (None, "$ORIGIN")
    assert found.version_needs == (
        NeededVersion(soname=Soname("libdep.so.1"), version="DEP_2", weak=False),
    )
    assert not found.executable_stack
    assert not found.static_tls


def test_a_needed_symbol_says_its_version_and_its_library(
    facts: Callable[[str], SharedObject],
) -> None:
    symbol = _named(facts("libuser.so"), "dep")
    assert str(symbol) == "dep@DEP_2"
    assert symbol.soname == "libdep.so.1"
    assert not symbol.defined
    assert not symbol.default


def test_a_weak_and_a_protected_symbol_are_told_apart(facts: Callable[[str], SharedObject]) -> None:
    found = facts("libuser.so")
    assert _named(found, "absent").binding is Binding.WEAK
    assert _named(found, "absent").version is None
    guarded = _named(found, "guarded")
    assert guarded.visible
    assert guarded.defined
    assert guarded.type is SymbolType.FUNC
    assert guarded.size > 0


def test_definitions_come_without_the_base_and_with_their_default(
    facts: Callable[[str], SharedObject],
) -> None:
    found = facts("libdep.so")
    assert found.version_definitions == ("DEP_1", "DEP_2")
    assert found.symbols is not None
    functions = {str(s) for s in found.symbols if s.type is SymbolType.FUNC}
    assert functions == {"dep@DEP_1", "dep@@DEP_2"}


def test_the_old_hash_table_gives_the_same_symbols(facts: Callable[[str], SharedObject]) -> None:
    gnu, sysv = facts("libuser.so").symbols, facts("libuser-rpath-sysv.so").symbols
    assert gnu is not None
    assert sysv is not None
    assert {s.name for s in gnu} == {s.name for s in sysv}


def test_rpath_and_runpath_are_not_mixed_up(facts: Callable[[str], SharedObject]) -> None:
    found = facts("libuser-rpath-sysv.so")
    assert (found.rpath, found.runpath) == ("/somewhere", None)


def test_an_object_without_section_headers_reads_the_same(
    facts: Callable[[str], SharedObject],
) -> None:
    assert facts("libuser-nosections.so") == facts("libuser.so")


def test_an_object_without_exports_still_shows_what_it_needs(
    facts: Callable[[str], SharedObject],
) -> None:
    """GNU ld leaves the hash table empty then, and only relocations tell the symbols' number."""
    symbols = facts("libnoexport.so").symbols
    assert symbols is not None
    assert [str(symbol) for symbol in symbols] == ["dep@DEP_2"]


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("libplain-cet.so", ("IBT", "SHSTK", "x86-64-v3")),
        ("libplain-bti-aarch64.so", ("BTI", "PAC")),
        ("libuser.so", ()),
    ],
)
def test_gnu_properties(
    facts: Callable[[str], SharedObject], name: str, properties: tuple[str, ...]
) -> None:
    assert facts(name).gnu_properties == properties


def test_an_executable_stack_is_seen(facts: Callable[[str], SharedObject]) -> None:
    assert facts("libplain-execstack.so").executable_stack


def test_static_tls_is_seen(facts: Callable[[str], SharedObject]) -> None:
    assert facts("libtls.so").static_tls
    assert _named(facts("libtls.so"), "slot").type is SymbolType.TLS


def test_a_unique_symbol_is_seen(facts: Callable[[str], SharedObject]) -> None:
    symbol = _named(facts("libunique.so"), "_ZN6HolderIiE5valueE")
    assert symbol.binding is Binding.UNIQUE


def test_a_32_bit_object_reads_too(facts: Callable[[str], SharedObject]) -> None:
    found = facts("libplain-32.so")
    assert (found.bits, found.machine) == (32, "i686")
    assert _named(found, "plain").type is SymbolType.FUNC


def test_a_relocatable_object_has_no_dynamic_facts(facts: Callable[[str], SharedObject]) -> None:
    found = facts("plain.o")
    assert (found.kind, found.needed, found.symbols) == ("rel", (), ())
    assert not found.executable_stack


def test_symbols_are_read_only_when_asked_for(elf_fixture: ElfFixture) -> None:
    with elf_fixture("libuser.so").open("rb") as stream:
        assert read_elf(stream, "libuser.so").symbols is None


def test_the_magic_number_decides(elf_fixture: ElfFixture) -> None:
    assert is_elf(elf_fixture("plain.o").read_bytes()[:4])
    assert not is_elf(b"\x7fEL")
    assert not is_elf(b"PK\x03\x04")


def test_limits_can_be_lowered(elf_fixture: ElfFixture) -> None:
    with (
        elf_fixture("libuser.so").open("rb") as stream,
        pytest.raises(ElfError, match="dynamic symbols, more than 2"),
    ):
        read_elf(stream, "libuser.so", symbols=True, limits=Limits(symbols=2))


def test_a_table_may_reach_into_the_next_segment(elf_fixture: ElfFixture) -> None:
    """As in pyarrow 0.13's plasma_store_server, which loads: only memory has to be contiguous."""
    content = elf_fixture("libuser.so").read_bytes()
    image = ElfImage(io.BytesIO(content), "libuser.so")
    strings = Dynamic(image).get(DT_STRTAB)
    assert strings is not None
    first, *others = (
        content[at : at + 56] for at in range(64, 64 + 56 * image.header.segment_count, 56)
    )
    kind, flags, offset, address, _, size, _, align = struct.unpack("<IIQQQQQQ", first)
    assert (kind, offset, address) == (PT_LOAD, 0, 0)
    cut = strings + 4
    halves = [(0, cut), (cut, size - cut)]
    loads = [
        struct.pack("<IIQQQQQQ", kind, flags, at, at, at, length, length, align)
        for at, length in halves
    ]
    table = b"".join([*loads, *others[:-1]])
    split = content[:64] + table + content[64 + len(table) :]
    facts = read_elf(io.BytesIO(split), "split.so", symbols=True)
    assert facts == read_elf(io.BytesIO(content), "libuser.so", symbols=True)


@pytest.mark.parametrize(
    ("cut", "cleared", "lost"),
    [(4, False, 0), (4, True, 4), (200, False, 0)],
    ids=["the page has the rest", "the loader clears the rest", "more tables in the rest"],
)
def test_a_segment_may_end_before_its_tables(
    elf_fixture: ElfFixture, cut: int, cleared: bool, lost: int
) -> None:
    """As in casadi 3.7.2's cbc: the loader maps whole pages, and clears what has no content."""
    content = elf_fixture("libuser.so").read_bytes()
    image = ElfImage(io.BytesIO(content), "libuser.so")
    dynamic = Dynamic(image)
    strings, size = dynamic.require(DT_STRTAB, ""), dynamic.require(DT_STRSZ, "")
    load = image.segments[0]
    filled = strings + size - cut
    fields = struct.pack("<QQ", filled, load.memory_size if cleared else filled)
    at = image.header.segment_table + 32
    changed = content[:at] + fields + content[at + len(fields) :]
    found = ElfImage(io.BytesIO(changed), "cut.so")
    table = content[strings : strings + size - lost] + bytes(lost)
    assert found.read_at(strings, size, "the strings") == table
    if not lost:
        whole = read_elf(io.BytesIO(content), "libuser.so", symbols=True)
        assert read_elf(io.BytesIO(changed), "libuser.so", symbols=True) == whole


def test_nothing_behind_the_end_of_the_file_is_read(elf_fixture: ElfFixture) -> None:
    content = elf_fixture("libuser.so").read_bytes()
    image = ElfImage(io.BytesIO(content), "libuser.so")
    last = max((each for each in image.segments if each.type == PT_LOAD), key=lambda e: e.offset)
    address = len(content) - last.offset + last.address - 3
    assert len(image.available(address, 100, "the end")) <= 3
