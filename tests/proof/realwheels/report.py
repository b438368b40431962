"""The results as Markdown tables, between markers of a file that people write around.

In: the catalogue and the results. Out: the file, with everything between the markers replaced.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from realwheels.cases import Cure, Mechanism
from realwheels.pins import ProofError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from realwheels.cases import Catalogue
    from realwheels.prove import CaseResult, WayResult
    from realwheels.results import Results

_BLOCK = "<!-- {name} -->\n{text}\n<!-- end {name} -->"
_COLUMNS = {
    "historical": (Cure.RUNTIME, Cure.PRELOAD, Cure.ORDER, Cure.LOCAL, Cure.DEEPBIND, Cure.REPAIR),
    "present": (Cure.RUNTIME, Cure.PRELOAD, Cure.ORDER, Cure.DEEPBIND, Cure.REPAIR),
    "components": (Cure.RUNTIME, Cure.ORDER),
    "reported": (Cure.RUNTIME, Cure.ORDER),
}


def write_report(path: Path, catalogue: Catalogue, results: Results) -> None:
    """Replace the generated blocks of a file.

    Raises:
        ProofError: The file lacks the markers of a block.
    """
    text = path.read_text(encoding="utf-8")
    for name, block in render(catalogue, results).items():
        pattern = re.compile(rf"<!-- {name} -->\n.*?<!-- end {name} -->", re.DOTALL)
        if not pattern.search(text):
            raise ProofError(f"{path.name} has no block {name!r}.")
        new = _BLOCK.format(name=name, text=block)
        text = pattern.sub(lambda _, new=new: new, text)  # type: ignore[misc]  # bound at once
    path.write_text(text, encoding="utf-8")


def render(catalogue: Catalogue, results: Results) -> dict[str, str]:
    """The blocks by name."""
    found = [(case, results.get(case)) for case in catalogue.cases]
    done = [result for _, result in found if result is not None]
    blocks = {
        family: _family(family, [each for each in done if each.case.family == family], results)
        for family in _COLUMNS
    }
    blocks["crash sites"] = _frames(done)
    blocks["healthy"] = _healthy([each for each in done if each.case.family == "healthy"], results)
    blocks["summary"] = _summary(catalogue, done, results)
    return blocks


def _family(family: str, rows: Sequence[CaseResult], results: Results) -> str:
    cures = _COLUMNS[family]
    head = ["Python", "in this order", "why", "as it is", *(cure.value for cure in cures)]
    body = []
    for each in rows:
        answer = results.get_answer(each.case)
        body.append([*_row(each, cures), "" if answer is None else answer.short])
    return _table([*head, "doctor names"], body)


def _row(result: CaseResult, cures: Iterable[Cure]) -> list[str]:
    case = result.case
    ways = {way.way: way for way in result.ways}
    as_is = result.ways[0]
    details = sorted({each.detail for each in as_is.outcomes if each.detail})
    quoted = [each.replace("`", "'") for each in details[:1]]
    before = as_is.summary + _copies(as_is) + "".join(f": `{each}`" for each in quoted)
    title = _title(result) + (f" ({case.about})" if case.about else "")
    why = case.mechanism.name if case.mechanism is not Mechanism.NONE else ""
    after = [_cell(ways.get(cure.value)) for cure in cures]
    return [case.environment.python, title, why, _mark(as_is, before), *after]


def _title(result: CaseResult) -> str:
    """Distributions with versions, in the order of the imports."""
    return ", ".join(each.replace("==", " ") for each in result.case.packages)


def _cell(way: WayResult | None) -> str:
    return "" if way is None else _mark(way, way.summary + _copies(way))


def _copies(way: WayResult) -> str:
    """Which runtimes are mapped more than once where all went well."""
    if {each.kind for each in way.outcomes} != {"ok"}:
        return ""
    names = [Path(each).name.rpartition(":")[2] for each in way.outcomes[0].mapped]
    stems = [each.partition(".so")[0].partition("-")[0] for each in names]
    more = [f"{stems.count(stem)} {stem}" for stem in dict.fromkeys(stems) if stems.count(stem) > 1]
    return f" ({', '.join(more)})" if more else ""


def _mark(way: WayResult, text: str) -> str:
    return text if way.as_expected else f"**{text}** (not as recorded)"


def _frames(rows: Sequence[CaseResult]) -> str:
    lines: dict[tuple[str, ...], list[str]] = {}
    for each in rows:
        if each.frames:
            lines.setdefault(_site(each.frames), []).append(_title(each))
    blocks = []
    for frames, titles in lines.items():
        shown = "; ".join(titles[:4]) + (f" and {len(titles) - 4} more" if len(titles) > 4 else "")
        blocks.append(f"{shown}:\n\n" + "\n".join(f"    {frame}" for frame in frames))
    return "\n\n".join(blocks)


def _site(frames: Sequence[str]) -> tuple[str, ...]:
    """Where a crash happened, without the versions in library names and the loader's own frames."""
    plain = [re.sub(r"(\.so)[.\d]*\)", r"\1)", frame) for frame in frames]
    return tuple(frame for frame in plain if "(dl-" not in frame)[:5]


