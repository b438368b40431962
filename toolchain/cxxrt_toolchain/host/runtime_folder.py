"""Where this interpreter's runtime wheel lies on disk, found without importing it.

Importing the package instead would load libstdc++ into this process.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import ConfigError, MissingToolError
from cxxrt_toolchain.plain_files import read_plain

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.manifest import RuntimeManifest

PACKAGE = "cxx11_cuda_runtime"
"""Import name, and name of the CMake package."""

STRING_ABI = "-D_GLIBCXX_USE_CXX11_ABI=1"
"""Epoch 1 stands for the new ``std::string``; it is most compilers' default."""


_HOOKS = ("cxxrt.pth", "cxxrt.start")
"""The start-up hook that `activate` writes, before Python 3.15 and from it on."""
_MAJORS = re.compile(r'cudart="(\d+)"|_cudart:load_(\d+)')
_OFF = ("", "0", "false", "no", "off")
"""Values of CXXRT_DISABLE that leave the loader enabled."""


def has_hook(search: Iterable[str], environ: Mapping[str, str]) -> bool:
    """Whether the runtime's start-up hook is in one of some folders, and not switched off."""
    if environ.get("CXXRT_DISABLE", "").strip().lower() not in _OFF:
        return False
    return any(Path(folder, hook).is_file() for folder in search for hook in _HOOKS)


def hook_majors(search: Iterable[str]) -> tuple[str, ...]:
    """The CUDA majors whose libcudart the start-up hook loads."""
    for place in (Path(folder, hook) for folder in search for hook in _HOOKS):
        try:
            text = read_plain(place).decode("utf-8", "replace")
        except OSError:
            continue
        return tuple(one or other for one, other in _MAJORS.findall(text))
    return ()


@dataclass(frozen=True, kw_only=True)
class RuntimeFolder:
    """One installed runtime wheel."""

    root: Path
    """The package's folder."""

    @property
    def libraries(self) -> Path:
        """Holds the shared libraries and their linker scripts."""
        return self.root / "lib"

    def link_folders(self, cuda: int | None) -> tuple[Path, ...]:
        """The folders for ``-L``, a CUDA major's first; `ConfigError` if it is not there."""
        if cuda is None:
            return (self.libraries,)
        majors = [major for major, _ in self.manifest.cudart]
        if str(cuda) not in majors:
            raise ConfigError(
                f"tool.cxxrt.cuda: the installed runtime has no CUDA {cuda}; it has: "
                f"{', '.join(majors) or 'none'}.",
                "Choose one of those, or build with a runtime that has it.",
            )
        return (self.libraries / f"cu{cuda}", self.libraries)

    @property
    def cmake(self) -> Path:
        """For ``CMAKE_PREFIX_PATH``."""
        return self.root / "cmake"

    @property
    def pkgconfig(self) -> Path:
        """For ``PKG_CONFIG_PATH``."""
        return self.root / "pkgconfig"

    @cached_property
    def manifest(self) -> RuntimeManifest:
        """The manifest of the runtime; `ManifestError` where this toolchain cannot read it."""
        # Not at the top: a build without CUDA asks only where the files are.
        from cxxrt_toolchain.abi.manifest import RuntimeManifest

        text = read_plain(self.root / "manifest.json")
        return RuntimeManifest.from_json(text.decode("utf-8", "replace"))


def find_runtime(search: Iterable[str] | None = None) -> RuntimeFolder:
    """Find the runtime that this interpreter would import, in some folders or in ``sys.path``.

    The working folder, which Python puts first for ``-c`` and ``-m``, is not looked in.
    `MissingToolError` where it is not installed; a source checkout of it has no libraries.
    """
    for folder in _import_folders() if search is None else search:
        root = Path(folder) / PACKAGE
        if (root / "manifest.json").is_file():
            return RuntimeFolder(root=root.resolve())
    raise MissingToolError(
        f"the runtime to link against is not installed for {sys.executable}.",
        "Run: pip install cxx11-cuda-runtime. An isolated build gets it from "
        'build-backend = "cxxrt_toolchain.backend"; with another backend, list it in the '
        '"requires" of [build-system].',
    )


def _import_folders() -> Iterator[str]:
    try:
        working = Path.cwd()
    except FileNotFoundError:  # it was deleted
        working = None
    for folder in sys.path:
        if folder[:1] == "/" and Path(folder) != working:
            yield folder
