"""Libraries of other distributions in the build environment, so that a build finds and links them.

Their wheels have no names without a version (libmkl_rt.so), because wheels have no symbolic links;
the folders that are made here have linker scripts with these names.
"""

import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cxxrt_toolchain.abi.provider import load_providers, provided
from cxxrt_toolchain.elf.image import ElfError
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.facts.needs.provided import ordered_needs
from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPaths:
    """What there is; absolute paths, each once."""

    libraries: tuple[str, ...] = ()
    """Folders with linker scripts."""
    headers: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    """The folders around the libraries' own, which have ``include``, ``lib/cmake``, …"""
    pkgconfig: tuple[str, ...] = ()


NO_PROVIDERS = ProviderPaths()


def provider_paths(scripts: Path, search: Sequence[str]) -> ProviderPaths:
    """Find the libraries of all rows along ``sys.path`` and write linker scripts for them."""
    headers: dict[Path, None] = {}
    prefixes: dict[Path, None] = {}
    for row in load_providers().values():
        library = next(filter(Path.is_file, _paths(row.places, search)), None)
        if library is None or platform.machine() not in row.architectures:
            continue
        scripts.mkdir(exist_ok=True)
        script = scripts / f"{row.soname.partition('.so')[0]}.so"
        script.write_text(f"INPUT ( {library} )\n", encoding="utf-8")
        headers.update(dict.fromkeys(filter(Path.is_dir, _paths(row.headers, search))))
        prefixes[library.parents[1]] = None
    pkgconfig = (prefix / "lib/pkgconfig" for prefix in prefixes)
    return ProviderPaths(
        libraries=(str(scripts),) if prefixes else (),
        headers=tuple(map(str, headers)),
        prefixes=tuple(map(str, prefixes)),
        pkgconfig=tuple(map(str, filter(Path.is_dir, pkgconfig))),
    )


def built_against() -> dict[str, str]:
    """The releases of providers' distributions in the build environment."""
    found = {}
    for name in sorted({row.distribution for row in load_providers().values()}):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def linked_needs(linked: Path, project: Path) -> RuntimeNeeds:
    """What the shared objects of a list of paths need of other distributions: any release.

    For an editable installation, whose binaries lie outside its wheel and change. setuptools moves
    what it linked into the project.
    """
    users: dict[str, set[str]] = {}
    for line in linked.read_text(encoding="utf-8").splitlines() if linked.is_file() else ():
        there = Path(line)
        path = there if there.is_file() else next(project.rglob(there.name), there)
        with suppress(OSError, ElfError), path.open("rb") as file:
            for soname in read_elf(file, path.name).needed:
                if provided(soname, platform.machine()):
                    users.setdefault(soname, set()).add(path.name)
    return RuntimeNeeds(providers=ordered_needs(users, {}))


def _paths(places: Sequence[str], search: Sequence[str]) -> Iterator[Path]:
    """The paths that places may stand for, as the loader of the runtime tries them."""
    for place in places:
        kind, _, path = place.partition(":")
        for root in map(Path, search):
            if kind == "site":
                yield root / path
            elif root.name in {"site-packages", "dist-packages"}:
                yield root.parents[2] / path
        if kind == "data":
            yield Path(sys.prefix) / path
