"""The machine's part of the link settings: find the runtime, write the linker, ask nvcc.

In: the configuration and the environment. Out: the variables for the wrapped build, which `link`
computes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from cxxrt_toolchain.backend.link import LinkPaths, link_environment
from cxxrt_toolchain.backend.linker import write_linker
from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.host.runtime_folder import find_runtime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cxxrt_toolchain.backend.config import BuildConfig


def link_settings(
    config: BuildConfig, folder: Path, environment: Mapping[str, str]
) -> dict[str, str]:
    """The variables to set for a build that links against this interpreter's runtime.

    Args:
        config: The project's.
        folder: Empty; filled with what the variables name, and needed until the build ends.
        environment: The user's.

    Raises:
        ConfigError: The configuration contradicts the runtime, nvcc or the user's flags.
        MissingToolError: There is no runtime or no compiler.
    """
    runtime = find_runtime()
    write_linker(folder, config, environment)
    if config.cuda is not None:
        _check_nvcc(config.cuda, environment)
    paths = LinkPaths(
        libraries=tuple(map(os.fspath, runtime.link_folders(config.cuda))),
        cmake=os.fspath(runtime.cmake),
        pkgconfig=os.fspath(runtime.pkgconfig),
        linker=os.fspath(folder),
    )
    return link_environment(config, paths, environment)


def _check_nvcc(major: int, environment: Mapping[str, str]) -> None:
    """Refuse an nvcc of another major; none at all is fine for host code that calls libcudart."""
    nvcc = shutil.which(environment.get("CUDACXX", "nvcc"), path=environment.get("PATH"))
    if nvcc is None:
        return
    answer = subprocess.run(
        [nvcc, "--version"], capture_output=True, text=True, env=dict(environment), check=False
    )
    found = re.search(r"release (\d+)\.", answer.stdout)
    if found and int(found[1]) != major:
        raise ConfigError(
            f"tool.cxxrt.cuda is {major}, but {nvcc} is of CUDA {found[1]}.",
            f"Set cuda = {found[1]}, or put the nvcc of CUDA {major} on PATH or into CUDACXX.",
        )
