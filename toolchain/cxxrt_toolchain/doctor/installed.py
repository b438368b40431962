"""Folders on ``sys.path`` -> the distributions that are installed there, and their files.

In: an `Interpreter`. Out: `Environment`. Reads ``*.dist-info`` and ``*.egg-info``; nothing is
imported. Files are those that RECORD (or ``installed-files.txt``) names and that may be shared
objects by their name; where a distributor left the list out, those under its top-level packages.
What an editable install leaves in its source tree is not seen.
"""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cxxrt_toolchain.doctor.interpreter import Interpreter

_INFO = (".dist-info", ".egg-info")
_SHARED = ".so"
_NAME = re.compile(rb"^Name:[ \t]*([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
_VERSION = re.compile(rb"^Version:[ \t]*([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
_REQUIRES = re.compile(rb"^Requires-Dist:[ \t]*([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
_TAG = re.compile(rb"^Tag:[ \t]*([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
_BODY = re.compile(rb"\r?\n\r?\n")
_SEPARATORS = re.compile(r"[-_.]+")
_MOST_FILES = 50_000
"""Of a distribution without a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One installed distribution."""

    name: str
    """As its METADATA spells it."""
    version: str
    location: str
    """The folder on ``sys.path``."""
    requires: tuple[str, ...]
    """``Requires-Dist``, as written."""
    tags: tuple[str, ...]
    """Of its WHEEL file; empty where it was not installed from a wheel."""
    files: tuple[str, ...]
    """Absolute paths of files that may be shared objects, in the order of its list."""

    @property
    def key(self) -> str:
        """Its normalized name."""
        return normalized(self.name)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """All that is installed for one interpreter; without slots, because it caches its index."""

    interpreter: Interpreter
    distributions: tuple[Distribution, ...]
    """Sorted by normalized name; of two with one name, the one that is imported."""

    def owner(self, path: str) -> Distribution | None:
        """The distribution that installed a file, also where symlinks lead to it."""
        found = self._owners.get(path)
        return found or self._owners.get(os.path.realpath(path)) or self._resolved.get(path)

    def named(self, name: str) -> Distribution | None:
        """The distribution of that name, however it is spelled."""
        key = normalized(name)
        return next((each for each in self.distributions if each.key == key), None)

    @cached_property
    def _owners(self) -> dict[str, Distribution]:
        return {path: each for each in reversed(self.distributions) for path in each.files}

    @cached_property
    def _resolved(self) -> dict[str, Distribution]:
        """The same by the paths that a process shows: those after every symlink."""
        folders: dict[str, str] = {}
        found = {}
        for path, each in self._owners.items():
            folder, _, name = path.rpartition("/")
            if folder not in folders:
                folders[folder] = os.path.realpath(folder)
            found[f"{folders[folder]}/{name}"] = each
        return found


def normalized(name: str) -> str:
    """The name as PEP 503 normalizes it; `packaging` does the same and takes 10 ms to import."""
    return _SEPARATORS.sub("-", name).lower()


def read_environment(interpreter: Interpreter) -> Environment:
    """Find what is installed for an interpreter."""
    found: dict[str, Distribution] = {}
    for folder in dict.fromkeys(interpreter.path):
        for info in _info_folders(folder):
            distribution = _distribution(folder, info)
            if distribution is not None:
                found.setdefault(distribution.key, distribution)
    return Environment(
        interpreter=interpreter,
        distributions=tuple(found[key] for key in sorted(found)),
    )


def _info_folders(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(_INFO))  # noqa: PTH208 - as it is
    except OSError:  # sys.path may name folders that do not exist, and archives
        return []


def _distribution(folder: str, info: str) -> Distribution | None:
    base = os.path.join(folder, info)  # noqa: PTH118 - hundreds of them
    texts = (os.path.join(base, name) for name in ("METADATA", "PKG-INFO"))  # noqa: PTH118 - hundreds
    text = next(filter(None, map(_bytes, texts)), b"") or _bytes(base)
    head = _BODY.split(text, maxsplit=1)[0]
    name, version = _NAME.search(head), _VERSION.search(head)
    if name is None or version is None:
        return None
    return Distribution(
        name=_text(name[1]),
        version=_text(version[1]),
        location=folder,
        requires=tuple(map(_text, _REQUIRES.findall(head))),
        tags=tuple(map(_text, _TAG.findall(_bytes(f"{base}/WHEEL")))),
        files=tuple(dict.fromkeys(_files(folder, base))),
    )


def _files(folder: str, base: str) -> Iterator[str]:
    record = _bytes(f"{base}/RECORD")
    if record:
        yield from _placed(folder, _recorded(record.decode("utf-8", "surrogateescape")))
        return
    listed = _bytes(f"{base}/installed-files.txt")
    if listed:  # relative to the .egg-info folder, one a line
        names = listed.decode("utf-8", "surrogateescape").splitlines()
        yield from _placed(base, filter(_may_be_shared, names))
        return
    for top in _bytes(f"{base}/top_level.txt").decode("utf-8", "replace").split():
        yield from _under(os.path.join(folder, top))  # noqa: PTH118 - as above


def _recorded(text: str) -> Iterator[str]:
    """The paths of a RECORD file that may be shared objects; most of its lines are none."""
    at = text.find(_SHARED)
    while at >= 0:
        end = text.find("\n", at)
        line = text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else len(text)]
        name = next(csv.reader([line]))[0] if line.startswith('"') else line.partition(",")[0]
        if _may_be_shared(name):
            yield name
        at = text.find(_SHARED, end) if end >= 0 else -1


def _may_be_shared(name: str) -> bool:
    return _SHARED in name.rpartition("/")[2]


def _placed(folder: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        path = f"{folder}/{name}" if name[:1] != "/" else name
        yield os.path.normpath(path) if "./" in path else path


def _under(folder: str) -> Iterator[str]:
    count = 0
    for parent, _, names in os.walk(folder):
        for name in filter(_may_be_shared, names):
            count += 1
            if count > _MOST_FILES:
                return
            yield f"{parent}/{name}"


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - hundreds of them
            return stream.read()
    except OSError:
        return b""


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").strip()
