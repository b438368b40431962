"""The tables of libraries and packages, in the order of the diagnosis.

In: a diagnosis. Out: markup that is complete without a script. The script adds sorting and the
filter; the filter's controls are hidden without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.report.page.markup import EMPTY, Html, code, element, joined, lines
from cxxrt_toolchain.report.page.names import origin_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cxxrt_toolchain.facts.libraries import Library, Package
    from cxxrt_toolchain.report.diagnosis import Diagnosis
    from cxxrt_toolchain.report.page.names import Names


def libraries_section(diagnosis: Diagnosis, names: Names) -> Html:
    """The table of libraries with its filter."""
    if not diagnosis.libraries:
        return EMPTY
    ordered = any(library.order is not None for library in diagnosis.libraries)
    place = (("#", "number", "Place in the load order"),) if ordered else ()
    table = _table(
        "libraries-table",
        (
            *place,
            ("Library", "", ""),
            ("Runtime", "", "The runtime that it is or contains"),
            ("Package", "", ""),
            ("Origin", "", ""),
            ("Path", "", ""),
        ),
        (_library(library, names, ordered=ordered) for library in diagnosis.libraries),
        "Libraries",
    )
    return element(
        "section",
        element("h2", "Libraries", id="h-libraries"),
        _filter(len(diagnosis.libraries)),
        table,
        id="libraries",
        aria_labelledby="h-libraries",
    )


def packages_section(diagnosis: Diagnosis, names: Names) -> Html:
    """The table of packages with native code."""
    if not diagnosis.packages:
        return EMPTY
    table = _table(
        "packages-table",
        (("Package", "", ""), ("Version", "", ""), ("Objects", "number", ""), ("Folder", "", "")),
        (_package(package, names) for package in diagnosis.packages),
        "Packages",
    )
    return element(
        "section",
        element("h2", "Packages with native code", id="h-packages"),
        table,
        id="packages",
        aria_labelledby="h-packages",
    )


def _filter(count: int) -> Html:
    return element(
        "div",
        element("label", "Filter", for_="filter"),
        element(
            "input",
            id="filter",
            type="search",
            placeholder="name, package, path",
            autocomplete="off",
            spellcheck="false",
        ),
        element(
            "label",
            element("input", id="runtimes-only", type="checkbox"),
            " runtimes only",
            class_="check",
        ),
        element("output", f"{count} of {count}", id="matches", for_="filter runtimes-only"),
        class_="filter",
        hidden=True,
    )


def _table(
    anchor: str, heads: Sequence[tuple[str, str, str]], rows: Iterable[Html], label: str
) -> Html:
    cells = [
        element("th", text, scope="col", class_=kind or None, title=hint or None)
        for text, kind, hint in heads
    ]
    table = element(
        "table",
        element("thead", element("tr", *cells)),
        element("tbody", Html("\n"), lines(rows)),
        id=anchor,
    )
    return element(
        "div", table, class_="scroll", role="region", aria_label=f"Table: {label}", tabindex=0
    )


def _library(library: Library, names: Names, *, ordered: bool) -> Html:
    place = names.place(library.path)
    row = names.library_row(library.path)
    shown = place if place and place != f"#{row}" else None
    name = code(library.soname)
    gone = element("span", " deleted", class_="deleted") if library.deleted else EMPTY
    package = library.package or ""
    package_row = names.package_row(package)
    number = str(library.order + 1) if library.order is not None else ""
    return element(
        "tr",
        element("td", number, class_="number") if ordered else EMPTY,
        element("th", element("a", name, href=shown) if shown else name, gone, scope="row"),
        element("td", _runtime(library)),
        element("td", element("a", package, href=f"#{package_row}") if package_row else package),
        element("td", origin_word(library)),
        element("td", code(library.path), class_="path"),
        id=row,
        class_="runtime" if library.family or library.static else None,
    )


def _runtime(library: Library) -> Html:
    words: list[str | Html] = []
    if library.family:
        words.append(element("strong", library.family.value))
        words.append(f" {library.version}" if library.version else "")
    if library.static:
        inside = ", ".join(family.value for family in library.static)
        words.append(f"{', ' if words else ''}static {inside}")
    return joined(words)


def _package(package: Package, names: Names) -> Html:
    row = names.package_row(package.name)
    place = names.place(package.name)
    name = element("bdi", package.name)
    return element(
        "tr",
        element("th", element("a", name, href=place) if place != f"#{row}" else name, scope="row"),
        element("td", package.version),
        element("td", str(package.objects), class_="number"),
        element("td", code(package.location), class_="path"),
        id=row,
    )
