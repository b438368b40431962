"""Numbers, versions and requirements in foreign texts, with a limit on what each may cost.

Unlike `packaging.version.Version`, the dotted number 14.0 is below 14.0.0: libgcc_s of aarch64
defines both as symbol versions. Python itself refuses to read numbers of more than 4300 digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.version import Version

MOST_DIGITS = 255
"""As many as a file name can have (T-8)."""
_LARGEST = 10**MOST_DIGITS
_LONG = re.compile(rf"[0-9]{{{MOST_DIGITS + 1}}}")
_MOST_TEXT = 16_384
"""Characters of a requirement; the longest on PyPI have some hundreds."""


def as_number(digits: str) -> int:
    """The number; 10**255 for one of more than 255 digits; `ValueError` for no number."""
    return int(digits) if len(digits) <= MOST_DIGITS else _LARGEST


def parse_version(text: str) -> Version:
    """A version (PEP 440); `InvalidVersion` also for a number of more than 255 digits."""
    from packaging.version import InvalidVersion, Version

    if _LONG.search(text):
        raise InvalidVersion(f"a number has more than {MOST_DIGITS} digits")
    return Version(text)


def parse_requirement(text: str) -> Requirement:
    """A requirement as PEP 508 defines it; all versions in it can be parsed.

    Raises:
        InvalidRequirement: It is not one, is too long or too deep, or has a number of more than
            255 digits.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    if len(text) > _MOST_TEXT:
        raise InvalidRequirement(f"it has {len(text)} characters, more than {_MOST_TEXT}")
    if _LONG.search(text):
        raise InvalidRequirement(f"a number has more than {MOST_DIGITS} digits")
    try:
        return Requirement(text)
    except RecursionError:
        raise InvalidRequirement("its marker is nested too deeply") from None


def applies(requirement: Requirement, values: Mapping[str, str]) -> bool:
    """Whether a requirement's marker holds for an environment's values.

    It does not where the marker compares what cannot be compared (``os_name ~= "posix"``) or names
    no variable; `packaging` lets such a marker pass until it is evaluated.
    """
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName

    try:
        return requirement.marker is None or requirement.marker.evaluate(dict(values))
    except (UndefinedComparison, UndefinedEnvironmentName):
        return False


def requirement_set(lines: Iterable[str]) -> frozenset[str]:
    """Lines of ``Requires-Dist`` as those of two wheels of one version are compared (B-7)."""
    return frozenset(line.replace(" ", "").replace("\t", "") for line in lines)


def version_tuple(text: str) -> tuple[int, ...]:
    """``3.4.30`` -> ``(3, 4, 30)``; empty where the text is not a dotted number (``TM_1``)."""
    parts = text.split(".")
    return tuple(map(as_number, parts)) if all(map(_is_number, parts)) else ()


def release_pair(text: str) -> tuple[int, int]:
    """``2.17`` -> ``(2, 17)``, ``2`` -> ``(2, 0)``; `ValueError` for no dotted number."""
    numbers = version_tuple(text)
    if not numbers:
        raise ValueError(f"{text!r} is not a dotted number")
    return numbers[0], numbers[1] if len(numbers) > 1 else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
