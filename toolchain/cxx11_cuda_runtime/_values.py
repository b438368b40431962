"""The frozen values for a loaded library.

Not on the hot path: importing ``dataclasses`` takes longer than loading both libraries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FoundVia = Literal[
    "vendored",
    "already-loaded",
    "nvidia-wheel",
    "torch-wheel",
    "conda",
    "ld-library-path",
    "system",
    "override",
]
"""How a library was found; ``already-loaded``: something else had loaded it before."""


@dataclass(frozen=True)
class LoadedLibrary:
    """One runtime library of this process."""

    soname: str
    path: str
    """As the dynamic linker has it."""
    found_via: FoundVia
    version: str
    """``3.4.33`` (newest GLIBCXX) for libstdc++, ``12.9`` for libcudart, "" if unknown."""

    def __str__(self) -> str:
        return f"{self.soname} {self.version or '-'} ({self.found_via}) {self.path}"
