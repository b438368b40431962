"""Finding runtimes that show in no dynamic symbol."""

from __future__ import annotations

import io

import pytest

from cxxrt_toolchain.audit.families import RuntimeFamily
from cxxrt_toolchain.audit.fingerprints import scan

_TERMINATE = b"terminate called after throwing an instance of '"
_BLOCK = 1 << 20


@pytest.mark.parametrize("before", [0, 1, _BLOCK - 10, _BLOCK - 1, _BLOCK, 2 * _BLOCK - 20])
def test_a_text_is_found_wherever_the_blocks_are_cut(before: int) -> None:
    stream = io.BytesIO(b"x" * before + _TERMINATE + b"y" * 100)
    assert scan(stream, {RuntimeFamily.LIBSTDCXX}) == (RuntimeFamily.LIBSTDCXX,)


def test_nothing_is_read_where_nothing_is_asked() -> None:
    stream = io.BytesIO(_TERMINATE)
    stream.seek(3)
    assert scan(stream, frozenset()) == ()
    assert stream.tell() == 3


def test_half_a_text_is_none() -> None:
    families = {RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCUDART}
    assert scan(io.BytesIO(_TERMINATE[:-1] * 3), families) == ()
