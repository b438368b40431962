"""The tables of libraries and packages and the list of imports, in the order of the diagnosis.

They are complete without a script. The script adds sorting and the filter; without it, the filter's
controls are hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.imports.run import Outcome, Step
from cxxrt_toolchain.report.page.findings import icon
from cxxrt_toolchain.report.page.markup import (
    EMPTY,
    Html,
    code,
    details,
    element,
    joined,
    lines,
    section,
)
from cxxrt_toolchain.report.page.nodes import Names, origin_word, whence
from cxxrt_toolchain.wording import counted

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.libraries import Library, Package
    from cxxrt_toolchain.report.diagnosis import Diagnosis


_WORDS = {
    Outcome.IMPORTED: ("imported", "healthy"),
    Outcome.EXCEPTION: ("raised an exception", "error"),
    Outcome.CRASHED: ("crashed the process", "error"),
    Outcome.TIMED_OUT: ("did not end", "error"),
    Outcome.NOT_REACHED: ("not reached", "skipped"),
}


def libraries_section(diagnosis: Diagnosis, names: Names) -> Html:
    """The table of libraries with its filter."""
    if not diagnosis.libraries:
        return EMPTY
    ordered = any(library.order is not None for library in diagnosis.libraries)
    place = (("#", "number", "Place in the load order"),) if ordered else ()
    runtime = ("Runtime", "", "The runtime that it is or contains")
    others = (("Package", "", ""), ("Origin", "", ""), ("Path", "", ""))
    heads = (*place, ("Library", "", ""), runtime, *others)
    rows = (_library(library, names, ordered=ordered) for library in diagnosis.libraries)
    table = _table("libraries-table", heads, rows, "Libraries")
    return section("libraries", "Libraries", _filter(len(diagnosis.libraries)), table)


def packages_section(diagnosis: Diagnosis, names: Names) -> Html:
    """The table of packages with native code."""
    if not diagnosis.packages:
        return EMPTY
    heads = (
        ("Package", "", ""),
        ("Version", "", ""),
        ("Objects", "number", ""),
        ("Folder", "", ""),
    )
    rows = (_package(package, names) for package in diagnosis.packages)
    table = _table("packages-table", heads, rows, "Packages")
    return section("packages", "Packages with native code", table)


def _filter(count: int) -> Html:
    box = {"type": "search", "placeholder": "name, package, path", "autocomplete": "off"}
    only = element("input", id="runtimes-only", type="checkbox")
    parts = (
        element("label", "Filter", for_="filter"),
        element("input", id="filter", **box, spellcheck="false"),
        element("label", only, " runtimes only", class_="check"),
        element("output", f"{count} of {count}", id="matches", for_="filter runtimes-only"),
    )
    return element("div", *parts, class_="filter", hidden=True)


def _table(
    anchor: str, heads: Sequence[tuple[str, str, str]], rows: Iterable[Html], label: str
) -> Html:
    cells = [
        element("th", text, scope="col", class_=kind or None, title=hint or None)
        for text, kind, hint in heads
    ]
    head, body = element("tr", *cells), element("tbody", Html("\n"), lines(rows))
    table, said = element("table", element("thead", head), body, id=anchor), f"Table: {label}"
    return element("div", table, class_="scroll", role="region", aria_label=said, tabindex=0)


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


def steps_section(diagnosis: Diagnosis, names: Names) -> Html:
    """The list of imports; empty if nothing was imported."""
    if not diagnosis.steps:
        return EMPTY
    items = lines(_step(step, names) for step in diagnosis.steps)
    said = element("p", "In this order, in one child process.", class_="quiet")
    return section("imports", "Imports", said, element("ol", Html("\n"), items, class_="steps"))


def _step(step: Step, names: Names) -> Html:
    word, mark = _WORDS[step.outcome]
    took = "" if step.outcome is Outcome.NOT_REACHED else f"{step.seconds:.2f} s"
    head = element(
        "p",
        icon(mark),
        " ",
        element("strong", code(f"import {step.module}")),
        f" {word}",
        element("span", took, class_="took") if took else EMPTY,
        class_="what",
    )
    detail = element("p", code(step.detail), class_="detail") if step.detail else EMPTY
    parts = (head, detail, _last(step, names), _brought(step, names))
    return element("li", *parts, class_=f"step {step.outcome.value}")


def _last(step: Step, names: Names) -> Html:
    if not step.last_object or step.outcome not in {Outcome.CRASHED, Outcome.TIMED_OUT}:
        return EMPTY
    words = "Last object that was loaded or initialized: "
    return element("p", words, _linked(step.last_object, names), class_="last")


def _brought(step: Step, names: Names) -> Html:
    """The runtimes that the import loaded, and the folded list of all loaded objects."""
    if not step.loaded:
        return EMPTY
    known = [path for path in step.loaded if path in names.libraries]
    runtimes = [_linked(path, names) for path in known if names.libraries[path].family]
    first = (
        element("p", "Loaded ", joined(runtimes, ", "), class_="runtimes") if runtimes else EMPTY
    )
    items = element("ol", *(_item(path, names) for path in step.loaded))
    return joined([first, details(f"{counted(len(step.loaded), 'object')} in load order", items)])


def _item(path: str, names: Names) -> Html:
    library = names.libraries.get(path)
    number = library.order + 1 if library and library.order is not None else None
    return element("li", _linked(path, names), value=number)


def _linked(path: str, names: Names) -> Html:
    row = names.library_row(path)
    if row is None:
        return code(path)
    library = names.libraries[path]
    owner = f" of {library.package or whence(library)}"
    return joined([element("a", code(library.soname), href=f"#{row}"), owner])
