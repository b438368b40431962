"""``cxxrt doctor --html FILE``: a `Diagnosis` as one self-contained page.

On one machine, the same diagnosis gives the same bytes. The page loads nothing: its policy allows
only its own style and script, by their hashes. It is complete without the script.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.report.diagnosis import Subject
from cxxrt_toolchain.report.page.findings import findings_section, summary, verdict
from cxxrt_toolchain.report.page.graph import draw_graph
from cxxrt_toolchain.report.page.markup import EMPTY, Html, code, details, element, lines, section
from cxxrt_toolchain.report.page.nodes import Names, node_texts
from cxxrt_toolchain.report.page.svg import graph_svg, legend
from cxxrt_toolchain.report.page.tables import libraries_section, packages_section, steps_section
from cxxrt_toolchain.temporary import whole_file
from cxxrt_toolchain.wording import counted

if TYPE_CHECKING:
    from pathlib import Path

    from cxxrt_toolchain.report.diagnosis import Diagnosis
    from cxxrt_toolchain.report.page.graph import Graph

_SUBJECTS = {
    Subject.ENVIRONMENT: "Environment",
    Subject.IMPORTS: "Imports in a child process",
    Subject.PROCESS: "Running process",
}
_HINT = "Point at a box, or move to it with the Tab or arrow keys; Enter moves here."
_SEEN = {Subject.ENVIRONMENT: "shown", Subject.IMPORTS: "loaded", Subject.PROCESS: "mapped"}


def write_page(diagnosis: Diagnosis, path: Path) -> None:
    """Write the page and replace a file of that name; `InputError` where that is not possible."""
    content = page_text(diagnosis).encode()
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is not a folder.", "Create it first.")
    if path.is_dir():
        raise InputError(f"{path} is a folder.", "Name the file that the page is written to.")
    try:
        with whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def page_text(diagnosis: Diagnosis) -> str:
    """The HTML document."""
    graph = draw_graph(diagnosis)
    names = Names(diagnosis, graph)
    style, script = _resource("page.css"), _resource("page.js")
    policy = _policy(style, script)
    head = (
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content="cxxrt doctor"),
        element("title", f"{verdict(diagnosis, names)} · {diagnosis.title}"),
        element("style", Html(style)),
    )
    body = _body(diagnosis, graph, names, script)
    parts = [element("head", Html("\n"), lines(head)), element("body", Html("\n"), lines(body))]
    page = element("html", Html("\n"), lines(parts), lang="en")
    return f"<!DOCTYPE html>\n{page.text}\n"


def _policy(style: str, script: str) -> str:
    """A content security policy without network, frames or foreign scripts."""
    ours = f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    return f"default-src 'none'; {ours}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _resource(name: str) -> str:
    return (files("cxxrt_toolchain.report.page") / name).read_text(encoding="utf-8")


def _body(diagnosis: Diagnosis, graph: Graph, names: Names, script: str) -> list[Html]:
    main = [
        _header(diagnosis, names),
        findings_section(diagnosis, names),
        _graph_section(graph, names),
        steps_section(diagnosis, names),
        packages_section(diagnosis, names),
        libraries_section(diagnosis, names),
    ]
    return [
        Html(_resource("page.svg")),
        element("a", "Skip to the findings", href="#findings", class_="skip"),
        _bar(diagnosis, graph),
        element("main", Html("\n"), lines(main), id="main"),
        element("script", Html(script)),
    ]


def _bar(diagnosis: Diagnosis, graph: Graph) -> Html:
    """The tool's name, links to the sections, and the switch of the theme."""
    links = []
    for anchor, name, content in (
        ("findings", "Findings", diagnosis.findings),
        ("graph-section", "Graph", graph.nodes),
        ("imports", "Imports", diagnosis.steps),
        ("packages", "Packages", diagnosis.packages),
        ("libraries", "Libraries", diagnosis.libraries),
    ):
        if content or name == "Findings":
            counts = content and name != "Graph"
            count = element("span", f" {len(content)}", class_="count") if counts else EMPTY
            links.append(element("li", element("a", name, href=f"#{anchor}"), count))
    return element(
        "header",
        element("p", "cxxrt doctor", class_="brand"),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("button", "Dark", id="theme", type="button", hidden=True),
        class_="bar",
    )


def _header(diagnosis: Diagnosis, names: Names) -> Html:
    """The subject, the verdict and the facts of the interpreter."""
    facts: list[tuple[str, str | Html]] = [
        ("Python", diagnosis.python),
        ("Interpreter", code(diagnosis.executable) if diagnosis.executable else ""),
        ("glibc", diagnosis.glibc),
        ("Packages", f"{len(diagnosis.packages)} with native code"),
        ("Libraries", f"{len(diagnosis.libraries)} {_SEEN[diagnosis.subject]}"),
        *((name, code(value)) for name, value in diagnosis.variables),
    ]
    rows = [
        element("div", element("dt", name), element("dd", text)) for name, text in facts if text
    ]
    return element(
        "div",
        element("p", _SUBJECTS[diagnosis.subject], class_="subject"),
        element("h1", diagnosis.title),
        summary(diagnosis, names),
        element("dl", *rows, class_="facts"),
        class_="head",
    )


def _graph_section(graph: Graph, names: Names) -> Html:
    """The drawing, its legend, and the graph as text."""
    if not graph.nodes:
        return EMPTY
    drawing = element(
        "div", graph_svg(graph, names), class_="scroll drawing", role="region",
        aria_label="Drawing of the graph", tabindex=0,
    )  # fmt: skip
    panel = element(
        "aside",
        element("p", _HINT, class_="quiet"),
        id="panel",
        tabindex=-1,
        aria_live="polite",
        aria_label="The chosen box",
        hidden=True,
    )
    return section(
        "graph-section",
        "Who uses which copy",
        _left_out(graph),
        element("a", "Skip the drawing", href="#graph-text", class_="skip inner"),
        legend(graph),
        element("div", drawing, panel, class_="with-panel"),
        details("The graph as text", node_texts(graph, names), id="graph-text", open=True),
    )


def _left_out(graph: Graph) -> Html:
    idle = counted(len(graph.idle), "package")
    said = [f"{idle} without any of these runtimes"] if graph.idle else []
    copies = Counter(lib.family.value for lib in graph.unshown if lib.family)
    said += [f"{name} ({counted(n, 'copy', 'copies')})" for name, n in sorted(copies.items())]
    return element("p", f"Not drawn: {'; '.join(said)}.", class_="quiet") if said else EMPTY
