"""The normative sentences of the specification, read from its text.

In: ``abi-tag-spec/README.md``. Out: `Sentence`s. A sentence is a list item that begins with its
id in bold; a dagger behind the id says that no vector can test it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TEXT = Path(__file__).parents[2] / "abi-tag-spec" / "README.md"
_SENTENCE = re.compile(r"\* \*\*(?P<id>[A-Z]-[1-9][0-9]*[a-z]?)\*\*(?P<mark> †)? (?P<text>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One normative sentence."""

    id: str
    section: str
    """Title of the section that it stands in."""
    testable: bool
    text: str
    """Without the id; line breaks are spaces."""


def read_sentences() -> tuple[Sentence, ...]:
    """Every sentence, in the order of the text."""
    found: list[Sentence] = []
    section = ""
    for block in re.split(r"\n(?=\* |#|\n)", TEXT.read_text(encoding="utf-8")):
        line = " ".join(block.split())
        if line.startswith("## "):
            section = line.partition(". ")[2]
        elif match := _SENTENCE.match(line):
            found.append(
                Sentence(
                    id=match["id"],
                    section=section,
                    testable=match["mark"] is None,
                    text=match["text"],
                )
            )
    return tuple(found)
