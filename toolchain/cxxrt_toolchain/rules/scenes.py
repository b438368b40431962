"""The rules about environments and processes: importing this module declares them.

Without those about wheels, which need `packaging`, and about imports, which compile many patterns:
importing these takes as long as the doctor takes to judge an environment.
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
from cxxrt_toolchain.rules.rule import judge

__all__ = ["DECLARING", "judge"]

DECLARING = (
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
"""The modules that declare rules."""
