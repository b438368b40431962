"""Finding runtimes that show in no dynamic symbol."""

from __future__ import annotations

import io

import pytest

from cxxrt_toolchain.audit.families import RuntimeFamily
from cxxrt_toolchain.audit.fingerprints import TextWatch

_TERMINATE = b"terminate called after throwing an instance of '"
_BLOCK = 1 << 20


@pytest.mark.parametrize("before", [0, 1, _BLOCK - 10, _BLOCK - 1, _BLOCK, 2 * _BLOCK - 20])
def test_a_text_is_found_wherever_the_blocks_are_cut(before: int) -> None:
    stream = io.BytesIO(b"x" * before + _TERMINATE + b"y" * 100)
    found = TextWatch().finish(stream, {RuntimeFamily.LIBSTDCXX})
    assert found == (RuntimeFamily.LIBSTDCXX,)


@pytest.mark.parametrize("size", [1, 2, 7, 48, 1000])
def test_a_text_is_found_in_pieces_of_any_size(size: int) -> None:
    watch, data = TextWatch(), b"x" * 100 + _TERMINATE + b"y" * 100
    for offset in range(0, len(data), size):
        watch(offset, data[offset : offset + size])
    assert watch.found == {RuntimeFamily.LIBSTDCXX}


def test_pieces_that_come_by_again_change_nothing() -> None:
    watch = TextWatch()
    half = len(_TERMINATE) // 2
    watch(0, _TERMINATE[:half])
    watch(0, _TERMINATE[:half])
    assert not watch.found
    watch(half, _TERMINATE[half:])
    assert watch.found == {RuntimeFamily.LIBSTDCXX}


def test_what_has_come_by_is_not_read_again() -> None:
    watch = TextWatch()
    stream = io.BytesIO(_TERMINATE)
    watch(0, _TERMINATE)
    assert watch.finish(stream, {RuntimeFamily.LIBSTDCXX}) == (RuntimeFamily.LIBSTDCXX,)
    assert stream.tell() == 0


def test_nothing_is_read_where_nothing_is_asked() -> None:
    stream = io.BytesIO(_TERMINATE)
    stream.seek(3)
    assert TextWatch().finish(stream, frozenset()) == ()
    assert stream.tell() == 3


def test_half_a_text_is_none() -> None:
    families = {RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCUDART}
    assert TextWatch().finish(io.BytesIO(_TERMINATE[:-1] * 3), families) == ()
