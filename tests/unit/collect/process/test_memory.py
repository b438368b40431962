"""Our own memory, read as another process's would be."""

from __future__ import annotations

import os
from array import array
from pathlib import Path

import pytest

from cxxrt_toolchain.collect.process.memory import AddressMap, load_order, open_memory
from cxxrt_toolchain.collect.process.procfs import mappings_now


def test_words_are_read_where_they_are() -> None:
    numbers = array("Q", [1, 2, 3, 1 << 40] + [0] * 100_000 + [7])
    start, _ = numbers.buffer_info()
    with open_memory(os.getpid()) as memory:
        assert memory is not None
        assert memory.word(start + 24) == 1 << 40
        assert memory.gather(start, array("I", [0, 1, len(numbers) - 1])) == [1, 2, 7]
        assert memory.gather(start + 8, array("I", [2])) == [1 << 40]


@pytest.mark.parametrize("address", [0, 8, (1 << 64) - 8, 1 << 70])
def test_what_is_not_mapped_is_missing(address: int) -> None:
    with open_memory(os.getpid()) as memory:
        assert memory is not None
        assert memory.word(address) is None
        assert memory.gather(address, array("I", [0, 2])) == [0, 0]


def test_words_behind_the_end_of_what_is_mapped_are_zero() -> None:
    lines = Path("/proc/self/maps").read_text().splitlines()
    spans = [line.split()[0].split("-") for line in lines if " rw-p " in line]
    starts = {line.partition("-")[0] for line in lines}
    end = next(int(stop, 16) for _, stop in spans if stop not in starts)
    with open_memory(os.getpid()) as memory:
        assert memory is not None
        last = memory.word(end - 8)
        assert memory.gather(end - 8, array("I", [0, 1, 7])) == [last, 0, 0]


def test_the_loaders_list_begins_with_the_program() -> None:
    with open_memory(os.getpid()) as memory:
        assert memory is not None
        entries = load_order(os.getpid(), memory)
    owners = AddressMap((row.start, row.end, row.path) for row in mappings_now(os.getpid()))
    assert owners.owner(entries[0].dynamic) == os.path.realpath("/proc/self/exe")
    names = [owners.owner(entry.dynamic).rpartition("/")[2] for entry in entries]
    assert any(name.startswith("libc.so") for name in names)


def test_memory_that_may_not_be_read_is_none() -> None:
    with open_memory(1 << 30) as memory:
        assert memory is None


def test_addresses_and_the_gaps_between() -> None:
    owners = AddressMap([(30, 40, "b"), (10, 20, "a")])
    assert [owners.owner(address) for address in (9, 10, 19, 20, 30, 39, 40)] == [
        *("", "a", "a", "", "b", "b", "")
    ]
