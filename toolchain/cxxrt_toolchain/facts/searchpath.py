"""The targets of RPATH and RUNPATH entries, relative to the folder that a wheel is installed into.

``..`` is resolved in the text.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.provider import Provided
    from cxxrt_toolchain.facts.wheel import ObjectReport

RUNTIME_LIBRARIES = "cxx11_cuda_runtime/lib"
"""Where the runtime wheel installs its libraries, relative to site-packages."""

_DATA = re.compile(r"[^/]+\.data/(?P<scheme>[^/]+)/(?P<rest>.+)")
_ORIGIN = re.compile(r"\$(?:ORIGIN|\{ORIGIN\})(?=/|$)")
_TO_SITE_PACKAGES = ("purelib", "platlib")


def installed_path(member: str) -> str | None:
    """The path of a member relative to site-packages; None for scripts, headers and data."""
    match = _DATA.fullmatch(member)
    if match is None:
        return member
    return match["rest"] if match["scheme"] in _TO_SITE_PACKAGES else None


def entries(found: ObjectReport) -> tuple[str, ...]:
    """The entries of the search path that the loader uses: RUNPATH, else RPATH."""
    text = found.facts.runpath if found.facts.runpath is not None else found.facts.rpath
    return tuple(text.split(":")) if text is not None else ()


def resolve(member: str, entry: str) -> str | None:
    """An ``$ORIGIN`` entry as a path relative to site-packages; None for any other entry.

    The result starts with ``..`` if the entry leaves site-packages.
    """
    home = installed_path(member)
    if home is None or not _ORIGIN.match(entry):
        return None
    rest = _ORIGIN.sub("", entry, count=1).lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(home), rest))


def escapes(member: str, entry: str, rows: Iterable[Provided] = ()) -> bool:
    """Whether an entry is absolute, empty, not below ``$ORIGIN``, or leaves site-packages.

    But for those that lead to the place of a library of `rows`.
    """
    if installed_path(member) is None:
        return not _ORIGIN.match(entry)
    path = resolve(member, entry)
    if path is not None and any(_leads_to(path, row) for row in rows):
        return False
    return path is None or path == ".." or path.startswith("../")


def _leads_to(path: str, row: Provided) -> bool:
    """Whether a path, seen from site-packages, is the folder of a ``data:`` place."""
    folder = posixpath.normpath(f"prefix/lib/python/site/{path}")
    files = (place.removeprefix("data:") for place in row.places if place.startswith("data:"))
    return any(posixpath.dirname(f"prefix/{file}") == folder for file in files)


def leaves_package(found: ObjectReport) -> bool:
    """Whether an entry leads into the folder of another distribution that is not the runtime."""
    home = (installed_path(found.member) or "").split("/", 1)[0]
    paths = (resolve(found.member, entry) for entry in entries(found))
    near = (home, "..", RUNTIME_LIBRARIES.split("/", 1)[0])
    return any(path and path.split("/", 1)[0] not in near for path in paths)


def origin_path(member: str, target: str) -> str | None:
    """The ``$ORIGIN`` entry that leads from a member to a folder of site-packages."""
    home = installed_path(member)
    if home is None:
        return None
    relative = posixpath.relpath(target, posixpath.dirname(home) or ".")
    return f"$ORIGIN/{relative}"
