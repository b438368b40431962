"""Check that built libraries hold the promises of the recipe. Nothing here reads files."""

import re
from dataclasses import dataclass

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.elf.facts import Binding, DynamicSymbol, SharedObject, Soname
from cxxrt_toolchain.facts.families import LIBGCC_S
from cxxrt_toolchain.wording import listed

ORIGIN = "$ORIGIN"
_UNWINDERS = frozenset({"dl_iterate_phdr", "_dl_find_object"})
_GLIBC = "GLIBC_"
_NODE = re.compile(r"(?P<namespace>[A-Z][A-Z_]*)_(?P<version>\d+(\.\d+)*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one library, for people and for the check."""

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
    """Exported by the distribution's build of the library; None without such a build."""

    def __str__(self) -> str:
        versions = " ".join(f"{namespace}_{version}" for namespace, version in self.provides)
        need = f"needs GLIBC_{self.glibc}" if self.glibc else "needs no glibc version"
        compared = (
            "" if self.reference_symbols is None else f" (Debian's: {self.reference_symbols})"
        )
        counted = f"{self.symbols} symbols{compared}"
        return f"{self.soname}: {self.size} bytes, {need}, {counted}, {versions}"


def glibc_need(facts: SharedObject) -> str:
    """The highest ``GLIBC_`` version that an object needs, without the prefix; or empty."""
    names = (need.version for need in facts.version_needs)
    versions = (name.removeprefix(_GLIBC) for name in names if name.startswith(_GLIBC))
    return max(filter(version_tuple, versions), key=version_tuple, default="")


def version_nodes(facts: SharedObject) -> tuple[tuple[str, str], ...]:
    """Sorted (namespace, highest version defined), without libgcc_s's relics of glibc 2.0."""
    highest: dict[str, str] = {}
    for node in facts.version_definitions:
        match = _NODE.fullmatch(node)
        if match and f"{match['namespace']}_" != _GLIBC:
            known = highest.get(match["namespace"], match["version"])
            highest[match["namespace"]] = max(known, match["version"], key=version_tuple)
    return tuple(sorted(highest.items()))


def exports(facts: SharedObject) -> frozenset[tuple[str, str | None]]:
    """Name and version of each symbol that other objects can bind to."""
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
    """The figures of one library."""
    return Figures(
        soname=soname,
        size=size,
        glibc=glibc_need(facts),
        provides=version_nodes(facts),
        symbols=len(exports(facts)),
        reference_symbols=None if ref is None else len(exports(ref)),
    )


def broken_promises(
    soname: Soname,
    facts: SharedObject,
    *,
    arch: str,
    floor: str,
    ref: SharedObject | None,
    namespace: str = "",
) -> tuple[str, ...]:
    """One sentence for each broken promise; empty if the library can be used."""
    found = []
    if (facts.machine, facts.kind) != (arch, "dyn"):
        found.append(f"is {facts.machine} {facts.kind}, not a shared object for {arch}")
    if facts.soname != soname:
        found.append(f"has the SONAME {facts.soname}")
    if version_tuple(glibc_need(facts)) > version_tuple(floor):
        found.append(f"needs GLIBC_{glibc_need(facts)}, above the floor {floor}")
    if facts.executable_stack:
        found.append("wants an executable stack")
    if facts.rpath != ORIGIN or facts.runpath is not None:
        found.append(f"has RPATH {facts.rpath!r} and RUNPATH {facts.runpath!r}, not {ORIGIN}")
    if outside := sorted(name for name, _ in exports(facts) if namespace not in name):
        found.append(f"exports {listed(outside)} outside of {namespace}")
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
    if soname == LIBGCC_S and not _UNWINDERS & {symbol.name for symbol in undefined}:
        found.append("imports neither dl_iterate_phdr nor _dl_find_object: it cannot unwind")
    if ref is not None and (lost := exports(ref) - exports(facts)):
        found.append(f"lacks {listed(sorted(f'{n}@{v}' for n, v in lost))} of the reference")
    return found
