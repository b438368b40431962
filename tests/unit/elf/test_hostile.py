"""Files that lie: only `ElfError` comes out, soon, and it names the member and the lie."""

from __future__ import annotations

import io
import re
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxxrt_toolchain.elf.dynamic import (
    DT_GNU_HASH,
    DT_HASH,
    DT_NEEDED,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMTAB,
    DT_VERNEED,
    Dynamic,
    Strings,
)
from cxxrt_toolchain.elf.image import PT_DYNAMIC, PT_LOAD, ElfImage
from cxxrt_toolchain.elf.reader import ElfError, Limits, read_elf, read_elf_groups

_DATA = Path(__file__).parents[2] / "data" / "elf"
_SAMPLES = {path.name: path.read_bytes() for path in sorted(_DATA.glob("lib*.so"))}
_USER = _SAMPLES["libuser.so"]
_SYSV = _SAMPLES["libuser-rpath-sysv.so"]


def _image(content: bytes) -> ElfImage:
    return ElfImage(io.BytesIO(content), "sample")


def _address_at(content: bytes, tag: int) -> int:
    """The file offset of the table that a dynamic tag points to."""
    image = _image(content)
    address = Dynamic(image).get(tag)
    assert address is not None
    loads = [each for each in image.segments if each.type == PT_LOAD and each.address <= address]
    return address - loads[-1].address + loads[-1].offset


def _put(content: bytes, offset: int, new: bytes) -> bytes:
    return content[:offset] + new + content[offset + len(new) :]


def _dynamic_value(content: bytes, tag: int, value: int) -> bytes:
    """The same file with another value for a dynamic tag."""
    segment = _image(content).last(PT_DYNAMIC)
    assert segment is not None
    for offset in range(segment.offset, segment.offset + segment.file_size, 16):
        if struct.unpack_from("<Q", content, offset)[0] == tag:
            return _put(content, offset + 8, struct.pack("<Q", value))
    raise AssertionError(tag)


def _segment_field(content: bytes, kind: int, field: int, value: int) -> bytes:
    """The same file with another 64-bit field in its first program header of a type."""
    kinds = [segment.type for segment in _image(content).segments]
    return _put(content, 64 + 56 * kinds.index(kind) + field, struct.pack("<Q", value))


def _read(content: bytes, name: str) -> None:
    list(read_elf_groups(io.BytesIO(content), name)[1])
    read_elf(io.BytesIO(content), name, symbols=True)


def _refused(content: bytes, reason: str) -> None:
    with pytest.raises(ElfError, match=reason) as caught:
        _read(content, "pkg/sample.so")
    assert str(caught.value).startswith("pkg/sample.so: ")


def test_something_else_is_no_elf_file() -> None:
    _refused(b"PK\x03\x04" + bytes(100), "magic number")
    _refused(b"", "magic number")


@pytest.mark.parametrize("name", _SAMPLES)
def test_a_truncated_file_is_refused_or_read_but_never_crashes(name: str) -> None:
    content = _SAMPLES[name]
    for size in range(4, len(content), 37):
        with suppress(ElfError):
            read_elf(io.BytesIO(content[:size]), name, symbols=True)


def test_truncation_inside_a_table_names_the_table() -> None:
    _refused(_USER[:20], "ends inside the ELF header")
    _refused(_USER[:80], "ends inside the program header table")
    _refused(
        _USER[: _address_at(_USER, DT_SYMTAB) + 10],
        "the dynamic section lies at 0x[0-9a-f]+, of which the file holds nothing",
    )


def test_an_unknown_class_is_refused() -> None:
    _refused(_put(_USER, 4, b"\x03"), "unknown")
    _refused(_put(_USER, 16, b"\x99\x99"), "type 39321 is unknown")


def test_program_headers_of_a_wrong_size_are_refused() -> None:
    _refused(_put(_USER, 54, struct.pack("<H", 57)), "program header of 57 bytes")


def test_absurdly_many_program_headers_are_refused() -> None:
    _refused(_put(_USER, 56, struct.pack("<H", 0xFFFF)), "65535 program headers")


def test_a_program_header_table_at_an_absurd_offset_is_refused() -> None:
    _refused(_put(_USER, 32, struct.pack("<Q", 2**64 - 1)), "absurd offset")


def test_segments_in_another_order_are_refused() -> None:
    _refused(_segment_field(_USER, PT_LOAD, 16, 1 << 20), "ascending order")


def test_a_segment_larger_in_the_file_than_in_memory_is_refused() -> None:
    _refused(_segment_field(_USER, PT_LOAD, 32, 1 << 40), "larger in the file")


def test_a_dynamic_section_ends_where_the_loader_lets_it_end() -> None:
    for size in (16, 1 << 40):
        changed = _segment_field(_USER, PT_DYNAMIC, 32, size)
        facts = read_elf(io.BytesIO(changed), "sample")
        assert facts == read_elf(io.BytesIO(_USER), "sample")
    with pytest.raises(ElfError, match="more than 4 dynamic entries"):
        read_elf(io.BytesIO(_USER), "sample", limits=Limits(dynamic_entries=4))


