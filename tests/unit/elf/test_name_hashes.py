"""The hash values of exported names: the linker's, and the same as the names give."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxxrt_toolchain.elf.dynamic import DT_GNU_HASH, Dynamic
from cxxrt_toolchain.elf.image import ElfError, ElfImage
from cxxrt_toolchain.elf.name_hashes import NameHashes, hash_of, read_name_hashes
from cxxrt_toolchain.elf.symbols import read_symbols
from cxxrt_toolchain.elf.versions import read_versions

_DATA = Path(__file__).parents[2] / "data" / "elf"
_SAMPLES = {path.name: path.read_bytes() for path in sorted(_DATA.glob("lib*.so"))}
_USER = _SAMPLES["libuser.so"]


def _read(content: bytes) -> NameHashes:
    image = ElfImage(io.BytesIO(content), "sample")
    return read_name_hashes(image, Dynamic(image))


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


@given(st.integers(0, len(_USER) - 8), st.binary(min_size=1, max_size=8))
def test_damage_is_an_error_or_nothing_worse(offset: int, new: bytes) -> None:
    with suppress(ElfError):
        _read(_USER[:offset] + new + _USER[offset + len(new) :])


@given(st.integers(0, len(_USER)))
def test_a_truncated_file_is_an_error(size: int) -> None:
    with suppress(ElfError):
        _read(_USER[:size])
