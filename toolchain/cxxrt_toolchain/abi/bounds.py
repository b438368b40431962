"""Needed symbols to the ``Requires-Dist`` that provides them.

The smallest runtime version with all of them, each with its reason, as Debian's ``symbols`` files
do it (deb-symbols(5)); never the version of the compiler that built the wheel.

A runtime version is ``EPOCH.GCC.REVISION``. Every runtime that vendors GCC 9's libraries or
newer has what GCC 9 introduced, so that need reads ``>=1.9`` although no such wheel was
published. What a later minor release of GCC introduced, or a libcudart, is bounded by the first
published runtime that carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from cxxrt_toolchain.errors import InputError

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.symbols import CudartSymbols, SymbolTables

DISTRIBUTION = "cxx11-cuda-runtime"


class NoRuntimeError(InputError):
    """No known runtime provides what the wheel needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The smallest runtime version that satisfies one need."""

    version: Version
    need: str
    """For example ``libstdc++.so.6:GLIBCXX_3.4.30``."""
    reason: str
    """For example ``first defined by GCC 12.1.0``."""

    def __str__(self) -> str:
        return f"{self.need} ({self.reason}): {DISTRIBUTION}>={self.version}"


def version_bounds(
    tables: SymbolTables,
    needs: Iterable[tuple[str, str]],
    *,
    epoch: int = 1,
    arch: str | None = None,
) -> tuple[Bound, ...]:
    """Bounds of version needs, strongest first; `NoRuntimeError` for a node that no table has.

    `needs` are (SONAME, version node) pairs of ``.gnu.version_r``, without weak ones. Libraries
    that the runtime does not carry, such as libc.so.6, are passed over.
    """
    bounds = []
    for soname, node in sorted(set(needs)):
        nodes = tables.versions.get(soname)
        if nodes is None:
            continue
        if node not in nodes or arch not in {None, *tables.only.get((soname, node), {arch})}:
            raise NoRuntimeError(
                f"no known runtime defines {node} of {soname}.",
                "Build with the recipe's compiler, or use a toolchain that knows a newer GCC.",
            )
        version, reason = (
            _vendoring(tables, nodes[node], epoch),
            f"first defined by GCC {nodes[node]}",
        )
        bounds.append(Bound(version=version, need=f"{soname}:{node}", reason=reason))
    return _strongest_first(bounds)


def cudart_bounds(
    tables: SymbolTables, major: int, symbols: Iterable[str], *, epoch: int = 1
) -> tuple[Bound, ...]:
    """Bounds of the libcudart symbols that a wheel leaves undefined, strongest first.

    Without any symbol, the bound is that of ``libcudart.so.<major>`` itself. Raises
    `NoRuntimeError` for a major, or a symbol, that no known runtime carries.
    """
    table = tables.cudart.get(major)
    if table is None:
        known = ", ".join(str(each) for each in sorted(tables.cudart))
        raise NoRuntimeError(f"no known runtime carries CUDA {major}; known majors: {known}.")
    bounds = [_cudart_bound(tables, major, table.releases[0], table.soname, epoch)]
    for symbol in sorted(set(symbols)):
        release = _first_release(table, symbol)
        bounds.append(_cudart_bound(tables, major, release, f"{table.soname}:{symbol}", epoch))
    return _strongest_first(bounds)


def requirement_text(
    tables: SymbolTables,
    needs: Iterable[tuple[str, str]],
    cudart: Mapping[int, Iterable[str]],
    *,
    epoch: int = 1,
    arch: str | None = None,
) -> str:
    """The whole requirement of one wheel, spelled as ``str()`` of the value would.

    It excludes the next epoch. `cudart` has undefined symbols by CUDA major, `arch` is where the
    objects run, if that is to count (V-9). Raises
    `NoRuntimeError` for what no known runtime provides.
    """
    bounds = [*version_bounds(tables, needs, epoch=epoch, arch=arch)]
    for major, symbols in cudart.items():
        bounds += cudart_bounds(tables, major, symbols, epoch=epoch)
    lowest = max((bound.version for bound in bounds), default=Version(f"{epoch}.0"))
    return f"{DISTRIBUTION}<{epoch + 1},>={_shortest(lowest)}"


def is_published(tables: SymbolTables, soname: str, node: str) -> bool:
    """Whether a known release of the runtime provides a version of one of its libraries."""
    try:
        needed = version_bounds(tables, [(soname, node)])
    except NoRuntimeError:
        return False
    lowest = max((bound.version for bound in needed), default=Version("0"))
    return any(release.version >= lowest for release in tables.releases)


def _vendoring(tables: SymbolTables, gcc: Version, epoch: int) -> Version:
    """The first runtime version whose GCC is at least one release."""
    published = [
        each
        for each in tables.releases
        if (each.version.major, each.gcc.major) == (epoch, gcc.major)
    ]
    if not published or published[0].gcc >= gcc:
        return Version(f"{epoch}.{gcc.major}")
    later = (release.version for release in published if release.gcc >= gcc)
    return next(later, Version(f"{epoch}.{gcc.major + 1}"))


def _first_release(table: CudartSymbols, symbol: str) -> Version:
    if symbol not in table.first_seen:
        raise NoRuntimeError(
            f"no release of {table.soname} up to {table.releases[-1]} exports {symbol}."
        )
    return table.first_seen[symbol]


def _cudart_bound(
    tables: SymbolTables, major: int, needed: Version, need: str, epoch: int
) -> Bound:
    for release in tables.releases:
        carried = release.cudart.get(major)
        if release.version.major == epoch and carried is not None and carried >= needed:
            reason = f"first exported by CUDA {needed}; {release.version} carries {carried}"
            return Bound(version=_shortest(release.version), need=need, reason=reason)
    raise NoRuntimeError(f"{need} needs CUDA {needed}, which no known runtime carries yet.")


def _shortest(version: Version) -> Version:
    """A release without its last number where that is 0: ``1.14.0`` is ``1.14``."""
    return Version(f"{version.major}.{version.minor}") if version.micro == 0 else version


def _strongest_first(bounds: list[Bound]) -> tuple[Bound, ...]:
    return tuple(sorted(bounds, key=lambda bound: (bound.version, bound.need), reverse=True))
