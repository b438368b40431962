"""The catalogue of rules: ``hazards.md`` of the specification, entry by entry.

The file has one second-level heading per rule, ``## CXXRT-H1: Bundled libstdc++``; everything up to
the next heading is the entry.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from cxxrt_toolchain.errors import MissingToolError

_HEADING = re.compile(r"^## (?P<rule>CXXRT-[A-Z][0-9]+): (?P<title>.+)$", re.MULTILINE)
_MECHANISM = re.compile(r"^\* (?P<name>M[0-9]+)(?P<text>, .+(?:\n  .+)*)$", re.MULTILINE)
_NEXT = re.compile(r"^##? ", re.MULTILINE)
_SPAN = re.compile(r"\*\*(?P<strong>[^*]+)\*\*|(?P<ticks>`+)(?P<code>.+?)(?P=ticks)", re.DOTALL)


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


def paragraphs(text: str) -> Iterator[list[tuple[str, str]]]:
    """The paragraphs of an entry: texts, each with ``strong``, ``code`` or nothing.

    That is all the Markdown that entries use; a test compares it with a reader of all of it.
    """
    for paragraph in text.split("\n\n"):
        spans, at = [], 0
        for found in _SPAN.finditer(paragraph):
            kind = found.lastgroup or ""
            spans += [(paragraph[at : found.start()], ""), (found[kind], kind)]
            at = found.end()
        spans.append((paragraph[at:], ""))
        yield [(" ".join(words.split("\n")), kind) for words, kind in spans if words]


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
