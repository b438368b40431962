"""Decide what to change in a wheel so that it uses the shared runtime.

In: the report, the verdict and what the caller wants. Out: a `RepairPlan`, a tuple of edits that
can be printed, compared and carried out once, or the reasons why there is none. Pure: nothing is
read, written or run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxxrt_toolchain.audit.report import WheelReport
    from cxxrt_toolchain.audit.verdict import Verdict
    from cxxrt_toolchain.repair.edits import Edit


class Encoding(Enum):
    """How the new wheel's name says what it was linked against."""

    TAG = "tag"
    """The suffix of the ABI field, ``cp312_cxxrt1``."""
    PLAIN = "plain"
    """Only the requirement says it; the name is an ordinary one."""
    VARIANT = "variant"
    """A PEP 825 variant label and ``variant.json``."""


class Platform(Enum):
    """What to do with the platform field."""

    KEEP = "keep"
    LOWEST = "lowest"
    """The oldest ``manylinux_X_Y`` that the binaries allow, if they are portable at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What the caller wants; the defaults are those of ``cxxrt repair``."""

    encoding: Encoding = Encoding.TAG
    platform: Platform = Platform.LOWEST
    cuda: int | None = None
    """Tag the wheel for this CUDA major although no object needs its libcudart."""
    wire: bool = True
    """Make each package call ``require()`` before its extension modules load."""
    runpath: bool = True
    """Let the loader find the runtime beside the wheel also where nothing called ``require()``."""
    sbom: bool = True
    """Note the requirement on the runtime in ``.dist-info/sboms``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a wheel cannot be repaired."""

    rule: str
    """The rule whose entry in the catalogue says more."""
    member: str | None
    reason: str
    advice: str

    def __str__(self) -> str:
        where = f"{self.member}: " if self.member else ""
        return f"{self.rule}: {where}{self.reason} {self.advice}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPlan:
    """What to do, in the order in which it is done; or why nothing can be done."""

    source: str
    """The wheel's file name."""
    result: str
    """The new wheel's file name; the source's where no tag changes."""
    edits: tuple[Edit, ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...]
    """What a reader of the plan should know and no edit says."""

    @property
    def possible(self) -> bool:
        """Nothing stands in the way."""
        return not self.refusals
