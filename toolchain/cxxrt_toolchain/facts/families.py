"""Which runtime library a name belongs to, under any of the names that repair tools give it.

The family, and the name that the shared runtime serves it under.
"""

import re
from enum import Enum

from cxxrt_toolchain.abi.versions import as_number
from cxxrt_toolchain.elf.facts import SharedObject, Soname


class RuntimeFamily(Enum):
    """A runtime of which one process should have one copy."""

    LIBSTDCXX = "libstdc++"
    LIBGCC = "libgcc_s"
    LIBGOMP = "libgomp"
    LIBATOMIC = "libatomic"
    LIBQUADMATH = "libquadmath"
    LIBGFORTRAN = "libgfortran"
    LIBCUDART = "libcudart"
    LIBCXX = "libc++"
    LIBIOMP = "libiomp5"
    LIBOMP = "libomp"

    @property
    def is_versioned(self) -> bool:
        """Whether its library gives every symbol a version; libc++ and LLVM's OpenMP do not."""
        return self not in {RuntimeFamily.LIBCXX, RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP}


SHARED_FAMILIES = frozenset(RuntimeFamily) - {
    *(RuntimeFamily.LIBCXX, RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP)
}
"""What a runtime wheel can serve; the other families are only reported."""

OPENMP_FAMILIES = frozenset({RuntimeFamily.LIBGOMP, RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP})

# auditwheel: libgomp-e985bcbb.so.1.0.0; by hand: libstdc++-pymomentum.so.6; distributions:
# libgcc_s-4.8.5-20150702.so.1. The first number after ".so." is the SONAME's in every case.
# libgfortran before GCC 8 is another library (libgfortran.so.3, .so.4), which no runtime serves.
_NAME = re.compile(
    r"(?P<family>libstdc\+\+|libgcc_s|libgomp|libatomic|libquadmath|libgfortran(?!(-.*)?\.so\.[0-4])"
    r"|libcudart|libc\+\+|libiomp5|libomp)"
    r"(?P<mangled>-[^/]*)?\.so(?:\.(?P<major>[0-9]+)(?:\.[0-9.]+)?)?"
)

DEFINED_BY = {
    "GLIBCXX_3.4": RuntimeFamily.LIBSTDCXX,
    "GCC_3.0": RuntimeFamily.LIBGCC,
    "GOMP_1.0": RuntimeFamily.LIBGOMP,
    "LIBATOMIC_1.0": RuntimeFamily.LIBATOMIC,
    "QUADMATH_1.0": RuntimeFamily.LIBQUADMATH,
    "GFORTRAN_8": RuntimeFamily.LIBGFORTRAN,
}
"""The oldest version node of each library, which every release defines."""


LIBSTDCXX = "libstdc++.so.6"
LIBGCC_S = "libgcc_s.so.1"
_SONAMES = {
    RuntimeFamily.LIBSTDCXX: LIBSTDCXX,
    RuntimeFamily.LIBGCC: LIBGCC_S,
    RuntimeFamily.LIBGOMP: "libgomp.so.1",
    RuntimeFamily.LIBATOMIC: "libatomic.so.1",
    RuntimeFamily.LIBQUADMATH: "libquadmath.so.0",
    RuntimeFamily.LIBGFORTRAN: "libgfortran.so.5",
}
"""For copies whose name says nothing; libcudart is missing because its SONAME has the major."""


def family_of_name(name: str) -> RuntimeFamily | None:
    """The family that a SONAME or a member's base name belongs to, None for any other library."""
    match = _NAME.fullmatch(name.rsplit("/", 1)[-1])
    return RuntimeFamily(match["family"]) if match else None


def family_of_object(member: str, facts: SharedObject) -> RuntimeFamily | None:
    """The family that an object is a copy of, also when its name hides it.

    Version definitions decide before names do: ``GLIBCXX_3.4`` is defined by libstdc++ only. But
    Intel's and LLVM's OpenMP runtimes define libgomp's versions, too, to stand in for it.
    """
    by_soname = family_of_name(facts.soname) if facts.soname else None
    by_name = by_soname or family_of_name(member)
    if by_name in {RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP}:
        return by_name
    for version in facts.version_definitions:
        if version in DEFINED_BY:
            return DEFINED_BY[version]
    return by_name


def canonical_soname(name: str) -> Soname:
    """The vendor's own SONAME (``libgomp-e985bcbb.so.1.0.0``: ``libgomp.so.1``), else the name."""
    match = _NAME.fullmatch(name.rsplit("/", 1)[-1])
    if match is None:
        return Soname(name)
    suffix = f".{match['major']}" if match["major"] else ""
    return Soname(f"{match['family']}.so{suffix}")


def served_soname(name: str, family: RuntimeFamily | None) -> Soname | None:
    """The SONAME that a runtime wheel serves a library under, None where it serves none.

    `family` is what it is a copy of; None to go by the name alone.
    """
    if (by_name := family_of_name(name)) in SHARED_FAMILIES:
        return canonical_soname(name)
    if by_name is None and family in _SONAMES:
        return Soname(_SONAMES[family])
    return None


def cuda_major(name: str) -> int | None:
    """The CUDA major of a libcudart's name, None for other names."""
    match = _NAME.fullmatch(name.rsplit("/", 1)[-1])
    if match is None or match["family"] != RuntimeFamily.LIBCUDART.value or not match["major"]:
        return None
    return as_number(match["major"])
