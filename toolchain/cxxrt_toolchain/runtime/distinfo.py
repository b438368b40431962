"""The text files of a runtime wheel's ``.dist-info``: core metadata 2.4 and entry points."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from packaging.licenses import canonicalize_license_expression

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.manifest import RuntimeManifest

ANY = "any"
"""The architecture of the wheel without libraries, for all platforms that none are built for."""
LOADER_LICENSE = "Apache-2.0"
_RUNTIME = "One shared libstdc++ and libcudart for every native wheel of a process"
_NOTHING = (
    "## In this wheel (any)\n\nNo library: it is for the platforms that no runtime serves, such as "
    "musl, macOS and Windows,\nso that one requirement is right for all wheels of a version. "
    "It does nothing there.\n"
)
_CLASSIFIERS = (
    "Development Status :: 3 - Alpha",
    "Intended Audience :: Developers",
    "Operating System :: POSIX :: Linux",
    "Programming Language :: C++",
    "Programming Language :: Python :: 3",
    "Topic :: Software Development :: Libraries",
    "Typing :: Typed",
)


def platform_tag(manifest: RuntimeManifest) -> str:
    """The perennial manylinux tag of the glibc floor (PEP 600); `ANY` without libraries.

    Every pip of a Python that the wheel allows knows it, so no legacy alias ``manylinux2014``.
    """
    if manifest.arch == ANY:
        return ANY
    return f"manylinux_{manifest.glibc_floor.replace('.', '_')}_{manifest.arch}"


def license_expression(manifest: RuntimeManifest) -> str:
    """SPDX expression of the wheel: the licences of the loader and of each vendored component."""
    parts = dict.fromkeys(
        f"({each.license})" if " OR " in each.license else each.license
        for each in manifest.components
        if each.libraries
    )
    return canonicalize_license_expression(" AND ".join((LOADER_LICENSE, *parts)))


def core_metadata(
    manifest: RuntimeManifest,
    license_files: Iterable[str],
    description: str,
    requires: Sequence[str] = (),
    summary: str = "",
) -> str:
    """The text of METADATA, with the table of components below a Markdown description.

    Licence files are relative to ``<dist-info>/licenses/``; ``requires`` is what the recipe wants
    beside the wheel.
    """
    requirements = [each.requirement for _, each in manifest.cudart if each.requirement]
    headers = [
        ("Metadata-Version", "2.4"),
        ("Name", manifest.name),
        ("Version", manifest.version),
        ("Summary", summary or _RUNTIME),
        ("License-Expression", license_expression(manifest)),
        *(("License-File", each) for each in license_files),
        *(("Classifier", each) for each in _CLASSIFIERS),
        ("Requires-Python", ">=3.9"),
        *(("Requires-Dist", each) for each in (*requirements, *requires)),
        *(("Provides-Extra", each) for each in _extras(requires)),
        ("Description-Content-Type", "text/markdown"),
    ]
    lines = "".join(f"{name}: {value}\n" for name, value in headers)
    inside = _NOTHING if manifest.arch == ANY else _components_table(manifest)
    return f"{lines}\n{description.rstrip()}\n\n{inside}"


def _extras(requires: Iterable[str]) -> list[str]:
    found = (re.search(r"extra == [\"'](.+?)[\"']", each) for each in requires)
    return sorted({match[1] for match in found if match})


def _components_table(manifest: RuntimeManifest) -> str:
    release = {each.name: each.version for each in manifest.components}
    text = f"## In this wheel ({manifest.arch})\n\n"
    text += "| library | from | defines up to | needs glibc |\n|---|---|---|---|\n"
    for each in manifest.libraries:
        highest = ", ".join(f"{name}_{version}" for name, version in each.versions) or "-"
        origin = f"{each.component} {release[each.component]}"
        text += f"| {each.soname} | {origin} | {highest} | {each.glibc_floor} |\n"
    return text


def entry_points(package: str) -> str:
    """The text of entry_points.txt, with the groups of scikit-build-core and pkgconf-pypi.

    The folder of the named module joins CMAKE_PREFIX_PATH, or PKG_CONFIG_PATH.
    """
    return (
        f"[cmake.prefix]\n{package} = {package}\n\n[pkg_config]\n{package} = {package}.pkgconfig\n"
    )
