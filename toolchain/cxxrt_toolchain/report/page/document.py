"""``cxxrt doctor --html FILE``: a `Diagnosis` as one self-contained page.

On one machine, the same diagnosis gives the same bytes. The page loads nothing: its policy allows
only its own style and script, by their hashes. It is complete without the script.
"""

from collections import Counter
from pathlib import Path

from cxxrt_toolchain.report.diagnosis import Diagnosis, Subject
from cxxrt_toolchain.report.page.findings import findings_section, summary, verdict
from cxxrt_toolchain.report.page.graph import Graph, draw_graph
from cxxrt_toolchain.report.page.markup import EMPTY, Html, code, details, element, lines, section
from cxxrt_toolchain.report.page.nodes import Names, node_texts
from cxxrt_toolchain.report.page.shell import bar, html_document, resource, write_html
from cxxrt_toolchain.report.page.svg import graph_svg, legend
from cxxrt_toolchain.report.page.tables import libraries_section, packages_section, steps_section
from cxxrt_toolchain.wording import counted

_SUBJECTS = {
    Subject.ENVIRONMENT: "Environment",
    Subject.IMPORTS: "Imports in a child process",
    Subject.PROCESS: "Running process",
}
_HINT = "Point at a box, or move to it with the Tab or arrow keys; Enter moves here."
_SEEN = {Subject.ENVIRONMENT: "shown", Subject.IMPORTS: "loaded", Subject.PROCESS: "mapped"}


def write_page(diagnosis: Diagnosis, path: Path) -> None:
    """Write the page and replace a file of that name; `InputError` where that is not possible."""
    write_html(page_text(diagnosis), path)


def page_text(diagnosis: Diagnosis) -> str:
    """The HTML document."""
    graph = draw_graph(diagnosis)
    names = Names(diagnosis, graph)
    title = f"{verdict(diagnosis, names)} \N{MIDDLE DOT} {diagnosis.title}"
    return html_document(title, "cxxrt doctor", _body(diagnosis, graph, names))


def _body(diagnosis: Diagnosis, graph: Graph, names: Names) -> list[Html]:
    main = [
        _header(diagnosis, names),
        findings_section(diagnosis, names),
        _graph_section(graph, names),
        steps_section(diagnosis, names),
        packages_section(diagnosis, names),
        libraries_section(diagnosis, names),
    ]
    return [
        Html(resource("page.svg")),
        element("a", "Skip to the findings", href="#findings", class_="skip"),
        _bar(diagnosis, graph),
        element("main", Html("\n"), lines(main), id="main"),
    ]


def _bar(diagnosis: Diagnosis, graph: Graph) -> Html:
    """Links to the sections that are there."""
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
    return bar("cxxrt doctor", links)


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
