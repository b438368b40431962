"""What the distributions that a wheel requires bring, as far as somebody looked at them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from cxxrt_toolchain.abi.versions import applies, parse_requirement
from cxxrt_toolchain.facts.installed import normalized

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.filename import WheelTags

_STEM = re.compile(r"(?:lib)?(.+?)(?:[-_.]?\d[\d.]*)?\.so.*")
_PYTHON = re.compile(r"cp(\d)(\d+)")
_LINUX = {
    "os_name": "posix",
    "platform_system": "Linux",
    "sys_platform": "linux",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}
_SHORTEST = 3
"""Letters of a word that may stand for a library, or of a library that a word may contain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A distribution that was looked at: a wheel, or what is installed."""

    name: str
    """Normalized."""
    version: str
    """One that `packaging` can parse."""
    files: frozenset[str]
    """The names, without folders, of its files that may be shared objects."""
    requires: tuple[str, ...]
    """As METADATA spells them."""
    protos: frozenset[tuple[str, str]] = frozenset()
    """(SONAME of a libprotobuf, ``.proto`` file that its objects register in it)."""

    def brings(self, library: str) -> bool | None:
        """Whether it has a file of that name; None if it has a similar one."""
        if library in self.files:
            return True
        stem = library.partition(".so")[0]
        return None if any(name.startswith(stem) for name in self.files) else False


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """What the requirements of a wheel lead to."""

    requirements: tuple[Requirement, ...] = ()
    """The wheel's own, as far as they hold on its platform without extras."""
    found: tuple[Provider, ...] = ()
    """Those that were looked at, and those that they require."""
    complete: bool = False
    """Nothing that is required was left out."""

    def without(self, name: str) -> Required:
        """The same without the requirements on one distribution, normalized."""
        rest = (each for each in self.requirements if normalized(each.name) != name)
        return replace(self, requirements=tuple(rest))

    def bringing(self, library: str) -> Provider | None:
        """Who brings a library for certain."""
        return next((each for each in self.found if each.brings(library)), None)

    def likely(self, library: str) -> tuple[Requirement, ...]:
        """The requirements that may bring it: by their names, or all if none sounds like it."""
        if self.complete and all(each.brings(library) is False for each in self.found):
            return ()
        alike = tuple(each for each in self.requirements if sounds_like(each.name, library))
        return alike or self.requirements


def sounds_like(name: str, library: str) -> bool:
    """Whether a distribution has a word of a library's name: nvidia-cublas, libcublasLt.so.12."""
    match = _STEM.fullmatch(library.lower())
    stem = match[1] if match else library.lower()
    words = [word for word in normalized(name).split("-") if len(word) >= _SHORTEST]
    return len(stem) >= _SHORTEST and any(word in stem or stem in word for word in words)


def required_by(
    lines: Iterable[str], markers: Mapping[str, str], providers: Iterable[Provider]
) -> Required:
    """Follow requirements through the distributions that were looked at.

    `markers` has the values of environment markers; those that it lacks are the interpreter's.
    """
    known: dict[str, list[Provider]] = {}
    for provider in providers:
        known.setdefault(provider.name, []).append(provider)
    own = tuple(_applying(lines, markers))
    found: dict[tuple[str, str], Provider] = {}
    complete = True
    waiting = list(own)
    seen: set[str] = set()
    while waiting:
        each = waiting.pop()
        if str(each) in seen:
            continue
        seen.add(str(each))
        fitting = [
            provider
            for provider in known.get(normalized(each.name), ())
            if each.specifier.contains(provider.version, prereleases=True)
        ]
        complete = complete and bool(fitting)
        for provider in fitting:
            found[provider.name, provider.version] = provider
            waiting += _applying(provider.requires, markers, each.extras)
    return Required(requirements=own, found=tuple(found.values()), complete=complete)


def markers_of(tags: WheelTags, machines: Collection[str]) -> dict[str, str]:
    """The values of environment markers where a wheel for Linux is installed."""
    found = next(filter(None, map(_PYTHON.fullmatch, tags.python)), None)
    python = f"{found[1]}.{found[2]}" if found else ""
    known = {"python_version": python, "python_full_version": f"{python}.0"} if python else {}
    machine = {"platform_machine": min(machines)} if machines else {}
    return {**_LINUX, **known, **machine}


def _applying(
    lines: Iterable[str], markers: Mapping[str, str], extras: Iterable[str] = ()
) -> Iterator[Requirement]:
    """The requirements that hold, with some extras."""
    for line in lines:
        with suppress(InvalidRequirement):
            found = parse_requirement(line)
            values = ({**markers, "extra": each} for each in ("", *extras))
            if any(applies(found, each) for each in values):
                yield found
