"""A diagnosis as text for people: findings, worst first, with evidence; then the runtimes.

On a terminal, tables fit its width; in a pipe every cell is one line for grep. C++ names are
demangled, and control characters in names are escaped.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.imports.run import Outcome
from cxxrt_toolchain.facts.libraries import Origin
from cxxrt_toolchain.report.demangle import readable
from cxxrt_toolchain.report.diagnosis import Relation, Subject
from cxxrt_toolchain.rules.rule import Severity
from cxxrt_toolchain.wording import counted, listed, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from cxxrt_toolchain.facts.imports.run import Step
    from cxxrt_toolchain.facts.libraries import Library
    from cxxrt_toolchain.report.diagnosis import Diagnosis
    from cxxrt_toolchain.rules.rule import Finding

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_OUTCOMES = {Outcome.IMPORTED: "green", Outcome.NOT_REACHED: "dim"}
"""Styles; of all other outcomes ``bold red``."""
_QUIET = frozenset({RuntimeFamily.LIBQUADMATH, RuntimeFamily.LIBATOMIC})
"""Shown only if a finding names them: they have no state, so that copies do no harm."""
_PLACES = {Origin.SYSTEM: "the system", Origin.CONDA: "conda", Origin.INTERPRETER: "Python"}
_UNLIMITED = 100_000
_NAMES = 3
"""Names of packages in a cell; the rest are counted."""


def show_diagnosis(diagnosis: Diagnosis, stream: TextIO | None = None) -> None:
    """Write a diagnosis to a stream, by default to standard output."""
    target = stream or sys.stdout
    fitted = target.isatty()
    console = Console(
        file=target if fitted else io.StringIO(),
        width=None if fitted else _UNLIMITED,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in _parts(diagnosis):
        console.print(part)
    if isinstance(console.file, io.StringIO):  # the cells of a table end with blanks
        lines = console.file.getvalue().splitlines()
        target.writelines(f"{line.rstrip()}\n" for line in lines)


def _parts(diagnosis: Diagnosis) -> Iterator[Text | Table]:
    yield _head(diagnosis)
    if diagnosis.steps:
        yield Text()
        yield _steps(diagnosis.steps)
    for found in diagnosis.findings:
        yield Text()
        yield _finding(found)
    evidence = {path for found in diagnosis.findings for path in found.libraries}
    shown = (
        each for each in diagnosis.libraries if each.family not in _QUIET or each.path in evidence
    )
    if libraries := [each for each in shown if each.static or each.family]:
        yield Text()
        yield _libraries(diagnosis, libraries)
    if diagnosis.findings:
        yield _text((f"\nSee also: cxxrt explain {diagnosis.findings[0].rule}", "dim"))


def _head(diagnosis: Diagnosis) -> Text:
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
    head = _text((diagnosis.title, "bold"), (": ", ""), (says, style))
    if counts:
        head.append(f" ({', '.join(counts)})")
    head.append(f"\n{where}glibc {diagnosis.glibc or 'none'}; {size}", "dim")
    for name, value in diagnosis.variables:
        head.append_text(_text((f"\n{name}={value}", "dim")))
    return head


def _finding(found: Finding) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=8, no_wrap=True)
    grid.add_column(overflow="fold")
    word = "ignored" if found.ignored else found.severity.value
    title = _text((f"{found.rule}  ", "bold"), (readable(found.message), ""))
    grid.add_row(_text((word, _STYLES[found.weight])), title)
    if unnamed := [name for name in found.culprits if name not in found.message]:
        grid.add_row("", _text(("at fault ", "dim"), (listed(unnamed, 9), "")))
    if found.victims:
        grid.add_row("", _text(("affects ", "dim"), (listed(found.victims, 9), "")))
    for line in found.evidence:
        grid.add_row("", _text((readable(line), "dim")))
    for number, line in enumerate(found.remedies):
        grid.add_row("", _text(("or: " if number else "do: ", "green"), (line, "")))
    return grid


def _libraries(diagnosis: Diagnosis, libraries: Sequence[Library]) -> Table:
    table = _table("runtime", "newest version", "from", "used by")
    users: dict[str, list[str]] = {}
    for edge in diagnosis.edges:
        if edge.relation is Relation.NEEDS and edge.source.startswith("package:"):
            users.setdefault(edge.target, []).append(edge.source.partition(":")[2])
    for each in libraries:
        version = each.version
        if each.static:
            version = "contains " + ", ".join(family.value for family in each.static)
        table.add_row(
            _text((each.soname, "")),
            _text((version, "")),
            _text((_place(each), "yellow" if each.origin is Origin.WHEEL else "")),
            _text((listed(users.get(each.path, ()), _NAMES + 1), "")),
        )
    return table


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _place(library: Library) -> str:
    gone = " (deleted)" if library.deleted else ""
    return f"{library.package or _PLACES.get(library.origin, library.path)}{gone}"


def _steps(steps: Sequence[Step]) -> Table:
    table = _table("import", "outcome", "objects", "last loaded")
    for step in steps:
        outcome = f"{step.outcome.value} {step.detail}".rstrip()
        failed = step.outcome is not Outcome.IMPORTED
        table.add_row(
            _text((step.module, "bold")),
            _text((outcome, _OUTCOMES.get(step.outcome, "bold red"))),
            str(len(step.loaded)),
            _text((step.last_object if failed else "", "")),
        )
    return table


def _text(*parts: tuple[str, str]) -> Text:
    return Text.assemble(*((printable(text, keep="\n"), style) for text, style in parts))
