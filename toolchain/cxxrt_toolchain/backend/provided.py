"""Libraries of other distributions in the build environment, so that a build finds and links them.

Their wheels have no names without a version (libmkl_rt.so), because wheels have no symbolic links;
the folders that are made here have linker scripts with these names.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.provider import load_providers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


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
