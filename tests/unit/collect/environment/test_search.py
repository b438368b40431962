"""The loader's search: its order, $ORIGIN, and the file that ldconfig writes."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from environment_case import binary

from cxxrt_toolchain.collect.environment.search import Search, read_ld_cache
from cxxrt_toolchain.facts.installed import Step

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import SharedObject

NAME = "libstdc++.so.6"
USER = binary("/site/a/_core.so").facts
PROGRAM = "/opt/python/bin/python3"
PLAIN = binary(PROGRAM).facts


def cache_file(*entries: tuple[int, str, str, int]) -> bytes:
    """``ld.so.cache`` of glibc 2.32 and later: flags, SONAME, path and hwcap of each entry."""
    table, strings = b"", b""
    start = 48 + 24 * len(entries)
    for flags, soname, path, hardware in entries:
        key = start + len(strings)
        strings += soname.encode() + b"\0"
        value = start + len(strings)
        strings += path.encode() + b"\0"
        table += struct.pack("=iIIIQ", flags, key, value, 0, hardware)
    head = struct.pack("=20sII20x", b"glibc-ld.so.cache1.1", len(entries), len(strings))
    return head + table + strings


CACHE = cache_file(
    (0x0803, NAME, "/lib/x32/libstdc++.so.6", 0),
    (0x0303, NAME, "/lib/v3/libstdc++.so.6", 1 << 62),
    (0x0303, NAME, "/lib/64/libstdc++.so.6", 0),
    (0x0A03, NAME, "/lib/arm/libstdc++.so.6", 0),
)


def search(program: SharedObject = PLAIN, **environ: str) -> Search:
    return Search(PROGRAM, program, environ, CACHE, lambda path: "missing" not in path)


def steps(found: Search, user: SharedObject | None = None) -> list[tuple[str, Step]]:
    facts = user if user is not None else USER
    every = found.all(NAME, path="/site/a/_core.so", facts=facts)
    return [(each.path, each.step) for each in every][:4]


def test_the_cache_has_one_architecture_and_no_special_processors() -> None:
    assert read_ld_cache(CACHE, "x86_64") == {NAME: ("/lib/64/libstdc++.so.6",)}
    assert read_ld_cache(CACHE, "aarch64") == {NAME: ("/lib/arm/libstdc++.so.6",)}
    assert read_ld_cache(CACHE, "riscv64") == {}


def test_the_new_format_is_found_behind_the_old_one() -> None:
    assert read_ld_cache(b"ld.so-1.7.0" + b"\0" * 37 + CACHE, "x86_64") == {
        NAME: ("/lib/64/libstdc++.so.6",)
    }


@pytest.mark.parametrize("size", [0, 10, 30, 60, len(CACHE) - 40, len(CACHE) - 1])
def test_a_cut_cache_gives_what_is_there(size: int) -> None:
    assert set(read_ld_cache(CACHE[:size], "x86_64")) <= {NAME, ""}


def test_without_paths_the_cache_and_the_default_folders_are_searched() -> None:
    assert steps(search())[:2] == [
        ("/lib/64/libstdc++.so.6", Step.CACHE),
        ("/lib64/libstdc++.so.6", Step.DEFAULT),
    ]


def test_without_a_cache_the_c_library_is_found_in_a_default_folder() -> None:
    """Also on Debian; so is a library that is needed by a name that the cache does not list."""
    machine = replace(PLAIN, machine=os.uname().machine)
    found = Search(PROGRAM, machine, {}, b"").find("libc.so.6")
    assert found is not None
    assert (found.step, os.path.isfile(found.path)) == (Step.DEFAULT, True)  # noqa: PTH113 - text


def test_rpath_comes_before_the_variable_and_runpath_after_it() -> None:
    rpath = replace(USER, rpath="$ORIGIN/../a.libs:/missing")
    assert steps(search(LD_LIBRARY_PATH="/ld"), rpath)[:2] == [
        ("/site/a.libs/libstdc++.so.6", Step.OWN_RPATH),
        ("/ld/libstdc++.so.6", Step.LD_LIBRARY_PATH),
    ]
    runpath = replace(rpath, runpath="${ORIGIN}/lib")
    assert steps(search(LD_LIBRARY_PATH="/missing:;/ld"), runpath)[:2] == [
        ("/ld/libstdc++.so.6", Step.LD_LIBRARY_PATH),
        ("/site/a/lib/libstdc++.so.6", Step.OWN_RUNPATH),
    ]


def test_the_interpreters_rpath_counts_where_neither_has_a_runpath() -> None:
    conda = replace(PLAIN, rpath="$ORIGIN/../lib")
    assert steps(search(conda, LD_LIBRARY_PATH="/ld"))[0] == (
        "/opt/python/lib/libstdc++.so.6",
        Step.PROGRAM_RPATH,
    )
    assert steps(search(conda), replace(USER, runpath="/missing"))[0][1] is Step.CACHE
    both = replace(conda, runpath="/x")
    assert steps(search(both))[0][1] is Step.CACHE


def test_a_preloaded_library_serves_whoever_needs_its_name() -> None:
    assert steps(search(LD_PRELOAD="libjemalloc.so /p/libstdc++.so.6"))[0] == (
        "/p/libstdc++.so.6",
        Step.PRELOAD,
    )


def test_what_is_nowhere_is_not_found() -> None:
    nothing = Search(PROGRAM, PLAIN, {}, b"", lambda _: False)
    assert nothing.find(NAME) is None
