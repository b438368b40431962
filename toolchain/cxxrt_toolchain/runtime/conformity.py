"""Whether built libraries keep what the recipe promises.

What goes in: the facts of each library, the reference's facts, the floor. What comes out: a
``Figures`` row per library, and one sentence per broken promise. Nothing here reads files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.facts import Binding
from cxxrt_toolchain.wording import listed

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import DynamicSymbol, SharedObject, Soname

ORIGIN = "$ORIGIN"
_UNWINDERS = frozenset({"dl_iterate_phdr", "_dl_find_object"})
_LIBGCC = "libgcc_s.so.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is worth knowing about one library."""

    soname: Soname
    size: int
    """Bytes."""
    glibc: str
    """The highest glibc version that it needs, for example ``2.14``; empty for none."""
    provides: tuple[tuple[str, str], ...]
    """Highest symbol version that it defines in each namespace: ``("GLIBCXX", "3.4.33")``."""
    symbols: int
    """Exported, with their versions."""
    reference_symbols: int | None
    """The same in the distribution's build; None where there is none to compare with."""


def version_key(version: str) -> tuple[int, ...]:
    """Numbers of a dotted version, to compare by."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def glibc_need(facts: SharedObject) -> str:
    """The highest ``GLIBC_`` version that an object needs, without the prefix; or empty."""
    needs = (need.version for need in facts.version_needs)
    versions = [name.removeprefix("GLIBC_") for name in needs if re.match(r"GLIBC_\d", name)]
    return max(versions, key=version_key, default="")


def highest_definitions(facts: SharedObject) -> tuple[tuple[str, str], ...]:
    """The highest version defined in each namespace, sorted by namespace."""
    highest: dict[str, str] = {}
    for name in facts.version_definitions:
        if match := re.fullmatch(r"([A-Z]+)_(\d[\d.]*)", name):
            namespace, version = match.groups()
            best = highest.get(namespace, version)
            highest[namespace] = max(best, version, key=version_key)
    return tuple(sorted(highest.items()))


def exports(facts: SharedObject) -> frozenset[tuple[str, str | None]]:
    """Name and version of everything that other objects can bind to."""
    return frozenset(
        (symbol.name, symbol.version)
        for symbol in _symbols(facts)
        if symbol.defined and symbol.visible and symbol.binding is not Binding.LOCAL
    )


def _symbols(facts: SharedObject) -> tuple[DynamicSymbol, ...]:
    if facts.symbols is None:
        raise ValueError("these facts were read without symbols")
    return facts.symbols


def figures(soname: Soname, facts: SharedObject, size: int, ref: SharedObject | None) -> Figures:
    """Sum up one library."""
    return Figures(
        soname=soname,
        size=size,
        glibc=glibc_need(facts),
        provides=highest_definitions(facts),
        symbols=len(exports(facts)),
        reference_symbols=None if ref is None else len(exports(ref)),
    )


def broken_promises(
    soname: Soname, facts: SharedObject, *, arch: str, floor: str, ref: SharedObject | None
) -> tuple[str, ...]:
    """One sentence for each thing that must not be so; empty for a library that can be used."""
    found = []
    if (facts.machine, facts.kind) != (arch, "dyn"):
        found.append(f"is {facts.machine} {facts.kind}, not a shared object for {arch}")
    if facts.soname != soname:
        found.append(f"has the SONAME {facts.soname}")
    if version_key(glibc_need(facts)) > version_key(floor):
        found.append(f"needs GLIBC_{glibc_need(facts)}, above the floor {floor}")
    if facts.executable_stack:
        found.append("wants an executable stack")
    if facts.rpath != ORIGIN or facts.runpath is not None:
        found.append(f"has RPATH {facts.rpath!r} and RUNPATH {facts.runpath!r}, not {ORIGIN}")
    return tuple(f"{soname} {text}." for text in (*found, *_symbol_faults(soname, facts, ref)))


def _symbol_faults(soname: Soname, facts: SharedObject, ref: SharedObject | None) -> list[str]:
    found = []
    undefined = [symbol for symbol in _symbols(facts) if not symbol.defined and symbol.name]
    unversioned = sorted(
        symbol.name
        for symbol in undefined
        if symbol.version is None and symbol.binding is Binding.GLOBAL
    )
    if unversioned:
        found.append(f"needs {listed(unversioned)} without a version")
    if soname == _LIBGCC and not _UNWINDERS & {symbol.name for symbol in undefined}:
        found.append("imports neither dl_iterate_phdr nor _dl_find_object: it cannot unwind")
    if ref is not None and (lost := exports(ref) - exports(facts)):
        found.append(f"lacks {listed(sorted(f'{n}@{v}' for n, v in lost))} of the reference")
    return found
