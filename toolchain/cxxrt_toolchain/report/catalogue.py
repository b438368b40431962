"""The catalogue of rules: ``hazards.md`` of the specification, entry by entry.

The file has one second-level heading per rule, ``## CXXRT-H1: Bundled libstdc++``; everything up to
the next heading is the entry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from cxxrt_toolchain.errors import MissingToolError

_HEADING = re.compile(r"^## (?P<rule>CXXRT-[A-Z][0-9]+): (?P<title>.+)$", re.MULTILINE)
_MECHANISM = re.compile(r"^\* (?P<name>M[0-9]+)(?P<text>, .+(?:\n  .+)*)$", re.MULTILINE)
_NEXT = re.compile(r"^##? ", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One rule of the catalogue."""

    rule: str
    title: str
    text: str
    """Markdown: symptom, cause, evidence, fix."""


def parse_catalogue(text: str) -> dict[str, Entry]:
    """The entries of a catalogue, in file order."""
    found = {}
    for match in _HEADING.finditer(text):
        following = _NEXT.search(text, match.end())
        body = text[match.end() : following.start() if following else len(text)]
        name, title = match["rule"], match["title"].strip()
        found[name] = Entry(rule=name, title=title, text=body.strip())
    return found


def parse_mechanisms(text: str) -> dict[str, str]:
    """What M1 to M4 stand for: the name to the sentence, without the name."""
    return {
        found["name"]: " ".join(found["text"].removeprefix(", ").split())
        for found in _MECHANISM.finditer(text)
    }


def load_catalogue() -> dict[str, Entry]:
    """The catalogue of this toolchain; `MissingToolError` where the installation lacks it."""
    return parse_catalogue(_text())


def load_mechanisms() -> dict[str, str]:
    """The mechanisms that its entries name; raises as `load_catalogue` does."""
    return parse_mechanisms(_text())


def _text() -> str:
    installed = files("cxxrt_toolchain") / "_spec" / "hazards.md"
    checkout = Path(__file__).parents[3] / "abi-tag-spec" / "hazards.md"
    for place in (installed, checkout):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise MissingToolError(
        "The catalogue of rules, hazards.md, is not installed.", "Install cxxrt-toolchain again."
    )
