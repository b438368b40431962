"""What a repair may do to a wheel: one frozen value per kind of edit, nothing that acts.

The planner writes these, ``cxxrt repair --dry-run`` prints them, ``apply`` carries them out.
``str(edit)`` is the line that a person reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import Soname


@dataclass(frozen=True, slots=True, kw_only=True)
class DropMember:
    """Leave a member out of the new wheel."""

    member: str
    reason: str

    def __str__(self) -> str:
        return f"drop {self.member}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceNeeded:
    """Point an object's ``DT_NEEDED`` entry, and its version needs, at another SONAME."""

    member: str
    old: Soname
    new: Soname

    def __str__(self) -> str:
        return f"{self.member}: NEEDED {self.old} -> {self.new}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSearchPath:
    """Set where the loader looks for an object's libraries."""

    member: str
    path: str
    """Colon-separated; empty removes the entry."""
    as_rpath: bool
    """Write ``DT_RPATH`` (kept where the object had one: its dependencies inherit it)."""

    def __str__(self) -> str:
        name = "RPATH" if self.as_rpath else "RUNPATH"
        return f"{self.member}: {name} {self.path or '(removed)'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearExecutableStack:
    """Mark that an object does not need an executable stack."""

    member: str

    def __str__(self) -> str:
        return f"{self.member}: no executable stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddFile:
    """Add a text file that the source wheel does not have."""

    member: str
    content: str
    reason: str

    def __str__(self) -> str:
        return f"add {self.member}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFirst:
    """Import a module before anything else of a package's ``__init__.py`` runs."""

    member: str
    """The ``__init__.py``."""
    module: str
    """The sibling module's name, imported relatively."""

    def __str__(self) -> str:
        return f"{self.member}: import .{self.module} first"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRequirement:
    """Replace a distribution's requirements, or add one."""

    distribution: str
    """The normalized name; every requirement on it goes. Empty: the others stay, as they may ask
    for more."""
    requirement: str
    """The one that takes their place, as ``Requires-Dist`` spells it."""

    def __str__(self) -> str:
        return f"Requires-Dist: {self.requirement}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retag:
    """Give the wheel other compatibility tags, in its name and in ``WHEEL``."""

    python: str
    abi: str
    platform: str

    def __str__(self) -> str:
        return f"tag {self.python}-{self.abi}-{self.platform}"


Edit = (
    DropMember
    | ReplaceNeeded
    | SetSearchPath
    | ClearExecutableStack
    | AddFile
    | ImportFirst
    | SetRequirement
    | Retag
)
