"""Entries of ``hazards.md`` as markup, so that the page needs no network.

Raw HTML in the Markdown is not rendered.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from cxxrt_toolchain.report.catalogue import load_catalogue, load_mechanisms
from cxxrt_toolchain.report.page.markup import EMPTY, Html, element, joined

if TYPE_CHECKING:
    from cxxrt_toolchain.report.catalogue import Entry

_REFERENCE = re.compile(r"\b(?:CXXRT-)?(?P<rule>[THPWLD][0-9]+)\b")
_MECHANISM = re.compile(r"\bM[0-9]+\b")


_catalogue, _mechanisms = cache(load_catalogue), cache(load_mechanisms)


def rule_title(rule: str) -> str:
    """``CXXRT-H1: Bundled libstdc++ or libgcc_s``."""
    entry = _catalogue().get(rule)
    return f"{rule}: {entry.title}" if entry else rule


def rule_text(rule: str) -> Html:
    """The entry, then the entries that it refers to ("As H1"), then the mechanisms (M1 to M4)."""
    entry = _catalogue().get(rule)
    if entry is None:
        return element("p", "The catalogue of this toolchain has no entry for this rule.")
    others = _references(entry)
    said = "\n".join(each.text for each in (entry, *others))
    names = sorted(set(_MECHANISM.findall(said)) & _mechanisms().keys())
    terms = [joined([element("dt", name), element("dd", _mechanisms()[name])]) for name in names]
    list_of_terms = element("dl", *terms) if terms else EMPTY
    return joined([_rendered(entry), *map(_further, others), list_of_terms])


def _references(entry: Entry) -> list[Entry]:
    names = dict.fromkeys(f"CXXRT-{found['rule']}" for found in _REFERENCE.finditer(entry.text))
    found = (_catalogue().get(name) for name in names if name != entry.rule)
    return [each for each in found if each]


def _further(entry: Entry) -> Html:
    heading = element("p", f"{entry.rule}: {entry.title}", class_="further")
    return joined([heading, _rendered(entry)])


def _rendered(entry: Entry) -> Html:
    return Html(MarkdownIt("js-default").render(entry.text))
