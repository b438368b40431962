"""The complete catalogue: importing this module imports every module that declares rules."""

from __future__ import annotations

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

__all__ = ["CATALOGUE", "DECLARING", "judge"]

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
