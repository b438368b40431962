"""Rule P7: symbols that nothing in the link has defined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.families import LIBSTDCXX, family_of_name
from cxxrt_toolchain.facts.symbols import belongs_to_libstdcxx
from cxxrt_toolchain.rules.rule import Finding, error, warning
from cxxrt_toolchain.rules.wheel.claim import Claim, of_wheels

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.wheel import ObjectReport

_GLIBC = re.compile(r"(?:lib(?:anl|c|crypt|dl|m|nsl|pthread|resolv|rt|util)\.so\.\d+|ld-linux.*)")
_NEVER_OF_THE_PROCESS = ("_Z", "__aarch64_")
"""C++, and atomic operations, which are hidden in libgcc.a."""
_NEWER_COMPILER = (
    "The compiler is newer than the libstdc++ that it linked to: link to the compiler's own, or "
    "compile with the g++ that 'cxxrt runtime compiler' names."
)
_NOT_LINKED = "It is not linked to libstdc++: link it with g++, or with -lstdc++."
_KEEP = (
    "Link the library that defines it. If another module of the package defines it, do not hide "
    "it there: keep-exports in [tool.cxxrt] names that module."
)


@of_wheels("CXXRT-P7", "Undefined symbol that nothing defines")
def undefined_symbols(claim: Claim) -> Iterator[Finding]:
    """Objects that no process can load: the loader ends with ``undefined symbol``.

    A symbol that a library of glibc or GCC defines gets that library's version in the link. One
    without a version is defined by another object of the wheel, by the interpreter or by a library
    from outside without versions; where there is no such library, nothing defines it. A plug-in of
    another program (cocotb's for simulators) may get symbols from that program.
    """
    for found in claim.linked:
        names = claim.report.unresolved(found)
        if "libc.so.6" not in found.facts.needed:  # it relies on the process for functions of C
            names = tuple(name for name in names if name.startswith(_NEVER_OF_THE_PROCESS))
        if not names or not _only_versioned(claim, found):
            continue
        many = f"{len(names)} symbols" if len(names) > 1 else "a symbol"
        library = next(filter(_is_of_libstdcxx, names), None)
        advice = _KEEP
        if library:
            linked = LIBSTDCXX in found.facts.needed
            advice = _NEWER_COMPILER if linked else _NOT_LINKED
        loaded = library is not None or _is_loaded_by_python(claim, found)
        yield (error if loaded else warning)(
            f"needs {many} that nothing in its link defines",
            member=found.member,
            symbol=library or names[0],
            remedies=(advice,),
            unrepairable=advice if loaded else "",
            promise=loaded,
        )


def _is_of_libstdcxx(name: str) -> bool:
    return name.startswith(("__cxa_", "__gxx_")) or belongs_to_libstdcxx(name)


def _is_loaded_by_python(claim: Claim, found: ObjectReport) -> bool:
    """An extension module, or a library that another object of the wheel needs."""
    return found.is_module or any(
        name in each.facts.needed
        for each in claim.report.objects
        for name in (found.name, found.file_name)
    )


def _only_versioned(claim: Claim, found: ObjectReport) -> bool:
    """Whether all libraries from outside that the object needs give their symbols versions."""
    outside = (name for name in found.facts.needed if claim.report.provides(name) is None)
    return all(_GLIBC.fullmatch(name) or _is_versioned(name) for name in outside)


def _is_versioned(name: str) -> bool:
    family = family_of_name(name)
    return family is not None and family.is_versioned
