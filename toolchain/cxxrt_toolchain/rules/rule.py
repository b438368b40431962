"""What a rule says when it fires: a frozen, ordered value, and the closed list of rules.

The long text of each rule (symptom, cause, evidence, fix) is the catalogue's, ``hazards.md``;
here is only what a list of findings needs. Nothing in this module judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How much a finding matters; only an error decides the verdict."""

    ERROR = "error"
    """The wheel breaks a promise that its name makes, or a defect that is proven to crash."""
    WARNING = "warning"
    """Safe alone, dangerous in company; or a promise kept in a way that costs."""
    INFO = "info"
    """Worth knowing, no reason to act."""

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


RULES: dict[str, str] = {
    "CXXRT-T0": "ABI tag is not well formed",
    "CXXRT-T1": "CUDA major of the tag and of the binaries differ",
    "CXXRT-T2": "Platform tag not allowed with a runtime ABI",
    "CXXRT-T3": "Python tag does not fit the ABI tag",
    "CXXRT-T4": "Compressed ABI set mixes runtime ABIs",
    "CXXRT-T5": "Runtime ABI tag and variant label together",
    "CXXRT-T6": "WHEEL tags and file name differ",
    "CXXRT-T7": "Requirement on the runtime missing or too weak",
    "CXXRT-T8": "Requirement on the runtime without a need",
    "CXXRT-P1": "Needs a library from outside that nobody promises",
    "CXXRT-P2": "Carries a copy of a shared runtime library",
    "CXXRT-P3": "Symbol version newer than what is promised",
    "CXXRT-P4": "glibc version above the platform tag",
    "CXXRT-P5": "Uses the old std::string ABI",
    "CXXRT-P6": "Runtime library above its own glibc floor",
    "CXXRT-H1": "Bundled libstdc++ or libgcc_s",
    "CXXRT-H2": "Bundled OpenMP runtime",
    "CXXRT-H3": "Bundled libcudart",
    "CXXRT-H4": "Statically linked libstdc++, exported",
    "CXXRT-H5": "Statically linked libstdc++, hidden",
    "CXXRT-H6": "Statically linked libcudart, exported",
    "CXXRT-H7": "Statically linked libcudart, hidden",
    "CXXRT-H8": "Exports symbols that libstdc++ refers to",
    "CXXRT-H9": "Exports std:: symbols",
    "CXXRT-H10": "Exports STB_GNU_UNIQUE symbols",
    "CXXRT-H11": "Old and new std::string ABI in one wheel",
    "CXXRT-H12": "Executable stack",
    "CXXRT-H13": "Static TLS",
    "CXXRT-H14": "Search path leaves the wheel",
    "CXXRT-H15": "Version need without its library",
    "CXXRT-W1": "RECORD does not describe the wheel",
    "CXXRT-W2": "WHEEL or METADATA unusable",
    "CXXRT-W3": "Native code in a wheel that claims to have none",
    "CXXRT-W4": "Binary for another machine",
    "CXXRT-W5": "Unreadable ELF file",
}
"""Rule id to its title; the catalogue has an entry for each, and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule that fired, with its evidence."""

    rule: str
    """A key of `RULES`."""
    severity: Severity
    message: str
    """One sentence without a full stop."""
    member: str | None = None
    """Where in the wheel."""
    symbol: str | None = None
    """A mangled name."""
    version: str | None = None
    """A symbol version or a version number."""
    library: str | None = None
    """The SONAME that the finding is about."""
    advice: str = ""
    """What to do about it, in one sentence."""

    @property
    def title(self) -> str:
        """The rule's title."""
        return RULES[self.rule]

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Worst first, then by place and rule."""
        return (self.severity.rank, self.rule, self.member or "", self.message)

    def __str__(self) -> str:
        where = f"{self.member}: " if self.member else ""
        return f"{self.severity.value} {self.rule}: {where}{self.message}"
