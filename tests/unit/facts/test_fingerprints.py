"""Finding runtimes that show in no dynamic symbol."""

from __future__ import annotations

import io

import pytest

from cxxrt_toolchain.elf.facts import SharedObject, Soname
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.fingerprints import TextWatch, candidates, find_texts

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


def facts(*needed: str) -> SharedObject:
    return SharedObject(
        bits=64,
        little_endian=True,
        machine="x86_64",
        kind="dyn",
        soname=None,
        needed=tuple(map(Soname, needed)),
        rpath=None,
        runpath=None,
        version_needs=(),
        version_definitions=(),
        executable_stack=False,
        static_tls=False,
    )


@pytest.mark.parametrize(
    ("needed", "undefined", "found"),
    [
        ([], {"abort", "fputs", "dl_iterate_phdr"}, {RuntimeFamily.LIBSTDCXX}),
        ([], {"abort", "fputs", "_dl_find_object"}, {RuntimeFamily.LIBSTDCXX}),
        (["libgcc_s.so.1"], {"abort", "fputs"}, {RuntimeFamily.LIBSTDCXX}),
        (["libgcc_s-1a2b.so.1"], {"abort", "fputs"}, {RuntimeFamily.LIBSTDCXX}),
        (["libgcc_s.so.1", "libstdc++.so.6"], {"abort", "fputs"}, set()),
        (["libgcc_s.so.1"], {"abort"}, set()),
        ([], {"abort", "fputs"}, set()),
        ([], {"dlopen", "dlsym"}, {RuntimeFamily.LIBCUDART}),
        (["libcudart.so.12"], {"dlopen", "dlsym"}, set()),
        ([], {"dlopen"}, set()),
    ],
)
def test_what_an_object_needs_says_what_may_be_in_it(
    needed: list[str], undefined: set[str], found: set[RuntimeFamily]
) -> None:
    assert candidates(facts(*needed), undefined) == found


def test_the_pieces_of_constants_are_taken_only_as_long_as_something_is_missing() -> None:
    pieces = iter([b"x", _TERMINATE[:9], _TERMINATE[9:], b"the rest"])
    found = find_texts(pieces, {RuntimeFamily.LIBSTDCXX})
    assert found == (RuntimeFamily.LIBSTDCXX,)
    assert next(pieces) == b"the rest"
    assert find_texts(pieces, frozenset()) == ()
    assert find_texts([b"nothing"], {RuntimeFamily.LIBCUDART}) == ()
