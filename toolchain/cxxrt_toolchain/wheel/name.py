"""A wheel's file name as a value.

What goes in: a file name. What comes out: its parts as they are spelled, and the tags that they
stand for. Source: the binary distribution format specification; the variant label: PEP 825.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from cxxrt_toolchain.errors import InputError

if TYPE_CHECKING:
    from packaging.tags import Tag

_DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?\Z")
_TAG_SET = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*\Z")
_BUILD = re.compile(r"[0-9][A-Za-z0-9_.]*\Z")
_VARIANT = re.compile(r"[0-9a-z_.]+\Z")
_FEWEST_PARTS, _MOST_PARTS = 5, 7
_MAX_TAGS = 4096


class WheelNameError(InputError):
    """A file name that is not a wheel's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelName:
    """The parts of ``{distribution}-{version}(-{build})?-{python}-{abi}-{platform}.whl``."""

    distribution: str
    """As spelled in the file name, not normalised."""
    version: str
    build: str | None = None
    python: str
    """One tag, or a compressed set (``py2.py3``); likewise the next two."""
    abi: str
    platform: str
    variant: str | None = None
    """PEP 825's label, which follows the platform."""

    def __str__(self) -> str:
        parts = [self.distribution, self.version, self.build, self.python, self.abi]
        parts += [self.platform, self.variant]
        return "-".join(part for part in parts if part is not None) + ".whl"

    @property
    def tags(self) -> frozenset[Tag]:
        """The expanded tags."""
        from packaging.tags import parse_tag  # noqa: PLC0415 - start-up time

        return parse_tag(f"{self.python}-{self.abi}-{self.platform}")


def parse_wheel_name(filename: str) -> WheelName:
    """Read a wheel's file name (no directory).

    Raises:
        WheelNameError: It has too few or too many parts, or one that no wheel may have.
    """
    stem, dot, suffix = filename.rpartition(".")
    parts = stem.split("-")
    if not dot or suffix != "whl" or not _FEWEST_PARTS <= len(parts) <= _MOST_PARTS:
        raise WheelNameError(
            f"{filename!r} is no wheel's name.",
            "It must read distribution-version(-build)-python-abi-platform.whl.",
        )
    distribution, version, *rest = parts
    build = rest.pop(0) if _BUILD.match(rest[0]) else None
    # A Python tag never starts with a digit, so six parts are unambiguous.
    variant = rest.pop() if len(rest) > 3 else None  # noqa: PLR2004 - python, abi, platform
    return _checked(filename, distribution, version, build, rest, variant)


def _checked(
    filename: str,
    distribution: str,
    version: str,
    build: str | None,
    tags: list[str],
    variant: str | None,
) -> WheelName:
    def refuse(what: str) -> WheelNameError:
        return WheelNameError(f"{filename!r} is no wheel's name: {what}.")

    if len(tags) != 3:  # noqa: PLR2004 - python, abi, platform
        raise refuse("it needs a Python, an ABI and a platform tag")
    if not _DISTRIBUTION.match(distribution):
        raise refuse(f"{distribution!r} is no distribution name")
    try:
        Version(version.replace("_", "-"))
    except InvalidVersion:
        raise refuse(f"{version!r} is no version") from None
    for tag in tags:
        if not _TAG_SET.match(tag):
            raise refuse(f"{tag!r} is no tag")
    if variant is not None and not _VARIANT.match(variant):
        raise refuse(f"{variant!r} is no variant label")
    python, abi, platform = tags
    if (python.count(".") + 1) * (abi.count(".") + 1) * (platform.count(".") + 1) > _MAX_TAGS:
        raise refuse(f"its tags expand to more than {_MAX_TAGS}")
    return WheelName(
        distribution=distribution,
        version=version,
        build=build,
        python=python,
        abi=abi,
        platform=platform,
        variant=variant,
    )
