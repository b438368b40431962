"""Numbers, versions and requirements of foreign texts: what is too large, long or deep."""

from __future__ import annotations

import pytest
from packaging.requirements import InvalidRequirement
from packaging.version import InvalidVersion

from cxxrt_toolchain.abi.versions import (
    applies,
    as_number,
    parse_requirement,
    parse_version,
    release_pair,
    version_tuple,
)

LONG = "9" * 5000


def test_a_number_too_large_for_python_compares_as_very_large() -> None:
    assert as_number(LONG) > as_number("9" * 100)
    assert version_tuple(f"3.4.{LONG}") > version_tuple("3.4.9999")
    assert release_pair(f"2.{LONG}") > (2, 99)


def test_a_text_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        as_number("x")


def test_a_version_with_such_a_number_is_invalid() -> None:
    assert str(parse_version("1.0")) == "1.0"
    with pytest.raises(InvalidVersion, match="more than 255 digits"):
        parse_version(LONG)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"demo>={LONG}", "more than 255 digits"),
        ("demo" * 5000, "characters, more than"),
        ("demo; " + "(" * 3000, "nested"),
        ("\x1b[31mdemo", "Expected package name"),
    ],
    ids=["digits", "length", "depth", "escape"],
)
def test_a_requirement_that_costs_too_much_is_invalid(text: str, reason: str) -> None:
    with pytest.raises(InvalidRequirement, match=reason):
        parse_requirement(text)


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("os_name == 'posix'", True),
        ("extra == 'x'", False),
        ("os_name ~= 'posix'", False),
        ("implementation_version ~= 'x'", False),
        ("'x' in extras", False),
    ],
)
def test_a_marker_that_cannot_be_evaluated_does_not_hold(marker: str, *, holds: bool) -> None:
    values = {"extra": "", "os_name": "posix"}
    assert applies(parse_requirement(f"demo; {marker}"), values) is holds
