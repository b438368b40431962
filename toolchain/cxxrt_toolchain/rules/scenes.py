"""The rules about environments, processes and imports: importing this module declares them.

Without the rules about wheels, which need `packaging`: importing that takes as long as the doctor
takes to judge an environment.
"""

from cxxrt_toolchain.rules import (
    captures,
    copies,
    duplicates,
    installation,
    interactions,
    interposition,
    loading,
    openmp_cuda,
    unserved,
    versions,
)
from cxxrt_toolchain.rules.imports import crashes
from cxxrt_toolchain.rules.rule import judge

__all__ = ["DECLARING", "judge"]

DECLARING = (
    captures,
    copies,
    crashes,
    duplicates,
    installation,
    interactions,
    interposition,
    loading,
    openmp_cuda,
    unserved,
    versions,
)
"""The modules that declare rules."""
