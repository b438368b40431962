"""What a child process really mapped: the demo's evidence, by the SONAMEs in the files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.process.procfs import parse_maps
from cxxrt_toolchain.elf.reader import read_elf

if TYPE_CHECKING:
    from collections.abc import Sequence

_RUNTIME_STEMS = ("libstdc++", "libgcc_s", "libgomp", "libatomic", "libquadmath", "libcudart")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mapped:
    """One mapped file that carries a runtime library."""

    soname: str
    path: Path
    kib: int
    """Address space, in KiB, over all segments."""


def mapped_runtimes(maps: str) -> tuple[Mapped, ...]:
    """Return the mapped runtime libraries, sorted by SONAME; a file is one entry."""
    sizes: Counter[Path] = Counter()
    for row in parse_maps(maps.encode()):
        sizes[Path(row.path)] += (row.end - row.start) // 1024
    return tuple(
        sorted(
            Mapped(soname=_soname(path), path=path, kib=size)
            for path, size in sizes.items()
            if path.name.startswith(_RUNTIME_STEMS)
        )
    )


def mapped_twice(mapped: Sequence[Mapped]) -> tuple[str, ...]:
    """Return the SONAMEs that more than one file serves."""
    counts = Counter(entry.soname for entry in mapped)
    return tuple(soname for soname, count in counts.items() if count > 1)


def _soname(path: Path) -> str:
    with path.open("rb") as stream:
        return read_elf(stream, str(path)).soname or path.name
