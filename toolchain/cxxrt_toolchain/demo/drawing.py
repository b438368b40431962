"""The README's picture: one process before and after, as an SVG text.

What goes in: two ``Process`` values, who loads which library. What comes out: one SVG document,
light and dark, no external asset. ``python -m cxxrt_toolchain.demo.drawing FILE`` writes it; a
test keeps the committed file equal to what this module draws.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """One mapped runtime library, a box of the lower row."""

    name: str
    note: str
    shared: bool
    """Drawn as the good one: it serves every module of the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One half of the picture: modules above, libraries below, arrows between them."""

    title: str
    outcome: str
    modules: tuple[tuple[str, str], ...]
    """Name and how it was linked."""
    libraries: tuple[Library, ...]
    arrows: tuple[tuple[int, int], ...]
    """Index of a module, index of the library that its symbols bind to."""


BEFORE = Process(
    title="Today: every wheel brings or finds its own",
    outcome="two locale tables in one process: empty numbers, bad_cast, SIGSEGV",
    modules=(
        ("wheel A", "links the system's"),
        ("wheel B", "bundles a renamed copy"),
        ("wheel C", "links it statically"),
        ("wheel D", "CUDA, bundles cudart"),
    ),
    libraries=(
        Library(name="libstdc++.so.6", note="the host's, 3.4.30", shared=False),
        Library(name="libstdc++-6f3a.so.6", note="wheel B's copy", shared=False),
        Library(name="(inside wheel C)", note="exported static copy", shared=False),
        Library(name="libcudart-9c1e.so.12", note="wheel D's copy", shared=False),
    ),
    arrows=((0, 0), (1, 1), (1, 0), (2, 2), (2, 0), (3, 3), (3, 0)),
)
AFTER = Process(
    title="With cxx11-cuda-runtime: one copy, first, for all",
    outcome="each SONAME mapped once, newest wins; bundled copies lie idle",
    modules=BEFORE.modules,
    libraries=(
        Library(name="libstdc++.so.6", note="cxx11-cuda-runtime, RTLD_GLOBAL", shared=True),
        Library(name="libcudart.so.12", note="cxx11-cuda-runtime or NVIDIA's", shared=True),
    ),
    arrows=((0, 0), (1, 0), (2, 0), (3, 0), (3, 1)),
)

_WIDTH, _HALF, _BOX_HEIGHT = 880, 300, 52
_MODULE_TOP, _LIBRARY_TOP = 74, 190

_PROCESS_BOX = (
    f'    <rect class="process" x="6" y="8" width="{_WIDTH - 12}" height="{_HALF - 12}" rx="10"/>'
)
_ARROW_TIP = """  <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"
    markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>"""

_STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #1f2328; text-anchor: middle; }
    .title { font-size: 16px; font-weight: 600; }
    .note, .outcome { font-size: 12px; fill: #59636e; }
    .outcome { font-weight: 600; }
    .bad .outcome { fill: #b42318; } .good .outcome { fill: #18794e; }
    .process { fill: #f6f8fa; stroke: #d1d9e0; }
    .module { fill: #ffffff; stroke: #818b98; }
    .private { fill: #fdecea; stroke: #b42318; }
    .shared { fill: #e6f4ea; stroke: #18794e; stroke-width: 2; }
    .arrow { fill: none; stroke: #818b98; stroke-width: 1.4; marker-end: url(#tip); }
    #tip path { fill: #818b98; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; } .note { fill: #9198a1; }
      .process { fill: #161b22; stroke: #3d444d; } .module { fill: #0d1117; stroke: #656c76; }
      .private { fill: #3a1613; stroke: #f0776c; } .shared { fill: #10301f; stroke: #5ccf8f; }
      .bad .outcome { fill: #f0776c; } .good .outcome { fill: #5ccf8f; }
    }"""


def draw(before: Process, after: Process) -> str:
    """Return the whole SVG document for the two halves, one under the other."""
    height = 2 * _HALF + 10
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
            f"  <title>{escape(before.title)}; {escape(after.title)}</title>",
            f"  <style>{_STYLE}\n  </style>",
            _ARROW_TIP,
            _half(before, 0, "bad"),
            _half(after, _HALF, "good"),
            "</svg>\n",
        )
    )


def _half(process: Process, top: int, mood: str) -> str:
    modules = _row(len(process.modules), 180)
    libraries = _row(len(process.libraries), 196 if len(process.libraries) > 2 else 300)  # noqa: PLR2004 - fits four
    lines = [
        f'  <g class="{mood}" transform="translate(0 {top})">',
        _PROCESS_BOX,
        _text("title", _WIDTH // 2, 38, process.title),
        _text("note", _WIDTH // 2, 58, "one Python process"),
    ]
    lines += [_arrow(modules[m], libraries[n]) for m, n in process.arrows]
    for (x, width), (name, note) in zip(modules, process.modules, strict=True):
        lines.append(_box("module", x, _MODULE_TOP, width, name, note))
    for (x, width), library in zip(libraries, process.libraries, strict=True):
        kind = "shared" if library.shared else "private"
        lines.append(_box(kind, x, _LIBRARY_TOP, width, library.name, library.note))
    lines += [_text("outcome", _WIDTH // 2, _HALF - 22, process.outcome), "  </g>"]
    return "\n".join(lines)


def _row(count: int, width: int) -> list[tuple[int, int]]:
    """Return (left edge, width) of ``count`` boxes spread over the picture's width."""
    gap = (_WIDTH - 40 - count * width) // (count + 1)
    return [(20 + gap + i * (width + gap), width) for i in range(count)]


def _arrow(module: tuple[int, int], library: tuple[int, int]) -> str:
    x1, x2 = module[0] + module[1] // 2, library[0] + library[1] // 2
    y1, y2 = _MODULE_TOP + _BOX_HEIGHT, _LIBRARY_TOP - 2
    middle = (y1 + y2) // 2
    return f'    <path class="arrow" d="M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}"/>'


def _box(kind: str, x: int, y: int, width: int, name: str, note: str) -> str:
    centre = x + width // 2
    rect = f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{_BOX_HEIGHT}" rx="6"/>'
    return "\n".join(
        (f"    {rect}", _text("", centre, y + 22, name), _text("note", centre, y + 40, note))
    )


def _text(kind: str, x: int, y: int, text: str) -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f'    <text{attribute} x="{x}" y="{y}">{escape(text)}</text>'


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(BEFORE, AFTER), encoding="utf-8")
