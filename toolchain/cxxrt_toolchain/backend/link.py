"""Compile and link settings for the wrapped build, as environment variables. Pure.

Every kind of build reads some of these: distutils and setuptools, Meson, autotools and CMake take
CPPFLAGS or LDFLAGS, scikit-build(-core) takes CMAKE_ARGS, nvcc its own two.

User flags are never lost and always win, but for those that ask for another runtime than the tag
names: `linker` makes a static one the shared one, and the old string ABI is refused, here where a
variable asks for it and in `finish` where the project does. Where the last flag wins (``-D``,
``-f``, ``-W``) ours stand before theirs; where the first one wins (``-L``, search paths) ours stand
behind.

What is not done, and why:

* CFLAGS and CXXFLAGS are not changed. setuptools >= 75.4 (``unix.py: configure_system``) and
  autotools replace their default flags, ``-O2`` included, by these variables where they are set.
  CPPFLAGS is added to the defaults by all of them; CMake ignores it and gets its own setting.
* No ``-rpath``: ``$ORIGIN`` needs another escaping in make, ninja, CMake and the shell, and the
  right number of ``..`` is known only at the link (`linker`) or in the finished wheel.
* No ``-fvisibility-inlines-hidden``: the export list of extension modules (`linker`) hides the
  same symbols and, unlike the option, also the ``std::`` templates, which libstdc++ declares with
  default visibility. Nor can it hide what an internal shared library must export.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.backend.provided import NO_PROVIDERS, ProviderPaths
from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.host.runtime_folder import STRING_ABI

if TYPE_CHECKING:
    from cxxrt_toolchain.backend.config import BuildConfig

_OLD_STRING_ABI = re.compile(r"-D\s*_GLIBCXX_USE_CXX11_ABI=0\b")
_CMAKE_STRING_ABI = f"-DCMAKE_CXX_FLAGS_INIT={STRING_ABI}"
"""CMake puts it behind $CXXFLAGS and keeps its own flags of the build type."""
_STATIC_RUNTIME = ("libstdc++.a", "libstdc++_nonshared.a", "libsupc++.a", "libgcc.a", "libgcc_eh.a")
"""Archives whose pieces no shared library may export: an exported piece of libstdc++ captures the
references of the shared one. ``_nonshared`` is what devtoolset compilers link on top of it. Each
is named by an option of its own: mold 1.10 fills the memory on a list with colons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPaths:
    """Where the things that the settings name lie; absolute paths."""

    libraries: tuple[str, ...]
    """The runtime's folders of libraries and linker scripts, in search order."""
    cmake: str
    pkgconfig: str
    linker: str | None = None
    """The folder of our linker, for the compiler's ``-B``."""
    providers: ProviderPaths = NO_PROVIDERS
    """Of libraries that other distributions bring."""


def link_environment(
    config: BuildConfig, paths: LinkPaths, environment: Mapping[str, str]
) -> dict[str, str]:
    """The variables to set for the wrapped build; what the user's variables contain stays in them.

    Raises `ConfigError` where a flag of the user's contradicts the ABI of the tag.
    """
    _refuse_contradictions(environment)
    ours = [] if paths.linker is None else [f"-B{paths.linker}/"]
    ours += [f"-Wl,--exclude-libs,{archive}" for archive in _STATIC_RUNTIME]
    others = paths.providers
    search = [f"-L{folder}" for folder in (*paths.libraries, *others.libraries)]
    headers = [word for folder in others.headers for word in ("-isystem", folder)]
    changes = {
        "CPPFLAGS": _words(STRING_ABI, environment.get("CPPFLAGS"), _quoted(headers)),
        "LDFLAGS": _words(_quoted(ours), environment.get("LDFLAGS"), _quoted(search)),
        "CMAKE_ARGS": _words(_quoted([_CMAKE_STRING_ABI]), environment.get("CMAKE_ARGS")),
    }
    for variable, folders in (
        ("CMAKE_PREFIX_PATH", (paths.cmake, *others.prefixes)),
        ("CMAKE_LIBRARY_PATH", others.libraries),
        ("PKG_CONFIG_PATH", (paths.pkgconfig, *others.pkgconfig)),
    ):
        if folders:
            ours_last = os.pathsep.join(folders)
            changes[variable] = _search_path(environment.get(variable), ours_last)
    if paths.linker is not None:
        # For what calls a compiler without $LDFLAGS, such as a build hook of hatchling: GCC and
        # Clang look for the linker here, and for libraries behind every -L.
        users = environment.get("COMPILER_PATH")
        changes["COMPILER_PATH"] = f"{paths.linker}{os.pathsep}{users}" if users else paths.linker
        libraries = os.pathsep.join((*paths.libraries, *others.libraries))
        changes["LIBRARY_PATH"] = _search_path(environment.get("LIBRARY_PATH"), libraries)
    if config.cuda is not None:
        changes.update(_nvcc(search, environment))
    return changes


def _refuse_contradictions(environment: Mapping[str, str]) -> None:
    for variable in ("CPPFLAGS", "CFLAGS", "CXXFLAGS", "CUDAFLAGS", "CMAKE_ARGS"):
        if _OLD_STRING_ABI.search(environment.get(variable, "")):
            raise ConfigError(
                f"${variable}: _GLIBCXX_USE_CXX11_ABI=0 is the old string ABI; the runtime of "
                "epoch 1 stands for the new one.",
                "Remove the flag, or build without cxxrt_toolchain.backend.",
            )


def _nvcc(search: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    # nvcc uses the last -cudart: the command line's, and `linker` undoes a static one. CMake asks
    # nvcc which libcudart is the default (CMakeDetermineCUDACompiler), so this reaches its targets,
    # too.
    changes = {
        "NVCC_PREPEND_FLAGS": _words(
            "-cudart shared", environment.get("NVCC_PREPEND_FLAGS"), _quoted(search)
        )
    }
    host = environment.get("CXX")
    if host:
        # A host compiler of another vendor or age than $CXX would bring another libstdc++.
        compiler = shlex.split(host)[-1]
        changes["CUDAHOSTCXX"] = environment.get("CUDAHOSTCXX") or compiler
        changes["NVCC_CCBIN"] = environment.get("NVCC_CCBIN") or compiler
    return changes


def _words(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)


def _quoted(flags: list[str]) -> str:
    return shlex.join(flags)


def _search_path(users: str | None, ours: str) -> str:
    return f"{users}{os.pathsep}{ours}" if users else ours
