"""An editable install -> the folders that it is imported from, and the shared objects there.

In: what the installer left in site-packages: RECORD's ``.pth`` files and the import hooks that
they load, ``top_level.txt``, ``direct_url.json``, or the ``.egg-link`` of a develop install. Out:
`Sources`. Nothing is imported, and no line of a ``.pth`` file is executed: of an import line only
the hook's name is taken, and the hook is read by `finder_modules`.

Only what an import would look into is walked: the packages and modules that a hook maps, what Meson
would install, and in the folders of a ``.pth`` file the declared packages, or all where none are.

Sources: PEP 660; PEP 610 (``direct_url.json``); the module ``site`` (``.pth``); setuptools'
"Development Mode" and command/develop.py (``.egg-link``); meson's intro-install_plan.json.
"""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.environment.source_trees import SourceTrees, may_be_shared
from cxxrt_toolchain.plain_files import may_name_a_file, read_plain

if TYPE_CHECKING:
    from cxxrt_toolchain.collect.environment.finder_modules import Mapped

_PTH = ".pth"
_DIRECT_URL = "direct_url.json"
_IMPORT = re.compile(r"import[ \t]+([A-Za-z_]\w*)")
_NO_PACKAGES = frozenset({"build", "dist", "env", "target", "venv"})
"""Folders beside the packages of a project that lies flat."""
_MOST_PORTIONS = 100
LONGEST = 4096
"""Bytes of a path: PATH_MAX."""
_INSTALL_PLAN = "meson-info/intro-install_plan.json"
_SITE = ("{py_platlib}/", "{py_purelib}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where an editable install is imported from."""

    folders: tuple[str, ...] = ()
    """The project and its packages; all files below belong to the distribution."""
    files: tuple[str, ...] = ()
    """Real paths of files that may be shared objects."""


NONE = Sources()


def recorded_sources(site: str, info: str, record: str, trees: SourceTrees) -> Sources:
    """The sources of a distribution, by what the text of its RECORD names.

    The files that an unknown hook maps are not found; as files below the project they still belong
    to the distribution. `site` is the folder that it is installed in, `info` its ``.dist-info``.
    """
    names = tuple(_recorded_pth(record))
    project = _project(info) if names or _DIRECT_URL in record else ""
    if not names and not project:
        return NONE
    lines, hooks = _pth_lines(site, names)
    folders = _here([each for each in lines if not f"{each}/".startswith(f"{site}/")], trees)
    mapped = [_hook(site, name) for name in hooks if f"{name}.py," in record]
    modules = _here([path for each in mapped for path in each.modules], trees)
    builds = _here([path for each in mapped for path in each.builds], trees)
    projects = _here([project] if project else [], trees)
    for folder in projects or folders:
        trees.gather(folder)
    declared = _declared(info) or {name for each in mapped for name in each.names}
    places = [path for each in folders for path in _packages(each, declared, trees)]
    return _sources(projects, [*modules, *places], builds, trees)


def follow_link(site: str, name: str, trees: SourceTrees) -> tuple[str, str] | None:
    """The targets of an ``.egg-link``: the folder with the ``.egg-info``, and the project's."""
    lines = _text(f"{site}/{name}").splitlines()
    both = "".join(lines[:2])
    if both[:1] != "/" or len(both) > LONGEST or not may_name_a_file(both):
        return None
    folder = trees.root + os.path.normpath(lines[0].rstrip())
    project = os.path.normpath(f"{folder}/{lines[1].strip()}") if len(lines) > 1 else folder
    return folder, project


def declared_sources(folder: str, info: str, project: str, trees: SourceTrees) -> Sources:
    """The sources of the packages and modules that ``top_level.txt`` names, beside its folder.

    They are imported from `folder`; `project` is that of a develop install, else empty.
    """
    if project:
        trees.gather(project)
    places = [f"{folder}/{name}" for name in _text(f"{info}/top_level.txt").split()]
    return _sources([project] if project else [], places, [], trees)


def _here(paths: Iterable[str], trees: SourceTrees) -> list[str]:
    """The paths as this process opens them; no system takes longer ones, and resolving is slow."""
    return [trees.root + path for path in paths if len(path) <= LONGEST]


def _sources(
    projects: list[str], places: Iterable[str], builds: Iterable[str], trees: SourceTrees
) -> Sources:
    packages: list[str] = []
    files: list[str] = []
    for place in sorted(dict.fromkeys(places)):  # a package before those inside
        package = place.removesuffix("/__init__.py")
        if any(package.startswith(f"{each}/") for each in packages):
            continue
        if os.path.isdir(package):  # noqa: PTH112 - called for each package
            packages.append(package)
            files += trees.shared_below(package)
        else:
            files += trees.modules(place)
    for build in builds:
        packages.append(build)
        files += map(trees.real, _planned(build, trees.root))
    return Sources(
        folders=tuple(dict.fromkeys(map(trees.real, (*projects, *packages)))),
        files=tuple(dict.fromkeys(files)),
    )


def _recorded_pth(record: str) -> Iterator[str]:
    """The ``.pth`` files that RECORD names beside the packages, where Python reads them."""
    at = record.find(f"{_PTH},")
    while at >= 0:
        name = record[record.rfind("\n", 0, at) + 1 : at + len(_PTH)]
        if "/" not in name:
            yield name
        at = record.find(f"{_PTH},", at + 1)


def _pth_lines(site: str, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The folders, and the modules of import lines, as the module ``site`` separates them."""
    folders, hooks = [], []
    for name in names:
        for line in map(str.rstrip, _text(f"{site}/{name}").splitlines()):
            if match := _IMPORT.match(line):
                hooks.append(match[1])
            elif line and line[0] != "#" and may_name_a_file(line):
                folders.append(os.path.normpath(os.path.join(site, line)))  # noqa: PTH118 - called for each line
    return list(dict.fromkeys(folders)), list(dict.fromkeys(hooks))


def _hook(site: str, name: str) -> Mapped:
    from cxxrt_toolchain.collect.environment.finder_modules import read_finder

    return read_finder(content(f"{site}/{name}.py"))


def _declared(info: str) -> set[str]:
    return set(_text(f"{info}/top_level.txt").split())


def _project(info: str) -> str:
    from urllib.parse import unquote, urlsplit

    try:
        origin = json.loads(content(f"{info}/{_DIRECT_URL}") or b"null")
        if origin["dir_info"]["editable"] is not True:
            return ""
        url = urlsplit(origin["url"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ""
    path = unquote(url.path, errors="surrogateescape")
    return os.path.normpath(path) if url.scheme == "file" and path[:1] == "/" else ""


def _packages(folder: str, declared: Iterable[str], trees: SourceTrees) -> Iterator[str]:
    names = sorted(declared)
    if not names:
        listing = trees.listing(folder)
        found = [name for name in (*listing.folders, *listing.links) if name not in _NO_PACKAGES]
        names = [name for name in found if _is_package(f"{folder}/{name}", trees)]
        names += sorted({name.partition(".")[0] for name in listing.shared})
    return (f"{folder}/{name}" for name in names if name.isidentifier())


def _is_package(path: str, trees: SourceTrees) -> bool:
    listing = trees.listing(path)
    below = [f"{path}/{name}" for name in listing.folders[:_MOST_PORTIONS]]
    return bool(listing.shared) or any(
        os.path.isfile(f"{each}/__init__.py")  # noqa: PTH113 - called for each folder
        for each in (path, *below)
    )


def _planned(build: str, root: str) -> Iterator[str]:
    """The files of a build folder that Meson would install among Python's packages."""
    try:
        plan = json.loads(content(f"{build}/{_INSTALL_PLAN}") or b"null")
        for rows in plan.values():
            for place, row in rows.items():
                wanted = may_be_shared(place) and len(place) <= LONGEST
                if wanted and row["destination"].startswith(_SITE):
                    yield root + os.path.normpath(place)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return


def _text(path: str) -> str:
    """The text of a file as Python decodes it: UTF-8 with or without a mark."""
    return content(path).removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def content(path: str) -> bytes:
    """The content of a file of an installer; empty for one that cannot be read."""
    try:
        return read_plain(path)
    except (OSError, ValueError):
        return b""
