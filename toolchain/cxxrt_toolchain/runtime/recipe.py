"""Recipes as values: which libraries a runtime wheel holds and which inputs make them.

``recipe_reader`` makes them; ``recipes/README.md`` describes the format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import Soname

ARCHITECTURES = ("x86_64", "aarch64")
"""What a runtime can be built for, as ``uname -m`` spells it."""


class Kind(Enum):
    """Which of the machine's clients fetches an input."""

    DEBIAN = "debian"
    """A package, or a tarball of a source package, from the pool of a Debian mirror."""
    PYPI = "pypi"
    """A wheel or a source distribution, through pip and its configuration."""


class Role(Enum):
    """The purpose of an input."""

    TOOL = "tool"
    """Part of the compiler that builds, and of what that compiler runs on."""
    SYSROOT = "sysroot"
    """The C library that is linked against."""
    SOURCE = "source"
    """The source code that is built."""
    REFERENCE = "reference"
    """A distribution's build of the same source: exported symbols are compared with it."""
    LIBRARY = "library"
    """A prebuilt library that is shipped unchanged."""


class Cudart(Enum):
    """How the runtime wheel brings NVIDIA's libcudart."""

    VENDOR = "vendor"
    """The files are in the wheel, byte for byte."""
    DEPEND = "depend"
    """The wheel depends on NVIDIA's own wheels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One published file, pinned by its hash. Never names a host."""

    kind: Kind
    package: str
    version: str
    """As its packager writes it, with Debian's epoch if it has one."""
    architecture: str
    """Debian's for packages (``amd64``, ``all``, ``source``), a wheel's platform tag, ``sdist``."""
    sha256: str
    source: str = ""
    """Debian's source package, which names the pool's folder; empty for wheels."""
    section: str = "main"
    """Debian's archive area (``main``, ``contrib``…)."""
    file: str = ""
    """Name of the tarball of a Debian source package; empty for anything else."""
    role: Role = Role.LIBRARY
    target: str | None = None
    """The only architecture that needs it; None where every one does."""

    def __str__(self) -> str:
        return f"{self.package} {self.version} ({self.architecture})"

    @property
    def is_tarball(self) -> bool:
        """Whether it is source code as its author packed it."""
        return self.architecture in ("sdist", "source")

    @property
    def pool_path(self) -> str:
        """Where a Debian mirror keeps the package, below the mirror's root (Policy 5.6.12)."""
        prefix = self.source[:4] if self.source.startswith("lib") else self.source[:1]
        version = self.version.partition(":")[2] or self.version
        file = self.file or f"{self.package}_{version}_{self.architecture}.deb"
        return f"pool/{self.section}/{prefix}/{self.source}/{file}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """One shared library that a component provides."""

    soname: Soname
    link_name: str
    architectures: tuple[str, ...]
    member: str = ""
    """Path inside the wheel that ships it; empty where it is built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of a build, run in the build folder."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One upstream project's part of the runtime, as ``<component>/recipe.toml`` describes it."""

    name: str
    version: str
    license: str
    license_files: tuple[str, ...]
    """Paths in the build folder, or inside the wheel."""
    libraries: tuple[Library, ...]
    """In load order: a library comes after those that it needs."""
    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]
    """What builds it; empty where the libraries come out of wheels unchanged."""
    scripts: Path
    """The folder of the steps' scripts; several components can share one."""
    kept: tuple[str, ...] = ()
    """Folders of the build that stay for ``cxxrt runtime compiler``."""
    redistribution: str = ""
    """The clause that allows shipping it, quoted; empty where the licence is a free one."""
    files: tuple[str, ...] = ()
    """Folders of the build that go into the package of a provider's wheel."""
    namespace: str = ""
    """What every symbol that it exports has in its name; empty: anything."""

    @property
    def built(self) -> bool:
        """Whether it has build steps."""
        return bool(self.steps)

    def for_arch(self, arch: str) -> tuple[Library, ...]:
        """The libraries that exist on one architecture."""
        return tuple(library for library in self.libraries if arch in library.architectures)

    def inputs_for(self, arch: str, *roles: Role) -> tuple[Input, ...]:
        """The inputs that one architecture needs, of some roles or of all."""
        return tuple(
            item
            for item in self.inputs
            if item.target in (None, arch) and (not roles or item.role in roles)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRecipe:
    """One wheel of libraries: a runtime, ``<name>.toml``, or a ``providers/<name>.toml``."""

    name: str
    version: str
    """``EPOCH.GCC.REVISION``; of a provider ``LINE.REVISION``."""
    epoch: int
    """A provider's is that of the runtime whose compiler builds it."""
    glibc_floor: str
    """The newest glibc version that a library in it may need, for example ``2.17``."""
    components: tuple[str, ...]
    cudart: Cudart = Cudart.VENDOR
    requires: tuple[str, ...] = ()
    """Distributions that the wheel needs beside it, as ``Requires-Dist`` spells them."""
    line: str = ""
    """Of a provider: releases with this start are compatible, and every SONAME has it."""
    compiler: str = ""
    """Of a provider: the runtime recipe whose compiler builds it."""
    summary: str = ""
    """Of a provider: what it is, in one line."""

    @property
    def package(self) -> str:
        """The name that the wheel's package is imported by."""
        return re.sub(r"[-.]", "_", self.name)
