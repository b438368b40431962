"""The hash values of exported names: the linker's, and the same as the names give."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxxrt_toolchain.elf.dynamic import DT_GNU_HASH, DT_HASH, DT_STRTAB, Dynamic
from cxxrt_toolchain.elf.image import PT_DYNAMIC, ElfError, ElfImage
from cxxrt_toolchain.elf.name_hashes import NameHashes, hash_of, read_name_hashes
from cxxrt_toolchain.elf.symbols import read_symbols
from cxxrt_toolchain.elf.versions import read_versions

_DATA = Path(__file__).parents[2] / "data" / "elf"
_SAMPLES = {path.name: path.read_bytes() for path in sorted(_DATA.glob("lib*.so"))}
_USER = _SAMPLES["libuser.so"]
_SYSV = _SAMPLES["libuser-rpath-sysv.so"]


def _read(content: bytes) -> NameHashes:
    image = ElfImage(io.BytesIO(content), "sample")
    return read_name_hashes(image, Dynamic(image))


def _table_at(content: bytes, tag: int) -> int:
    """The file offset of the table that a dynamic tag points to."""
    image = ElfImage(io.BytesIO(content), "sample")
    address = Dynamic(image).get(tag)
    assert address is not None
    return image.locate(address, "table")[0]


def _put(content: bytes, offset: int, new: bytes) -> bytes:
    return content[:offset] + new + content[offset + len(new) :]


def _refused(content: bytes, reason: str) -> None:
    with pytest.raises(ElfError, match=reason):
        _read(content)


def _exported(content: bytes) -> dict[int, str]:
    """Number in the symbol table -> name, of what other objects can be bound to."""
    image = ElfImage(io.BytesIO(content), "sample")
    dynamic = Dynamic(image)
    symbols = read_symbols(image, dynamic, read_versions(image, dynamic))
    return {
        number: symbol.name
        for number, symbol in enumerate(symbols, 1)
        if symbol.defined and symbol.binding.value != "local"
    }


@pytest.mark.parametrize("name", _SAMPLES)
def test_each_exported_name_has_its_value(name: str) -> None:
    hashes, exported = _read(_SAMPLES[name]), _exported(_SAMPLES[name])
    assert {number: hashes.of(number) for number in exported} == {
        number: hash_of(text) for number, text in exported.items()
    }


def test_the_samples_have_names_in_both_kinds_of_table() -> None:
    with_names = {name for name, content in _SAMPLES.items() if _exported(content)}
    old = {
        name
        for name in with_names
        if Dynamic(ElfImage(io.BytesIO(_SAMPLES[name]), name)).get(DT_GNU_HASH) is None
    }
    assert old
    assert with_names - old


def test_an_object_that_exports_nothing_has_no_values() -> None:
    assert list(_read(_SAMPLES["libnoexport.so"]).values) == []


def test_a_symbol_in_front_of_the_table_has_no_value() -> None:
    hashes = _read(_USER)
    assert hashes.first > 0
    assert hashes.of(hashes.first - 1) is None
    assert hashes.of(hashes.first + len(hashes.values)) is None


def test_one_name_has_one_value_and_names_differ() -> None:
    # dl_new_hash of glibc, without its lowest bit
    assert hash_of("") == 5381 | 1
    assert hash_of("printf") == 0x156B2BB8 | 1
    assert hash_of("syscall") == 0xBAC212A0 | 1


def test_an_old_table_gives_what_the_new_one_gives() -> None:
    values = []
    for content in (_USER, _SYSV):
        hashes, exported = _read(content), _exported(content)
        values.append({name: hashes.of(number) for number, name in exported.items()})
    assert values[0] == values[1] == {name: hash_of(name) for name in ("entry", "guarded")}


def test_in_an_old_table_what_others_define_is_nothing() -> None:
    hashes = _read(_SYSV)
    assert hashes.first == 0
    assert {hashes.of(number) for number in range(len(hashes.values))} == {
        *(0, hash_of("entry"), hash_of("guarded"))
    }
    assert hashes.of(len(hashes.values)) is None


def test_a_name_that_is_no_utf_8_has_the_value_of_its_bytes() -> None:
    table = _table_at(_SYSV, DT_STRTAB)
    start = _SYSV.index(b"\0guarded\0", table) + 1
    expected = 5381
    for byte in b"\xffuarded":
        expected = (expected * 33 + byte) & 0xFFFFFFFF
    assert expected | 1 in _read(_put(_SYSV, start, b"\xff")).values


def test_a_chain_without_an_end_is_refused() -> None:
    table = _table_at(_USER, DT_GNU_HASH)
    buckets, _, words, _ = struct.unpack_from("<IIII", _USER, table)
    chains = table + 16 + 8 * words + 4 * buckets
    image = ElfImage(io.BytesIO(_USER), "sample")
    endless = bytearray(_USER)
    for place in range(chains, image.segments[0].file_size - 3, 4):
        endless[place] &= 0xFE
    # The tables behind it lose bits, too; the dynamic section is in another segment.
    _refused(bytes(endless), "never ends")


@pytest.mark.parametrize(
    ("content", "tag", "field", "reason"),
    [
        (_USER, DT_GNU_HASH, 0, "4294967295 buckets"),
        (_USER, DT_GNU_HASH, 1, "starts at 4294967295"),
        (_USER, DT_GNU_HASH, 2, "4294967295 filter words"),
        (_SYSV, DT_HASH, 1, "4294967295 dynamic symbols"),
    ],
)
def test_an_absurd_count_is_refused(content: bytes, tag: int, field: int, reason: str) -> None:
    place = _table_at(content, tag) + 4 * field
    _refused(_put(content, place, b"\xff" * 4), reason)


def test_a_bucket_of_an_absurd_symbol_is_refused() -> None:
    table = _table_at(_USER, DT_GNU_HASH)
    buckets, _, words, _ = struct.unpack_from("<IIII", _USER, table)
    place = table + 16 + 8 * words
    _refused(_put(_USER, place, b"\xff" * 4 * buckets), "4294967296 dynamic symbols")


@given(st.sampled_from([_USER, _SYSV]), st.floats(0, 1), st.binary(min_size=1, max_size=8))
@settings(deadline=None)  # a busy machine is no damage
def test_damage_is_an_error_or_nothing_worse(content: bytes, part: float, new: bytes) -> None:
    with suppress(ElfError):
        _read(_put(content, int(part * (len(content) - 8)), new))


@given(st.sampled_from([_USER, _SYSV]), st.sampled_from(["table", "tags"]), st.data())
@settings(deadline=None)  # a busy machine is no damage
def test_damage_where_the_tables_are_is_no_worse(
    content: bytes, where: str, data: st.DataObject
) -> None:
    image = ElfImage(io.BytesIO(content), "sample")
    tags = image.first(PT_DYNAMIC)
    assert tags is not None
    table = _table_at(content, DT_GNU_HASH if content is _USER else DT_HASH)
    start, size = (table, 64) if where == "table" else (tags.offset, tags.file_size)
    number = data.draw(st.integers(0, size // 4 - 1))
    value = data.draw(st.one_of(st.sampled_from([0, 1, 2**31, 2**32 - 1]), st.integers(0, 4096)))
    with suppress(ElfError):
        _read(_put(content, start + 4 * number, struct.pack("<I", value)))


@given(st.sampled_from([_USER, _SYSV]), st.floats(0, 1))
@settings(deadline=None)  # a busy machine is no damage
def test_a_truncated_file_is_an_error(content: bytes, part: float) -> None:
    with suppress(ElfError):
        _read(content[: int(part * len(content))])
