"""What other build systems find the runtime by: linker scripts, CMake package, pkg-config files.

All of it is relocatable, because a wheel is installed anywhere, and none of it is a symlink,
because a wheel cannot hold one (PEP 778 is deferred).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.families import LIBGCC_S, cuda_major
from cxxrt_toolchain.host.runtime_folder import PACKAGE

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.manifest import RuntimeManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTarget:
    """One library as build systems name it."""

    name: str
    """``stdcxx``: ``cxxrt::stdcxx`` in CMake, ``cxxrt-stdcxx`` in pkg-config."""
    link_name: str
    """What follows ``-l``."""
    soname: str
    needs: tuple[str, ...]
    """Names of the targets that it needs."""


def link_targets(
    manifest: RuntimeManifest, link_names: Iterable[tuple[str, str]]
) -> tuple[LinkTarget, ...]:
    """The vendored libraries' targets in load order, from `StagedComponent.link_names`."""
    link_name_of = {soname: link_name for link_name, soname in link_names}
    names = {each.soname: _target_name(link_name_of, each.soname) for each in manifest.libraries}
    return tuple(
        LinkTarget(
            name=names[library.soname],
            link_name=link_name_of[library.soname],
            soname=library.soname,
            needs=tuple(names[each] for each in library.needed if each in names),
        )
        for library in manifest.libraries
    )


def build_files(manifest: RuntimeManifest, targets: tuple[LinkTarget, ...]) -> dict[str, str]:
    """Member name below the package to text."""
    files = linker_scripts(targets)
    files[f"cmake/{PACKAGE}Config.cmake"] = _cmake_config(manifest, targets)
    files[f"cmake/{PACKAGE}ConfigVersion.cmake"] = _cmake_version(manifest)
    for target in targets:
        files[f"pkgconfig/cxxrt-{target.name}.pc"] = _pkg_config(manifest, target)
    return files


def _target_name(link_name_of: Mapping[str, str], soname: str) -> str:
    """``stdc++`` becomes ``stdcxx``; libcudart's majors stay apart: ``cudart12``."""
    major = cuda_major(soname)
    return link_name_of[soname].replace("+", "x") + ("" if major is None else str(major))


def linker_scripts(targets: Iterable[LinkTarget]) -> dict[str, str]:
    """``lib<name>.so`` as text that GNU ld, gold, lld and mold read in place of a library.

    A name without a leading slash is looked for below each ``-L`` folder (ld manual, "File
    Commands"), so the script needs no absolute path. Each libcudart has a folder, too, so that
    ``-lcudart`` can mean a chosen major; in ``lib`` itself it means the newest. Whoever asks for
    libgcc_s gets the compiler's libgcc.a behind it, as by GCC's own script: on aarch64 each atomic
    operation calls a function that only that one has.
    """
    scripts = {}
    for target in targets:
        more = " -lgcc" if target.soname == LIBGCC_S else ""
        scripts[f"lib/lib{target.link_name}.so"] = f"INPUT({target.soname}{more})\n"
        if major := cuda_major(target.soname):
            scripts[f"lib/cu{major}/lib{target.link_name}.so"] = f"INPUT(../{target.soname})\n"
    return scripts


def _pkg_config(manifest: RuntimeManifest, target: LinkTarget) -> str:
    """A ``.pc`` file that finds the runtime beside itself.

    libcudart is named by its file (``-l:``, ld manual, "Options"), because pkg-config puts all
    ``-L`` folders first and another module's would decide what ``-lcudart`` means.
    """
    library = target.link_name if cuda_major(target.soname) is None else f":{target.soname}"
    requires = ", ".join(f"cxxrt-{name}" for name in target.needs)
    lines = [
        "prefix=${pcfiledir}/..",
        "",
        f"Name: cxxrt-{target.name}",
        f"Description: {target.soname} of {manifest.name}",
        f"Version: {manifest.version}",
        *([f"Requires.private: {requires}"] if requires else []),
        f"Libs: -L${{prefix}}/lib -l{library}",
    ]
    return "\n".join(lines) + "\n"


def _cmake_config(manifest: RuntimeManifest, targets: Iterable[LinkTarget]) -> str:
    targets = tuple(targets)
    known = " ".join(target.name for target in targets)
    return "\n".join(
        [
            f"# {manifest.name} {manifest.version} for {manifest.arch}; generated.",
            "# Targets: " + " ".join(f"cxxrt::{target.name}" for target in targets),
            f"get_filename_component({PACKAGE}_LIBRARY_DIR",
            '  "${CMAKE_CURRENT_LIST_DIR}/../lib" ABSOLUTE)',
            *(_cmake_target(target) for target in targets),
            f"foreach(_component IN LISTS {PACKAGE}_FIND_COMPONENTS)",
            f'  if(_component MATCHES "^({known.replace(" ", "|")})$")',
            f"    set({PACKAGE}_${{_component}}_FOUND TRUE)",
            f"  elseif({PACKAGE}_FIND_REQUIRED_${{_component}})",
            f"    set({PACKAGE}_FOUND FALSE)",
            f'    set({PACKAGE}_NOT_FOUND_MESSAGE "no component ${{_component}}; known: {known}")',
            "  endif()",
            "endforeach()",
            "unset(_component)",
            "",
        ]
    )


def _cmake_target(target: LinkTarget) -> str:
    """An imported library; the compiler driver's own ``-lstdc++`` needs its link folder, too."""
    library_dir = f"${{{PACKAGE}_LIBRARY_DIR}}"
    needs = ";".join(f"cxxrt::{name}" for name in target.needs)
    properties = [
        f'    IMPORTED_LOCATION "{library_dir}/{target.soname}"',
        f'    IMPORTED_SONAME "{target.soname}"',
        *([f'    IMPORTED_LINK_DEPENDENT_LIBRARIES "{needs}"'] if needs else []),
        f'    INTERFACE_LINK_DIRECTORIES "{library_dir}"',
    ]
    return "\n".join(
        [
            f"if(NOT TARGET cxxrt::{target.name})",
            f"  add_library(cxxrt::{target.name} SHARED IMPORTED)",
            f"  set_target_properties(cxxrt::{target.name} PROPERTIES",
            *properties,
            "  )",
            "endif()",
        ]
    )


def _cmake_version(manifest: RuntimeManifest) -> str:
    """A version is compatible with an older request of the same epoch, on the same machine."""
    aliases = {"x86_64": "x86_64|AMD64|amd64", "aarch64": "aarch64|arm64|ARM64"}[manifest.arch]
    return f"""\
# {manifest.name} {manifest.version} for {manifest.arch}; generated.
set(PACKAGE_VERSION "{manifest.version}")
if(PACKAGE_VERSION VERSION_EQUAL PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
if(NOT PACKAGE_FIND_VERSION_COUNT OR PACKAGE_FIND_VERSION_MAJOR EQUAL {manifest.epoch})
  if(PACKAGE_VERSION VERSION_GREATER_EQUAL PACKAGE_FIND_VERSION)
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
  endif()
endif()
if(CMAKE_SYSTEM_PROCESSOR AND NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^({aliases})$")
  set(PACKAGE_VERSION_UNSUITABLE TRUE)
endif()
"""
