"""Whether Python code of packages may load a library before an extension module needs it.

Asked only where the loader would fail: torchvision needs torch's libraries, which nothing but
``import torch`` leads to; torch itself opens NVIDIA's libraries with ctypes. Source text near the
extension modules is searched; nothing is imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.installed import Environment, normalized
from cxxrt_toolchain.plain_files import read_plain

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.loading import Opened
    from cxxrt_toolchain.facts.members import Member

_OPENS = re.compile(rb"\bC?DLL\b|dlopen|LoadLibrary|load_nvidia_dynamic_lib|load_library", re.ASCII)
_BY_PATH = re.compile(
    rb"__file__|__path__|os\.path|\bpath\.join|pathlib|\bPath\(|sys\.(?:base_|exec_)?prefix|find_library"
    rb"|\bi?glob\(|importlib|import_module|load_nvidia_dynamic_lib|dirname|site-packages|/lib"
)
"""Code that knows where a library lies: by its bare name the loader does not find it either."""
_GLOBAL = re.compile(rb"RTLD_GLOBAL|setdlopenflags")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MOST_FILES = 400
_MOST_BYTES = 1 << 20
"""Of one source file."""


class OwnCode:
    """The Python code beside the objects of an environment."""

    def __init__(
        self, environment: Environment, members: Iterable[Member], opened: Iterable[Opened]
    ) -> None:
        self._environment = environment
        self._members = {each.distribution.key: each for each in members}
        self._opened = tuple(opened)
        self._texts: dict[str, tuple[bytes, ...]] = {}

    def loads_before(self, consumer: str, name: str, places: Iterable[str]) -> bool:
        """Whether a library may be loaded by the time that an object needs it.

        `places` are the installed files of that name.
        """
        around = self._around(consumer)
        if any(name in self._names.get(key, ()) for key in around):
            return True
        stem = name.partition(".so")[0].removeprefix("lib").encode()
        tops = {self._top(place) for place in places} - {self._top(consumer), b""}
        for text in self._code(around):
            named = stem in text or any(top in text for top in tops)
            if named and _OPENS.search(text) and _BY_PATH.search(text):
                return True
            if any(
                re.search(rb"^\s*(?:import|from)\s+%s\b" % re.escape(top), text, re.MULTILINE)
                for top in tops
            ):
                return True
        return False

    def opens(self, library: str) -> bool:
        """Whether code of the library's package, or of one that it requires, opens it by name."""
        stem = library.rpartition("/")[2].partition(".so")[0].removeprefix("lib").encode()
        code = self._code(self._around(library))
        return any(_OPENS.search(text) and stem in text for text in code)

    def nearest(self, consumer: str, places: tuple[str, ...]) -> str:
        """The file of a package that the object's package requires, else the first one."""
        around = self._around(consumer)
        owners = ((place, self._environment.owner(place)) for place in places)
        return next((place for place, owner in owners if owner and owner.key in around), places[0])

    def makes_global(self, consumer: str, exporters: Iterable[str]) -> bool:
        """Whether symbols of other objects may be global by the time that an object needs them."""
        around = self._around(consumer)
        owners = {owner.key for path in exporters if (owner := self._environment.owner(path))}
        return bool(owners & around) and any(map(_GLOBAL.search, self._code(around)))

    def _around(self, path: str) -> set[str]:
        """The distribution of an object and those that it requires, also through others."""
        owner = self._environment.owner(path)
        waiting = [owner.key] if owner else []
        found: set[str] = set()
        while waiting:
            key = waiting.pop()
            distribution = self._environment.named(key) if key not in found else None
            if distribution is not None:
                found.add(key)
                names = (_NAME.match(line) for line in distribution.requires)
                waiting += [normalized(match[0]) for match in names if match]
        return found

    @cached_property
    def _names(self) -> Mapping[str, set[str]]:
        """Distribution to the names of all libraries that its modules map."""
        owners = {each.path: key for key, m in self._members.items() for each in m.objects}
        found: dict[str, set[str]] = {}
        for each in self._opened:
            names = found.setdefault(owners.get(each.module, ""), set())
            for row in each.edges.values():
                names.update(row)
        return found

    def _top(self, path: str) -> bytes:
        """The name by which the package of a file is imported."""
        owner = self._environment.owner(path)
        below = path.removeprefix(f"{owner.location}/") if owner else ""
        return os.fsencode(below.partition("/")[0].partition(".")[0])

    def _code(self, keys: Iterable[str]) -> Iterator[bytes]:
        for key in sorted(keys):
            if key not in self._texts:
                self._texts[key] = tuple(self._read(key))
            yield from self._texts[key]

    def _read(self, key: str) -> Iterator[bytes]:
        member = self._members.get(key)
        if member is None:
            return
        roots = (member.distribution.location, *member.distribution.sources)
        folders: dict[str, None] = {}
        for each in member.objects:
            folder = each.path.rpartition("/")[0]
            while any(folder.startswith(f"{root}/") for root in roots) and folder not in folders:
                folders[folder] = None
                folder = folder.rpartition("/")[0]
        names = [f"{folder}/{name}" for folder in folders for name in _sources(folder)]
        yield from filter(None, map(_text, names[:_MOST_FILES]))


def _text(path: str) -> bytes:
    try:
        return read_plain(path, _MOST_BYTES)
    except OSError:
        return b""


def _sources(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".py"))  # noqa: PTH208 - names
    except OSError:
        return []
