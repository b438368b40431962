"""The three figures of a talk on PEP-DRAFT.rst, as SVG, from the same data as its tables.

In: ``runtime_matrix.json``, ``tool_matrix.json``. Out: ``abi-tag-spec/figures/*.svg``: a process
before and after, the matrix of runtimes, the steps of adoption with who takes each wheel.
``python tests/spec/pep_figures.py`` says whether they are current; ``--write`` makes them so.
"""

from __future__ import annotations

import json
import sys
from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "abi-tag-spec" / "figures"
COLOURS = {"works": "#1b7837", "wrong": "#b35806", "crash": "#b2182b"}
INK, PAPER, LINE = "#222222", "#ffffff", "#777777"


def svg(title: str, width: int, height: int, *parts: str) -> str:
    """A document with a white ground, so that it can stand on a dark page, and its description."""
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"',
            f'     aria-label="{escape(title)}" font-family="sans-serif" font-size="14">',
            f"<title>{escape(title)}</title>",
            '<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8"',
            f'  markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="{INK}"/>',
            "</marker></defs>",
            f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
            *parts,
            "</svg>\n",
        )
    )


def text(x: int, y: int, words: str, *, bold: bool = False, anchor: str = "middle") -> str:
    """A line of text."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{INK}"{weight}>{escape(words)}</text>'
    )


def box(x: int, y: int, width: int, *lines: str, colour: str = LINE, height: int = 0) -> str:
    """A box with lines of text in its middle."""
    height = height or 24 + 20 * len(lines)
    shape = (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{PAPER}"'
        f' stroke="{colour}" stroke-width="2"/>'
    )
    first = y + height // 2 + 5 - 10 * (len(lines) - 1)
    return shape + "".join(
        text(x + width // 2, first + 20 * number, line) for number, line in enumerate(lines)
    )


def arrow(x: int, y: int, to_x: int, to_y: int, *, colour: str = INK, dashed: bool = False) -> str:
    """A line with a head."""
    dash = ' stroke-dasharray="6 4"' if dashed else ""
    return (
        f'<path d="M{x} {y} L{to_x} {to_y}" stroke="{colour}" stroke-width="2" fill="none"'
        f'{dash} marker-end="url(#end)"/>'
    )


def process() -> str:
    """Two packages with a runtime each, and the same two on one."""
    red, green = COLOURS["crash"], COLOURS["works"]
    before = (
        text(190, 34, "Today", bold=True),
        box(20, 60, 150, "package A", "module.so"),
        box(210, 60, 150, "package B", "module.so"),
        arrow(95, 124, 95, 190),
        arrow(285, 124, 285, 190),
        box(20, 190, 150, "libstdc++.so.6", "the system's"),
        box(210, 190, 150, "libstdc++-ab12.so.6", "B's own, renamed", colour=red),
        arrow(210, 222, 171, 222, colour=red, dashed=True),
        text(190, 316, "symbols marked unique go to the first copy,"),
        text(190, 336, "the others to the second: half of each state"),
    )
    after = (
        text(590, 34, "On the shared runtime", bold=True),
        box(420, 60, 150, "package A", "module.so"),
        box(610, 60, 150, "package B", "module.so"),
        arrow(495, 124, 560, 190),
        arrow(685, 124, 620, 190),
        box(
            480,
            190,
            220,
            "libstdc++.so.6",
            "cxx11-cuda-runtime, or the",
            "one that was there first",
            colour=green,
        ),
        text(590, 316, "one copy, global, checked against"),
        text(590, 336, "what each package needs"),
    )
    return svg("A process before and after", 780, 360, *before, *after)


def matrix() -> str:
    """What becomes of two modules, by the second one's runtime and by what is done about it."""
    rows = json.loads(Path(__file__).with_name("runtime_matrix.json").read_text(encoding="utf-8"))
    columns = list(next(iter(rows.values())))
    left, top, width, height = 170, 70, 118, 40
    parts = [text(left + len(columns) * width // 2, 28, "What is done about it", bold=True)]
    parts.append(text(left - 10, 56, "Second runtime", bold=True, anchor="end"))
    parts += [
        text(left + width * number + width // 2, 56, name) for number, name in enumerate(columns)
    ]
    for line, (kind, row) in enumerate(rows.items()):
        y = top + line * height
        parts.append(text(left - 10, y + 25, kind, anchor="end"))
        for number, name in enumerate(columns):
            x = left + width * number
            parts.append(
                f'<rect x="{x + 2}" y="{y + 2}" width="{width - 4}" height="{height - 4}" rx="4"'
                f' fill="{COLOURS[row[name]]}"/><text x="{x + width // 2}" y="{y + 25}"'
                f' text-anchor="middle" fill="{PAPER}">{row[name]}</text>'
            )
    size = left + len(columns) * width + 20, top + len(rows) * height + 20
    return svg("Two modules in a process, by the runtime of the second", *size, *parts)


def adoption() -> str:
    """The steps, and how many of the tried releases of installers take each step's wheel."""
    tools = json.loads(Path(__file__).with_name("tool_matrix.json").read_text(encoding="utf-8"))
    rows = [row for row in tools.values() if "release" in row]

    def takers(encoding: str) -> str:
        return f"{sum(row[encoding] == 'takes' for row in rows)} of {len(rows)} of today take it"

    steps = (
        ("1  Dependency", "plain wheel,", "requires the runtime", takers("plain"), "Part A"),
        ("2  Tag", "both builds of", "one version", takers("tag"), "Parts A and B"),
        (
            "3  Variant",
            "the same properties",
            "in PEP 825 and 850",
            takers("variant"),
            "their tools",
        ),
    )
    parts = []
    for number, (title, first, second, taken, needs) in enumerate(steps):
        x, y = 20 + 260 * number, 60 + 40 * (len(steps) - 1 - number)
        parts += [
            text(x + 115, y - 12, title, bold=True),
            box(x, y, 230, first, second, colour=COLOURS["works"]),
            text(x + 115, y + 88, taken),
            text(x + 115, y + 108, f"needs {needs}"),
        ]
    return svg("Steps of adoption", 790, 270, *parts)


FIGURES = (process, matrix, adoption)


def stale() -> list[str]:
    """The files that are not what the data gives."""
    return [
        make.__name__
        for make in FIGURES
        if not (path := FOLDER / f"{make.__name__}.svg").exists()
        or path.read_text(encoding="utf-8") != make()
    ]


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        FOLDER.mkdir(exist_ok=True)
        for make in FIGURES:
            (FOLDER / f"{make.__name__}.svg").write_text(make(), encoding="utf-8")
    elif old := stale():
        raise SystemExit(f"not current: {', '.join(old)}; run this with --write")
