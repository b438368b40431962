"""Libraries of this machine that are not copied into a wheel, because the copy would not work."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.image import ElfError
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.facts.installed import normalized
from cxxrt_toolchain.rules.rule import Finding, error

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.wheel import WheelReport
    from cxxrt_toolchain.repair.graft import GraftedLibrary

_CACHE = Path("/etc/ld.so.cache")


def not_to_copy(report: WheelReport, libraries: tuple[GraftedLibrary, ...]) -> tuple[Finding, ...]:
    """Why libraries that were found for a wheel are not copied into it: a finding for each."""
    return tuple(found for library in libraries for found in _reasons(report, library))


def _reasons(report: WheelReport, library: GraftedLibrary) -> Iterator[Finding]:
    path = Path(library.source)
    if brings := _distribution_of(path, report):
        yield error(
            f"{library.soname} is not copied: it is a file of {brings}, which the wheel requires",
            rule="CXXRT-P1",
            library=library.soname,
            unrepairable=f"--exclude {library.soname}, and open it before the package's modules.",
        )
    elif opened := opened_beside(path):
        yield error(
            f"{library.soname} is not copied: it opens {', '.join(opened[:3])} in its own folder",
            rule="CXXRT-H17",
            library=library.soname,
            unrepairable=f"Require what brings it, and --exclude {library.soname}.",
        )


def opened_beside(library: Path) -> tuple[str, ...]:
    """Files in a library's folder that its content names and its ``DT_NEEDED`` does not; sorted.

    Empty for a library of the system: the linker's cache leads to what that opens.
    """
    try:
        data = library.read_bytes()
        with library.open("rb") as file:
            needed = set(read_elf(file, library.name).needed)
        beside = [each.name for each in library.parent.iterdir() if ".so" in each.name]
        cache = _CACHE.read_bytes() if _CACHE.is_file() else b""
    except (OSError, ElfError):
        return ()
    if os.fsencode(library) + b"\0" in cache:
        return ()
    stem = library.name.partition(".so")[0]
    others = (n for n in beside if n not in needed and n.partition(".so")[0] != stem)
    return tuple(sorted(name for name in others if b"\0" + os.fsencode(name) + b"\0" in data))


def _distribution_of(library: Path, report: WheelReport) -> str:
    """The required distribution that installed a file, in the environment that the file is in."""
    head, site, _ = str(library).rpartition("/site-packages/")
    roots = [head + site] if site else list(library.parents[1].glob("lib/python*/site-packages"))
    for each in importlib.metadata.distributions(path=list(map(str, roots))):
        if report.requirements_on(normalized(each.name or "")):
            named = [file for file in each.files or () if file.name == library.name]
            places = [Path(str(each.locate_file(file))).resolve() for file in named]
            if library.resolve() in places:
                return f"{each.name} {each.version}"
    return ""
