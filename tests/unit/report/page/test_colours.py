"""Text and marks have the contrast that WCAG 2.2 AA asks for, in light and in dark."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import product

import pytest

_SHEET = (files("cxxrt_toolchain.report.page") / "page.css").read_text(encoding="utf-8")
_VARIABLE = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
_COLOURS = {name: (light, dark) for name, light, dark in _VARIABLE.findall(_SHEET)}

_TEXTS = {
    "ink": ("page", "raised", "mark", "error-soft", "warning-soft", "healthy-soft"),
    "muted": ("page", "raised", "mark", "error-soft", "warning-soft", "healthy-soft"),
    "link": ("page", "raised", "mark"),
    "error": ("page", "error-soft", "mark"),
    "warning": ("page", "warning-soft"),
    "healthy": ("page", "healthy-soft"),
}
"""Which text stands on which ground; 4.5 to 1 (1.4.3)."""
_MARKS = {
    "control": ("page", "raised"),
    "edge": ("page",),
    "muted": ("page",),
    "link": ("page", "raised"),
    "error": ("page", "error-soft"),
    "warning": ("page", "warning-soft"),
}
"""Borders and lines that carry meaning; 3 to 1 (1.4.11)."""


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _pairs(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str, int]]:
    pairs = [(front, ground) for front, grounds in table.items() for ground in grounds]
    return [(front, ground, theme) for (front, ground), theme in product(pairs, (0, 1))]


def test_the_measure_is_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize(("text", "ground", "theme"), _pairs(_TEXTS))
def test_text_can_be_read(text: str, ground: str, theme: int) -> None:
    assert contrast(_COLOURS[text][theme], _COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize(("mark", "ground", "theme"), _pairs(_MARKS))
def test_marks_can_be_seen(mark: str, ground: str, theme: int) -> None:
    assert contrast(_COLOURS[mark][theme], _COLOURS[ground][theme]) >= 3


def test_there_is_no_colour_beside_the_variables() -> None:
    rules = _SHEET[_SHEET.index("*, ::before") :]
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(", rules) == []
    used = set(re.findall(r"var\(--([a-z-]+)\)", rules))
    assert used <= _COLOURS.keys() | {"sans", "mono"}
    assert _COLOURS.keys() - used == set(), "a variable that nothing uses"
