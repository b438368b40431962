"""Reads a page as strictly as it can be read without a browser: every tag closed, every id once."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "input", "br", "col", "link", "img"}
_BLOCK = {"p", "div", "ul", "ol", "dl", "table", "section", "details", "h1", "h2", "h3", "h4"}
_PARENTS = {
    "li": {"ul", "ol"},
    "dt": {"dl", "div"},
    "dd": {"dl", "div"},
    "tr": {"thead", "tbody"},
    "td": {"tr"},
    "th": {"tr"},
    "summary": {"details"},
    "option": {"select"},
}


@dataclass
class Element:
    """A start tag, where it stands and what text it has inside."""

    tag: str
    attributes: dict[str, str]
    ancestors: tuple[str, ...]
    text: str = ""


@dataclass
class Page:
    """What was read."""

    elements: list[Element] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        wanted = {key.rstrip("_"): value for key, value in attributes.items()}
        return [
            each
            for each in self.elements
            if each.tag == tag and all(_has(each, key, value) for key, value in wanted.items())
        ]

    def attribute(self, name: str) -> list[str]:
        return [each.attributes[name] for each in self.elements if name in each.attributes]

    def by_id(self, anchor: str) -> Element:
        return next(each for each in self.elements if each.attributes.get("id") == anchor)


def _has(element: Element, key: str, value: str) -> bool:
    found = element.attributes.get(key, "")
    return value in found.split() if key == "class" else found == value


def read_page(text: str) -> Page:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.page.complaints += [f"<{each.tag}> is never closed" for each in reader.open]
    ids = reader.page.attribute("id")
    reader.page.complaints += [f"id {each} twice" for each in set(ids) if ids.count(each) > 1]
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self._complain(f"<{tag}> has an attribute twice")
        parent = self.open[-1].tag if self.open else ""
        if parent == "p" and tag in _BLOCK:
            self._complain(f"<{tag}> ends a <p>")
        if tag == "a" and any(each.tag == "a" for each in self.open):
            self._complain("a link in a link")
        if tag in _PARENTS and parent not in _PARENTS[tag]:
            self._complain(f"<{tag}> in <{parent}>")
        ancestors = tuple(each.tag for each in self.open)
        element = Element(tag, {name: value or "" for name, value in attrs}, ancestors)
        self.page.elements.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not any(each.tag == "svg" for each in self.open):
            self._complain(f"<{tag}/> outside of SVG")
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].tag != tag:
            self._complain(f"</{tag}> closes <{self.open[-1].tag if self.open else ''}>")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for each in self.open:
            each.text += data

    def _complain(self, what: str) -> None:
        self.page.complaints.append(f"line {self.getpos()[0]}: {what}")
