"""The recorded measurements, and their table in README.md; the PEP's: ``tests/spec/pep_tables.py``.

In: ``matrix.json``. Out: text. Nothing is measured here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

README = Path(__file__).with_name("README.md")
RECORDED = Path(__file__).with_name("matrix.json")
BEGIN, END = "<!-- begin table: crashes -->\n", "<!-- end table: crashes -->\n"
Row: TypeAlias = dict[str, Any]
"""`measuring.Row.as_json`."""
_HEAD = (
    *("case", "mechanism", "built the usual way", "with our backend"),
    *("copies, before and after", "rule", "doctor says, before"),
)
_MECHANISMS = {"captured": "M1", "duplicate": "M2", "too old": "M3", "layout": "M4"}
"""The names of ``abi-tag-spec/hazards.md``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """What is recorded."""

    host: str
    """The newest ``GLIBCXX_`` version of the libstdc++ of the machine that measured it."""
    cases: dict[str, Row]
    """In the order of the table."""


def recorded() -> Matrix:
    """Read ``matrix.json``."""
    return Matrix(**json.loads(RECORDED.read_text(encoding="utf-8")))


def record(matrix: Matrix) -> None:
    """Write it."""
    document = {"host": matrix.host, "cases": matrix.cases}
    RECORDED.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def markdown(cases: dict[str, Row]) -> str:
    """A table for README.md."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    rows = ("| " + " | ".join(_cells(*item)) + " |" for item in cases.items())
    return "\n".join([*lines, *rows])


def rendered(text: str) -> str:
    """README.md with its table written again.

    Raises:
        ValueError: The text does not have exactly one pair of the table's marks.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{README.name} has no place for the table")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{markdown(recorded().cases)}\n\n{END}{rest.partition(END)[2]}"


def _cells(name: str, row: Row) -> tuple[str, ...]:
    usual, backend, mechanism = row["usual"], row["backend"], row["mechanism"]
    copies = [str(way["copies"]) for way in (usual, backend) if way["copies"]]
    return (
        f"[{row['title']}](../packages/crash_{name}/case.toml)",
        ", ".join(filter(None, (_MECHANISMS.get(mechanism), mechanism))),
        _outcome(usual["outcome"], row["expected"]),
        _outcome(backend["outcome"], row["expected"]),
        f"{row['library']}: {', '.join(copies)}",
        (row["rule"] or "none").removeprefix("CXXRT-"),
        ", ".join(usual["diagnosis"]).replace("CXXRT-", "") or "nothing",
    )


def _outcome(words: str, expected: str) -> str:
    """Markdown; what a program has said is code."""
    if words.startswith("prints "):
        return f"prints {_code(words.removeprefix('prints '))}, not {_code(expected)}"
    head, _, said = words.partition(": ")
    if head == "refused":
        return f"is not built: {said.removeprefix('CXXRT-')}"
    return f"{head}: {_code(said)}" if said else words


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"
