"""The complete catalogue: importing this module imports every module that declares rules."""

from __future__ import annotations

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.imports import ImportScene
from cxxrt_toolchain.facts.process import ProcessView
from cxxrt_toolchain.rules import (
    captures,
    copies,
    crashes,
    hidden_runtimes,
    installation,
    interposition,
    openmp_cuda,
    runtime_loader,
    strings,
    versions,
)
from cxxrt_toolchain.rules.rule import CATALOGUE, judge
from cxxrt_toolchain.rules.wheel import verdict
from cxxrt_toolchain.rules.wheel.claim import Claim

__all__ = ["CATALOGUE", "DECLARING", "SCENES", "judge"]

DECLARING = (
    captures,
    copies,
    crashes,
    hidden_runtimes,
    installation,
    interposition,
    openmp_cuda,
    runtime_loader,
    strings,
    versions,
    *verdict.DECLARING,
)
"""The modules that declare rules."""
SCENES: dict[type, str] = {
    Claim: "wheel",
    EnvironmentFacts: "environment",
    ProcessView: "process",
    ImportScene: "imports",
}
"""What rules look at, and how people call it."""
