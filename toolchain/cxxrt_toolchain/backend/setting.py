"""The machine's part of the link settings: find the runtime, write the linker, ask nvcc."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from configparser import RawConfigParser
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.backend.link import LinkPaths, link_environment
from cxxrt_toolchain.backend.linker import find_compiler, write_linker
from cxxrt_toolchain.backend.provided import provider_paths
from cxxrt_toolchain.elf.image import ElfError
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.host.runtime_folder import RuntimeFolder, find_runtime

if TYPE_CHECKING:
    from cxxrt_toolchain.backend.config import BuildConfig

_COMPILER_LIBRARIES = {"stdc++": "libstdc++.so.6", "gcc_s": "libgcc_s.so.1", "gomp": "libgomp.so.1"}
"""Link names of the libraries that come with a compiler, and their SONAMEs."""


def link_settings(
    config: BuildConfig, folder: Path, environment: Mapping[str, str]
) -> dict[str, str]:
    """The variables to set for a build that links against this interpreter's runtime.

    The folder is filled with what they name, and needed until the build ends. Raises `ConfigError`
    where the configuration contradicts the runtime, nvcc or the user's flags, and
    `MissingToolError` without the runtime or a compiler.
    """
    runtime = find_runtime()
    write_linker(folder, config, environment)
    if config.cuda is not None:
        _check_nvcc(config.cuda, environment)
    folders = [*_newer_libraries(runtime, folder, environment), *runtime.link_folders(config.cuda)]
    paths = LinkPaths(
        libraries=tuple(map(os.fspath, folders)),
        cmake=os.fspath(runtime.cmake),
        pkgconfig=os.fspath(runtime.pkgconfig),
        linker=os.fspath(folder),
        providers=provider_paths(folder / "providers", sys.path),
    )
    return {
        **link_environment(config, paths, environment),
        "DIST_EXTRA_CONFIG": os.fspath(_built_anew(folder / "distutils.cfg", environment)),
    }


def _built_anew(file: Path, environment: Mapping[str, str]) -> Path:
    """A configuration with which distutils compiles and links what lies in ``build`` again.

    It was made with other settings: without us, or before ``keep-exports`` had another module.
    """
    settings = RawConfigParser()
    settings.read(environment.get("DIST_EXTRA_CONFIG", ""), encoding="utf-8")
    for command in ("build_clib", "build_ext"):
        if not settings.has_section(command):
            settings.add_section(command)
        settings.set(command, "force", "1")
    with file.open("w", encoding="utf-8") as stream:
        settings.write(stream)
    return file


def _newer_libraries(
    runtime: RuntimeFolder, folder: Path, environment: Mapping[str, str]
) -> Iterator[Path]:
    """A folder for ``-L`` that leads to those of the compiler's libraries that are newer than ours.

    Headers of a newer libstdc++ refer to symbols that an older one lacks. Linked against the older
    one, they would stay undefined and without a version, and only the import would fail. Linked
    against the library of their own compiler they have a version, from which the wheel's
    requirement follows.
    """
    newer = folder / "newer"
    for name, theirs in _compilers_libraries(folder / "probe.so", environment):
        ours = runtime.libraries / _COMPILER_LIBRARIES[name]
        if not _version_definitions(theirs) <= _version_definitions(ours):
            newer.mkdir(exist_ok=True)
            also = " -lgcc" if name == "gcc_s" else ""  # as in GCC's own script
            text = f"GROUP ( {theirs}{also} )\n"
            (newer / f"lib{name}.so").write_text(text, encoding="utf-8")
    if newer.is_dir():
        yield newer


def _compilers_libraries(
    output: Path, environment: Mapping[str, str]
) -> Iterator[tuple[str, Path]]:
    """The libraries that the compiler links to by itself: link name and file.

    The linker's ``--trace`` (GNU ld, gold, lld and mold have it) names the files that it opens;
    ``-print-file-name`` does not look into folders of ``-L``, which compiler wrappers add.
    """
    link = ["-shared", "-fPIC", "-x", "c++", "/dev/null", "-Wl,--trace"]
    traced = ""
    for openmp in (["-fopenmp"], []):
        command = [*find_compiler(environment), *link, *openmp, "-o", os.fspath(output)]
        answer = subprocess.run(
            command, capture_output=True, text=True, env=dict(environment), check=False
        )
        traced += answer.stdout + answer.stderr
    output.unlink(missing_ok=True)
    for name, soname in _COMPILER_LIBRARIES.items():
        named = re.search(rf"(/\S+/lib{re.escape(name)}\.so(?:\.\d+)?)\b", traced)
        beside = [Path(named[1]), Path(named[1]).with_name(soname)] if named else []
        found = next((each.resolve() for each in beside if _version_definitions(each)), None)
        if found is not None:
            yield name, found


def _version_definitions(path: Path) -> frozenset[str]:
    try:
        with path.open("rb") as file:
            return frozenset(read_elf(file, path.name).version_definitions)
    except (OSError, ElfError):
        return frozenset()


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
