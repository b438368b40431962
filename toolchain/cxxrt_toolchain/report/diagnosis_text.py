"""A diagnosis as text for people: findings, worst first, with evidence; then the runtimes.

On a terminal, tables fit its width; in a pipe every cell is one line for grep. C++ names are
demangled, and control characters in names are escaped.
"""

from collections.abc import Sequence
from typing import TextIO

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.imports.run import Outcome, Step
from cxxrt_toolchain.facts.libraries import Library, Origin
from cxxrt_toolchain.report.demangle import readable
from cxxrt_toolchain.report.diagnosis import Diagnosis, Relation, Subject
from cxxrt_toolchain.report.terminal import Page, Text
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.wording import counted, listed

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_OUTCOMES = {Outcome.IMPORTED: "green", Outcome.NOT_REACHED: "dim"}
"""Styles; of all other outcomes ``bold red``."""
_QUIET = frozenset({RuntimeFamily.LIBQUADMATH, RuntimeFamily.LIBATOMIC})
"""Shown only if a finding names them: they have no state, so that copies do no harm."""
_PLACES = {Origin.SYSTEM: "the system", Origin.CONDA: "conda", Origin.INTERPRETER: "Python"}
_NAMES = 3
"""Names of packages in a cell; the rest are counted."""


def show_diagnosis(diagnosis: Diagnosis, stream: TextIO | None = None) -> None:
    """Write a diagnosis to a stream, by default to standard output."""
    page = Page(stream)
    _show_head(page, diagnosis)
    if diagnosis.steps:
        page.line()
        page.table(_steps(diagnosis.steps))
    for found in diagnosis.findings:
        page.line()
        page.table(_finding(found), gap=1)
    evidence = {path for found in diagnosis.findings for path in found.libraries}
    shown = (
        each for each in diagnosis.libraries if each.family not in _QUIET or each.path in evidence
    )
    if libraries := [each for each in shown if each.static or each.family]:
        page.line()
        page.table(_libraries(diagnosis, libraries))
    if diagnosis.findings:
        page.line()
        page.line((f"See also: cxxrt explain {diagnosis.findings[0].rule}", "dim"))


def _show_head(page: Page, diagnosis: Diagnosis) -> None:
    says, style = ("healthy", "bold green") if diagnosis.healthy else ("not healthy", "bold red")
    severities = [found.severity for found in diagnosis.findings if not found.ignored]
    counts = [
        counted(severities.count(each), each.value) for each in Severity if each in severities
    ]
    if ignored := len(diagnosis.findings) - len(severities):
        counts.append(f"{ignored} ignored")
    where = f"Python {diagnosis.python}, " if diagnosis.python else ""
    size = f"{counted(len(diagnosis.packages), 'package')} with native code"
    if diagnosis.subject is Subject.ENVIRONMENT:
        size += f", {counted(sum(each.objects for each in diagnosis.packages), 'object')}"
    else:
        size += f", {counted(len(diagnosis.libraries), 'file')} loaded"
    suffix = f" ({', '.join(counts)})" if counts else ""
    page.line((diagnosis.title, "bold"), (": ", ""), (says, style), (suffix, ""))
    page.line((f"{where}glibc {diagnosis.glibc or 'none'}; {size}", "dim"))
    for name, value in diagnosis.variables:
        page.line((f"{name}={value}", "dim"))


def _finding(found: Finding) -> list[list[Text]]:
    word = "ignored" if found.ignored else found.severity.value
    title = ((f"{found.rule}  ", "bold"), (readable(found.message), ""))
    rows: list[list[Text]] = [[((f"{word:<8}", _STYLES[found.weight]),), title]]
    if unnamed := [name for name in found.culprits if name not in found.message]:
        rows.append([(), (("at fault ", "dim"), (listed(unnamed, 9), ""))])
    if found.victims:
        rows.append([(), (("affects ", "dim"), (listed(found.victims, 9), ""))])
    rows += [[(), ((readable(line), "dim"),)] for line in found.evidence]
    for number, line in enumerate(found.remedies):
        rows.append([(), (("or: " if number else "do: ", "green"), (line, ""))])
    return rows


def _libraries(diagnosis: Diagnosis, libraries: Sequence[Library]) -> list[list[Text]]:
    rows = [_header("runtime", "newest version", "from", "used by")]
    users: dict[str, list[str]] = {}
    for edge in diagnosis.edges:
        if edge.relation is Relation.NEEDS and edge.source.startswith("package:"):
            users.setdefault(edge.target, []).append(edge.source.partition(":")[2])
    for each in libraries:
        version = each.version
        if each.static:
            version = "contains " + ", ".join(family.value for family in each.static)
        place = (_place(each), "yellow" if each.origin is Origin.WHEEL else "")
        used = listed(users.get(each.path, ()), _NAMES + 1)
        rows.append([((each.soname, ""),), ((version, ""),), (place,), ((used, ""),)])
    return rows


def _header(*words: str) -> list[Text]:
    return [((word, "dim"),) for word in words]


def _place(library: Library) -> str:
    gone = " (deleted)" if library.deleted else ""
    return f"{library.package or _PLACES.get(library.origin, library.path)}{gone}"


def _steps(steps: Sequence[Step]) -> list[list[Text]]:
    rows = [_header("import", "outcome", "objects", "last loaded")]
    for step in steps:
        outcome = f"{step.outcome.value} {step.detail}".rstrip()
        style = _OUTCOMES.get(step.outcome, "bold red")
        last = step.last_object if step.outcome is not Outcome.IMPORTED else ""
        cells = (step.module, "bold"), (outcome, style), (str(len(step.loaded)), ""), (last, "")
        rows.append([(cell,) for cell in cells])
    return rows
