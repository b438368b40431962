"""HTML from names and texts: strings are escaped, only `Html` is markup.

Control characters, bidirectional overrides and bytes that are not UTF-8 are shown as escapes, so
that a name neither hides itself nor reorders the text beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from cxxrt_toolchain.wording import printable

_VOID = frozenset({"meta", "input", "br", "col"})


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that is not escaped again; made by `element` and `joined` only."""

    text: str


EMPTY = Html("")


def visible(text: str) -> str:
    """The text with everything that does not print shown as an escape.

    Line feeds stay: where they matter, the style sheet keeps them, elsewhere they are spaces.
    """
    return printable(text, keep="\n")


def element(tag: str, /, *children: str | Html, **attributes: str | float | bool | None) -> Html:
    """One element; strings among its children are escaped.

    The attribute ``class_`` is ``class``, and ``aria_label`` is ``aria-label``. True writes the
    bare name; None and False leave it out.
    """
    words = [tag]
    for key, value in attributes.items():
        attribute = key.rstrip("_").replace("_", "-")
        if value is True:
            words.append(attribute)
        elif value is not None and value is not False:
            words.append(f'{attribute}="{escape(visible(_number(value)))}"')
    opening = f"<{' '.join(words)}>"
    if tag in _VOID:
        return Html(opening)
    return Html(f"{opening}{joined(children).text}</{tag}>")


def section(anchor: str, title: str, *parts: Html) -> Html:
    """A section of the page with its heading."""
    heading = element("h2", title, id=f"h-{anchor}")
    return element("section", heading, *parts, id=anchor, aria_labelledby=f"h-{anchor}")


def details(summary: str, *parts: Html, **attributes: str | float | bool | None) -> Html:
    """What is folded behind a line of text."""
    return element("details", element("summary", summary), *parts, **attributes)


def joined(parts: Iterable[str | Html], separator: str = "") -> Html:
    """The parts with a separator between them."""
    texts = (part.text if isinstance(part, Html) else _text(part) for part in parts)
    return Html(_text(separator).join(texts))


def lines(parts: Iterable[Html]) -> Html:
    """Block elements, one on each line of the source."""
    return Html("".join(f"{part.text}\n" for part in parts if part.text))


def code(text: str) -> Html:
    """A name, path or symbol, with its direction of writing isolated from the text around it."""
    return element("code", text)


def _text(text: str) -> str:
    return escape(visible(text), quote=False)


def _number(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return str(value)
