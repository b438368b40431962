"""Components of a runtime, ready to be put into a wheel: checked files on disk.

What goes in: a recipe's component and an architecture. What comes out: a ``StagedComponent``
whose libraries have been read by the ELF reader and hold what the recipe promises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cxxrt_toolchain.elf.facts import SharedObject, Soname
    from cxxrt_toolchain.runtime.recipe import Input


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedLibrary:
    """One library file, named by its SONAME."""

    soname: Soname
    path: Path
    facts: SharedObject
    """Read with its symbols."""
    vendored_verbatim: bool
    """Another publisher's file that must stay as it is, byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedComponent:
    """One component for one architecture."""

    name: str
    version: str
    """Upstream's, for example ``14.2.0``."""
    license: str
    """SPDX expression."""
    license_files: tuple[Path, ...]
    libraries: tuple[StagedLibrary, ...]
    """In load order: a library comes after those that it needs."""
    link_names: tuple[tuple[str, Soname], ...]
    """What follows ``-l`` on a link line, and the library that it means."""
    inputs: tuple[Input, ...]
    """What it was made from, for the bill of materials."""
