"""The imports in order: the outcome of each, what it loaded, and the last object before a crash.

In: the steps of a diagnosis. Out: markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.imports import Outcome
from cxxrt_toolchain.report.page.findings import icon
from cxxrt_toolchain.report.page.markup import EMPTY, Html, code, element, joined, lines
from cxxrt_toolchain.report.page.names import whence
from cxxrt_toolchain.wording import counted

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.imports import Step
    from cxxrt_toolchain.report.diagnosis import Diagnosis
    from cxxrt_toolchain.report.page.names import Names

_WORDS = {
    Outcome.IMPORTED: ("imported", "healthy"),
    Outcome.EXCEPTION: ("raised an exception", "error"),
    Outcome.CRASHED: ("crashed the process", "error"),
    Outcome.TIMED_OUT: ("did not end", "error"),
    Outcome.NOT_REACHED: ("not reached", "skipped"),
}


def steps_section(diagnosis: Diagnosis, names: Names) -> Html:
    """The list of imports; empty if nothing was imported."""
    if not diagnosis.steps:
        return EMPTY
    items = lines(_step(step, names) for step in diagnosis.steps)
    return element(
        "section",
        element("h2", "Imports", id="h-imports"),
        element("p", "In this order, in one child process.", class_="quiet"),
        element("ol", Html("\n"), items, class_="steps"),
        id="imports",
        aria_labelledby="h-imports",
    )


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
    return element(
        "li",
        head,
        detail,
        _last(step, names),
        _brought(step, names),
        class_=f"step {step.outcome.value}",
    )


def _last(step: Step, names: Names) -> Html:
    if not step.last_object or step.outcome not in {Outcome.CRASHED, Outcome.TIMED_OUT}:
        return EMPTY
    words = "Last object that was loaded or initialized: "
    return element("p", words, _library(step.last_object, names), class_="last")


def _brought(step: Step, names: Names) -> Html:
    """The runtimes that the import loaded, and the folded list of all loaded objects."""
    if not step.loaded:
        return EMPTY
    runtimes = [path for path in step.loaded if path in names.libraries]
    runtimes = [path for path in runtimes if names.libraries[path].family]
    first = (
        element(
            "p",
            "Loaded ",
            joined((_library(path, names) for path in runtimes), ", "),
            class_="runtimes",
        )
        if runtimes
        else EMPTY
    )
    items = [_item(path, names) for path in step.loaded]
    folded = element(
        "details",
        element("summary", f"{counted(len(step.loaded), 'object')} in load order"),
        element("ol", *items),
    )
    return joined([first, folded])


def _item(path: str, names: Names) -> Html:
    library = names.libraries.get(path)
    number = library.order + 1 if library and library.order is not None else None
    return element("li", _library(path, names), value=number)


def _library(path: str, names: Names) -> Html:
    row = names.library_row(path)
    if row is None:
        return code(path)
    library = names.libraries[path]
    owner = f" of {library.package or whence(library)}"
    return joined([element("a", code(library.soname), href=f"#{row}"), owner])
