"""What the loader tells about a library: frozen values.

Not on the hot path: ``dataclasses`` costs more than loading both libraries.
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
"""How a library came into the process; ``already-loaded``: by somebody else, before us."""


@dataclass(frozen=True)
class LoadedLibrary:
    """One runtime library of this process."""

    soname: str
    path: str
    """As the dynamic linker knows it."""
    found_via: FoundVia
    version: str
    """``3.4.33`` (newest GLIBCXX) for libstdc++, ``12.9`` for libcudart, "" where none is known."""

    def __str__(self) -> str:
        return f"{self.soname} {self.version or '-'} ({self.found_via}) {self.path}"
