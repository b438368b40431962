"""Plots as SVG: bars of shares with their intervals, lines of shares over months."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cxxrt_toolchain.report.page.markup import Html, element

if TYPE_CHECKING:
    from cxxrt_toolchain.survey.queries import Share

_WIDTH, _ROW, _LEFT, _RIGHT = 960, 30, 330, 120
_PLOT = _WIDTH - _LEFT - _RIGHT
_HEIGHT, _BOTTOM, _TOP = 300, 40, 20
_MOST_TICKS = 12
_CURVES = ("", "second", "third")


def bars(shares: Sequence[Share], *, sampled: bool) -> Html:
    """One bar for each share; in a sample, a line from the lower to the upper end."""
    height = _ROW * len(shares) + _BOTTOM
    return element(
        "svg",
        *_grid(height - _BOTTOM),
        *(part for at, each in enumerate(shares) for part in _bar(each, at * _ROW, sampled)),
        class_="chart",
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        aria_label="Shares as bars; the table has the same numbers",
    )


def _grid(bottom: float) -> Iterator[Html]:
    for percent in (0, 25, 50, 75, 100):
        x = _LEFT + _PLOT * percent / 100
        yield element("line", class_="grid", x1=x, x2=x, y1=0, y2=bottom)
        yield element(
            "text", f"{percent} %", class_="tick", x=x, y=bottom + 18, text_anchor="middle"
        )


def _bar(each: Share, top: float, sampled: bool) -> Iterator[Html]:
    middle = top + _ROW / 2
    yield element("text", each.label, x=_LEFT - 12, y=middle + 4, text_anchor="end")
    yield element("rect", class_="track", x=_LEFT, y=top + 7, width=_PLOT, height=_ROW - 14)
    width = _PLOT * each.part
    yield element(
        "rect",
        element("title", f"{each.label}: {each.found} of {each.of}"),
        class_="fill",
        x=_LEFT,
        y=top + 7,
        width=width,
        height=_ROW - 14,
    )
    if sampled:
        low, high = (_LEFT + _PLOT * end for end in (each.low, each.high))
        ends = f"M{low:.1f} {middle - 5:.1f}v10M{low:.1f} {middle:.1f}H{high:.1f}m0 -5v10"
        yield element("path", class_="whisker", d=ends)
    value = f"{100 * each.part:.1f} %"
    yield element("text", value, class_="value", x=_WIDTH - _RIGHT + 14, y=middle + 4)


def curves(
    places: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]], said: str
) -> Html:
    """Lines over equal steps, from 0 to the largest value; a gap where a value is unknown."""
    most = max((v for _, values in series for v in values if v is not None), default=0) or 1
    step = (_WIDTH - 2 * _BOTTOM - 20) / max(1, len(places) - 1)
    xs = [_BOTTOM + 20 + at * step for at in range(len(places))]
    parts = [*_axes(places, xs, most)]
    for (label, values), kind in zip(series, _CURVES, strict=False):
        points = [
            (x, _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / most, value)
            for x, value in zip(xs, values, strict=True)
            if value is not None
        ]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in points)
        if len(points) > 1:
            parts.append(element("path", class_=f"curve {kind}".strip(), d=f"M{path}"))
        for x, y, value in points:
            title = element("title", f"{label}: {100 * value:.1f} %")
            dot = f"dot {kind}".strip()
            parts.append(element("circle", title, class_=dot, cx=x, cy=f"{y:.1f}", r=3.5))
    return element(
        "svg",
        *parts,
        class_="chart",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=said,
    )


def _axes(places: Sequence[str], xs: Sequence[float], most: float) -> Iterator[Html]:
    for part in (0.0, 0.5, 1.0):
        y = _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * part
        yield element("line", class_="grid", x1=_BOTTOM, x2=_WIDTH - _BOTTOM, y1=y, y2=y)
        yield element("text", f"{100 * most * part:.0f} %", class_="tick", x=0, y=y + 4)
    every = -(-len(places) // _MOST_TICKS)
    for x, place in list(zip(xs, places, strict=True))[::every]:
        yield element("text", place, class_="tick", x=x, y=_HEIGHT - 14, text_anchor="middle")
