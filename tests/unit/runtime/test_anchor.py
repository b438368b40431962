"""The anchor: what its bytes say to a reader, and that the loader is told of its size."""

from __future__ import annotations

import io

import pytest

from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.runtime.anchor import ANCHOR, anchor

_DF_1_NODEFLIB = 0x800


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_it_names_the_two_libraries_and_where_they_lie_and_nothing_else(arch: str) -> None:
    facts = read_elf(io.BytesIO(anchor(arch)), ANCHOR, symbols=True)
    assert facts.machine == arch
    assert facts.soname == ANCHOR
    assert facts.needed == ("libstdc++.so.6", "libgcc_s.so.1")
    assert facts.rpath == "$ORIGIN/lib"
    assert not facts.runpath
    assert not facts.symbols
    assert not facts.executable_stack


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_the_same_bytes_come_every_time_in_less_than_a_page(arch: str) -> None:
    assert anchor(arch) == anchor(arch)
    assert len(anchor(arch)) < 4096


def test_another_architecture_is_refused() -> None:
    with pytest.raises(KeyError):
        anchor("riscv64")