def _healthy(rows: Sequence[CaseResult], results: Results) -> str:
    head = ["Python", "distributions", "runs", "doctor"]
    body = []
    for each in rows:
        answer = results.get_answer(each.case)
        said = "" if answer is None else answer.short
        body.append([each.case.environment.python, _title(each), each.ways[0].summary, said])
    return _table(head, body)


def _summary(catalogue: Catalogue, rows: Sequence[CaseResult], results: Results) -> str:
    host = results.document["host"]
    failing = [each for each in rows if each.case.culprits]
    good = sum(each.as_expected for each in rows)
    where = ", ".join(filter(None, (host.get(key, "") for key in ("libc", "machine", "date"))))
    lines = [f"* {len(rows)} of {len(catalogue.cases)} cases run, {good} as recorded ({where})."]
    for mechanism in Mechanism:
        own = [each for each in failing if each.case.mechanism is mechanism]
        if own:
            lines.append(f"* {mechanism.name}, {mechanism.value}: {_cured(own)}")
    lines += _hit_rate(failing, [each for each in rows if each.case.family == "healthy"], results)
    return "\n".join(lines)


def _cured(rows: Sequence[CaseResult]) -> str:
    parts = []
    for cure in Cure:
        ways = [way for each in rows for way in each.ways if way.way == cure.value]
        good = [way for way in ways if {each.kind for each in way.outcomes} == {"ok"}]
        if ways:
            parts.append(f"{cure.value} {len(good)}/{len(ways)}")
    return f"{len(rows)} cases; " + (f"cured by {', '.join(parts)}." if parts else "no cure tried.")


def _hit_rate(
    failing: Sequence[CaseResult], healthy: Sequence[CaseResult], results: Results
) -> list[str]:
    asked = [answer for each in failing if (answer := results.get_answer(each.case))]
    quiet = [answer for each in healthy if (answer := results.get_answer(each.case))]
    if not asked:
        return []
    hits = sum(each.right for each in asked)
    environment = sum(each.in_environment for each in asked)
    imports = sum(each.in_imports for each in asked)
    blamed = sum(bool(each.innocents) for each in asked)
    errors = sum(each.right and each.by_error for each in asked)
    alarms = sum(each.has_errors for each in quiet)
    warnings = sum(not each.right for each in quiet) - alarms
    named = (
        f"* Doctor names the right culprit in {hits} of {len(asked)} cases: {environment} from the "
        f"environment alone, {imports} from the imports; {errors} times with an error, otherwise "
        f"with a warning. In {blamed} an error names somebody who is not at fault."
    )
    return [
        named,
        f"* Of {len(quiet)} healthy environments, {alarms} get an error and {warnings} a warning.",
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
