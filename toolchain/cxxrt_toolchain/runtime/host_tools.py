"""The programs that a build's steps call: this machine's, or borrowed ones.

What only a compiled package can give (make, patch) is fetched where it is missing; what every
Debian or Ubuntu has must be there.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import MissingToolError
from cxxrt_toolchain.runtime.sources.cache import locked, new_folder
from cxxrt_toolchain.runtime.sources.unpack import unpack_deb

if TYPE_CHECKING:
    from cxxrt_toolchain.runtime.recipe import Input

_PROGRAMS = {"make": "make", "patch": "patch", "sh": "dash", "sed": "sed", "awk": "mawk"}
"""Programs that the steps call beside coreutils, and Debian's package of each."""


def program_path(
    pins: tuple[Input, ...],
    builds: Path,
    search_path: str,
    fetch: Callable[[tuple[Input, ...]], Mapping[Input, Path]],
) -> str:
    """The ``PATH`` for a build's steps, with what is borrowed by its pins.

    `MissingToolError` lists what this machine lacks and no pin lends.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise MissingToolError(
            f"GCC's libraries are built on x86_64 Linux, and this is {sys.platform} "
            f"{platform.machine()}: the compiler that the recipe pins runs there.",
            "Build the wheel on such a machine (--arch aarch64 cross-compiles).",
        )
    missing = {name for name in _PROGRAMS if shutil.which(name, path=search_path) is None}
    lendable = {pin.package for pin in pins}
    if missing - lendable:
        names = sorted(missing - lendable)
        raise MissingToolError(
            f"building GCC's libraries needs {', '.join(names)}, not found on PATH.",
            f"On Debian or Ubuntu: apt-get install {' '.join(_PROGRAMS[name] for name in names)}",
        )
    if not missing:
        return search_path
    return f"{search_path}{os.pathsep}{_borrow(pins, builds, fetch) / 'usr' / 'bin'}"


def _borrow(
    pins: tuple[Input, ...],
    builds: Path,
    fetch: Callable[[tuple[Input, ...]], Mapping[Input, Path]],
) -> Path:
    digest = hashlib.sha256(" ".join(pin.sha256 for pin in pins).encode()).hexdigest()
    final = builds / f"host-tools-{digest[:16]}"
    with locked(final):
        if not final.is_dir():
            packages = fetch(pins)
            with new_folder(final) as work:
                for package in packages.values():
                    unpack_deb(package, work)
    return final
