"""What a wheel needs from the shared runtime: libraries, symbol versions, CUDA symbols.

Two questions: what the wheel asks for now, and what it will ask for once its private copies of the
runtime are gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.platforms import glibc_release
from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.elf.facts import SharedObject, Soname
from cxxrt_toolchain.facts.families import RuntimeFamily, cuda_major, family_of_name

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.bounds import NoRuntimeError
    from cxxrt_toolchain.abi.symbols import SymbolTables
    from cxxrt_toolchain.facts.needs.provided import ProviderNeed
    from cxxrt_toolchain.facts.wheel import ObjectReport, WheelReport

_GLIBCXX = "GLIBCXX_"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeNeeds:
    """Everything that a bound, a tag or a ``require()`` call is computed from."""

    users: tuple[str, ...] = ()
    """Members that need a library of the runtime, sorted."""
    libraries: tuple[Soname, ...] = ()
    """Under the names that the runtime serves, sorted."""
    versions: tuple[tuple[str, str], ...] = ()
    """Sorted (SONAME, version node) pairs, weak ones left out."""
    cudart: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Sorted (CUDA major, undefined symbols)."""
    providers: tuple[ProviderNeed, ...] = ()
    """Libraries that other distributions bring, in an order in which they can be loaded."""

    @property
    def all_users(self) -> tuple[str, ...]:
        """Members that need a library of the runtime or of another distribution, sorted."""
        return tuple(sorted({*self.users, *(u for need in self.providers for u in need.users)}))

    @property
    def glibcxx(self) -> str | None:
        """The highest GLIBCXX version, always with three numbers; None where there is none."""
        found = [node.removeprefix(_GLIBCXX) for _, node in self.versions if _GLIBCXX in node]
        highest = max(found, key=version_tuple, default=None)
        return f"{highest}.0" if highest == "3.4" else highest

    @property
    def cuda_majors(self) -> tuple[int, ...]:
        """Ascending; more than one cannot be tagged."""
        return tuple(major for major, _ in self.cudart)

    @property
    def openmp(self) -> bool:
        """Whether libgomp is needed, also by a provider's library that is to find it loaded."""
        names = {*self.libraries, *(name for need in self.providers for name in need.row.after)}
        return any(family_of_name(name) is RuntimeFamily.LIBGOMP for name in names)

    @property
    def wants_runtime(self) -> bool:
        """Whether anything beyond libgcc_s is needed, or the runtime's loader for other libraries.

        libgcc_s alone is no reason to share a runtime: Rust and C code needs it too, it holds no
        C++ state, and every manylinux platform promises it.
        """
        beyond = (
            name for name in self.libraries if family_of_name(name) is not RuntimeFamily.LIBGCC
        )
        return bool(self.providers) or any(beyond)

    def with_cuda(self, major: int) -> RuntimeNeeds:
        """The same needs and a libcudart that no object needs by itself, because code opens it."""
        library = Soname(f"libcudart.so.{major}")
        return replace(
            self, libraries=tuple(sorted({*self.libraries, library})), cudart=((major, ()),)
        )

    def built_against(self, releases: Mapping[str, str]) -> RuntimeNeeds:
        """The same needs of objects that were linked against these releases of distributions."""
        found = (replace(e, built=releases.get(e.row.distribution)) for e in self.providers)
        return replace(self, providers=tuple(found))

    def requirement(self, tables: SymbolTables, *, epoch: int) -> str | None:
        """The ``Requires-Dist`` that provides all of it; None where nothing is needed.

        Raises `NoRuntimeError` for something that no known runtime provides.
        """
        if not self.libraries and not self.providers:
            return None
        # Not at the top: it imports packaging, and the doctor's documents ask for no bound.
        from cxxrt_toolchain.abi.bounds import requirement_text

        return requirement_text(tables, self.versions, dict(self.cudart), epoch=epoch)

    def shortfall(self, tables: SymbolTables, *, epoch: int) -> NoRuntimeError | None:
        """Why no known runtime provides all of it; None where one does."""
        from cxxrt_toolchain.abi.bounds import NoRuntimeError

        try:
            self.requirement(tables, epoch=epoch)
        except NoRuntimeError as error:
            return error
        return None


def runtime_needs(report: WheelReport, *, repaired: bool) -> RuntimeNeeds:
    """The sum of what the wheel's objects need from the runtime.

    `repaired` counts needs that a bundled copy serves today, under the runtime's names, and not
    what those copies need; else what must come from outside the wheel counts, for copies, too.
    """
    from cxxrt_toolchain.facts.needs.provided import provider_needs  # imports packaging

    users: set[str] = set()
    libraries: set[Soname] = set()
    versions: set[tuple[str, str]] = set()
    cudart: dict[int, set[str]] = {}
    for found in report.objects:
        if repaired and found.member in report.dropped:
            continue
        served = _served(found, report, repaired=repaired)
        if not served:
            continue
        users.add(found.member)
        libraries.update(served.values())
        versions.update(_versions(found, served))
        for major in filter(None, map(cuda_major, served.values())):
            cudart.setdefault(major, set()).update(found.symbols.cudart_needed)
    return RuntimeNeeds(
        users=tuple(sorted(users)),
        libraries=tuple(sorted(libraries)),
        versions=tuple(sorted(versions)),
        cudart=tuple((major, tuple(sorted(cudart[major]))) for major in sorted(cudart)),
        providers=provider_needs(report, repaired=repaired),
    )


def glibc_floor(facts: SharedObject) -> tuple[int, ...]:
    """The oldest glibc that an object can be loaded with; ``(0,)`` where it needs no version."""
    releases = [
        glibc_release(need.version) or ()
        for need in facts.version_needs
        if need.version.startswith("GLIBC_") and not need.weak
    ]
    return max(releases, default=(0,))


def _served(found: ObjectReport, report: WheelReport, *, repaired: bool) -> dict[Soname, Soname]:
    names = {
        name: report.served_as(name)
        for name in found.facts.needed
        if repaired or report.provides(name) is None
    }
    return {name: served for name, served in names.items() if served and family_of_name(served)}


def _versions(found: ObjectReport, served: dict[Soname, Soname]) -> set[tuple[str, str]]:
    return {
        (served[need.soname], need.version)
        for need in found.facts.version_needs
        if need.soname in served and not need.weak
    }