@pytest.mark.parametrize("tag", [DT_STRTAB, DT_VERNEED, DT_SYMTAB, DT_GNU_HASH])
def test_a_table_outside_of_every_segment_is_refused(tag: int) -> None:
    _refused(_dynamic_value(_USER, tag, 1 << 50), "of which the file holds nothing")


def test_a_string_outside_of_the_table_is_refused() -> None:
    _refused(_dynamic_value(_USER, DT_NEEDED, 1 << 30), "outside the string table")


def test_a_string_table_larger_than_its_segment_is_refused() -> None:
    _refused(_dynamic_value(_USER, DT_STRSZ, 1 << 40), "string table")


def test_a_verneed_chain_that_goes_nowhere_ends() -> None:
    """``vn_next`` 0 ends the chain; the smallest step lands inside the record itself."""
    offset = _address_at(_USER, DT_VERNEED)
    looping = _put(_USER, offset + 12, struct.pack("<I", 1))
    with pytest.raises(ElfError):
        read_elf(io.BytesIO(looping), "sample")


def test_an_auxiliary_chain_past_the_segment_is_refused() -> None:
    offset = _address_at(_USER, DT_VERNEED)
    _refused(_put(_USER, offset + 8, struct.pack("<I", 1 << 30)), "runs past what the file holds")


def test_a_hash_table_with_an_absurd_count_is_refused() -> None:
    offset = _address_at(_SYSV, DT_HASH)
    _refused(_put(_SYSV, offset + 4, struct.pack("<I", 0xFFFFFFFF)), "4294967295 dynamic symbols")


def test_a_gnu_hash_table_with_absurd_buckets_is_refused() -> None:
    offset = _address_at(_USER, DT_GNU_HASH)
    _refused(_put(_USER, offset, struct.pack("<I", 0xFFFFFFFF)), "4294967295 buckets")


def test_a_gnu_hash_chain_without_an_end_is_refused() -> None:
    offset = _address_at(_USER, DT_GNU_HASH)
    buckets, _, words, _ = struct.unpack_from("<IIII", _USER, offset)
    chains = offset + 16 + 8 * words + 4 * buckets
    endless = bytearray(_USER)
    end = _image(_USER).segments[0].file_size
    for position in range(chains, end - 3, 4):
        endless[position] &= 0xFE
    with pytest.raises(ElfError):
        read_elf(io.BytesIO(bytes(endless)), "sample", symbols=True)


@st.composite
def _mutations(draw: st.DrawFn) -> bytes:
    content = bytearray(draw(st.sampled_from(sorted(_SAMPLES.values()))))
    edges = st.sampled_from([0, 1, 2**63, 2**64 - 1])
    for _ in range(draw(st.integers(1, 6))):
        width = draw(st.sampled_from([1, 2, 4, 8]))
        offset = draw(st.integers(0, len(content) - 8))
        value = draw(st.one_of(edges, st.integers(0, 2**64 - 1)))
        content[offset : offset + width] = value.to_bytes(8, "little")[:width]
    return bytes(content)


@given(_mutations())
def test_only_elf_errors_escape_from_damaged_files(content: bytes) -> None:
    with suppress(ElfError):
        _read(content, "sample")


@given(
    st.sampled_from([b"\x7fELF\x02\x01\x01", b"\x7fELF\x01\x02\x01", b""]), st.binary(max_size=300)
)
def test_only_elf_errors_escape_from_noise(head: bytes, noise: bytes) -> None:
    with suppress(ElfError):
        _read(head + noise, "noise")


def test_a_string_table_without_ends_cannot_give_endless_names() -> None:
    image = _image(_USER)
    strings = Strings(image, b"x" * (1 << 20) + b"\0")
    with pytest.raises(ElfError, match="many times longer"):
        _ = [strings.at(offset, "a name") for offset in range(100)]


def test_nor_can_it_where_they_are_read_together() -> None:
    image = _image(_USER)
    strings = Strings(image, (b"x" * 4000 + b"\0") * 16)
    with pytest.raises(ElfError, match="many times longer"):
        strings.many([0] * 200, "a name")


@given(st.binary(max_size=60), st.lists(st.integers(0, 70), max_size=20))
def test_names_read_together_are_the_names_read_one_by_one(
    table: bytes, offsets: list[int]
) -> None:
    table = table * 100
    try:
        expected = [Strings(_image(_USER), table).at(offset, "a name") for offset in offsets]
    except ElfError as error:
        with pytest.raises(ElfError, match=re.escape(error.reason)):
            Strings(_image(_USER), table).many(offsets, "a name")
    else:
        assert list(Strings(_image(_USER), table).many(offsets, "a name")) == expected
