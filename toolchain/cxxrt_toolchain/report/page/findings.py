"""The verdict and the findings, worst first, as markup: packages, evidence and remedies.

Each rule is explained by its entry of ``hazards.md``, so that the page needs no network.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.facts.imports.run import Outcome, Step
from cxxrt_toolchain.report.catalogue import Entry, load_catalogue, load_mechanisms, paragraphs
from cxxrt_toolchain.report.demangle import readable
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
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.wording import counted, listed

if TYPE_CHECKING:
    from cxxrt_toolchain.report.diagnosis import Diagnosis
    from cxxrt_toolchain.report.page.nodes import Names

_QUOTED = re.compile(r"`(?P<tick>[^`\n]+)`|'(?P<quote>[^'\n]+ [^'\n]+)'")
_CLAUSE = re.compile(r"([;:] |, (?:then|or|and) )")
_START = re.compile(
    r"(?:(?:python|pip|uv|cxxrt|conda|mamba|import|export|unset|env)[0-9.]*|LD_[A-Z_]+=\S*) "
    r"|[a-z_0-9]+\.[a-z_0-9.]+\([^()]*\)(?= |$)"
)
_PROSE = re.compile(
    r",? (?=\(|(?:the|an?|of|that|its?|with|before|after|for|and|or|first|to|then)\b(?!=))"
)
"""Where a command ends and prose continues."""
_REFERENCE = re.compile(r"\b(?:CXXRT-)?(?P<rule>[THPWLD][0-9]+)\b")
_MECHANISM = re.compile(r"\bM[0-9]+\b")


_catalogue, _mechanisms = cache(load_catalogue), cache(load_mechanisms)
_OPEN_EVIDENCE = 6
"""Up to this number of lines, evidence is not folded."""
_FAILED = {Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.EXCEPTION}


def verdict(diagnosis: Diagnosis, names: Names) -> str:
    """One sentence without a full stop: what is wrong and which packages have to change."""
    serious = [found for found in diagnosis.findings if found.weight is not Severity.NOTE]
    failed = next((step for step in diagnosis.steps if step.outcome in _FAILED), None)
    if not serious and failed is None:
        return "Nothing here needs action"
    if failed and not serious:
        return f"{_failure(failed)}, and no rule explains it"
    worst = [found for found in serious if found.severity is serious[0].severity]
    culprits = list(dict.fromkeys(name for found in worst for name in found.culprits))
    said = f"{listed(culprits)} {'has' if len(culprits) == 1 else 'have'} to change first"
    if not culprits:
        said = "".join(words for words, _ in names.spans(readable(serious[0].message)))
    return f"{_failure(failed)}: {said}" if failed else said


def severity_icon(severity: Severity | None) -> Html:
    """The mark of a severity, None for a healthy subject; the text beside it has the word."""
    return icon(severity.value if severity else "healthy")


def icon(name: str) -> Html:
    """One of the page's marks."""
    use = element("use", href=f"#i-{name}")
    return element("svg", use, class_=f"icon {name}", width=16, height=16, aria_hidden="true")


def summary(diagnosis: Diagnosis, names: Names) -> Html:
    """The verdict with its mark and the counts."""
    worst = diagnosis.findings[0].weight if diagnosis.findings else None
    failed = any(step.outcome in _FAILED for step in diagnosis.steps)
    shown = Severity.ERROR if failed else None if diagnosis.healthy else worst
    kind = shown.value if shown else "healthy"
    sentence = element("p", f"{verdict(diagnosis, names)}.", class_="verdict", id="verdict")
    counts = element("p", f"{_counts(diagnosis.findings) or 'No findings'}.", class_="counts")
    return element(
        "div", severity_icon(shown), element("div", sentence, counts), class_=f"summary {kind}"
    )


def findings_section(diagnosis: Diagnosis, names: Names) -> Html:
    """The findings; each rule is explained once."""
    if not diagnosis.findings:
        calm = element("p", "No rule applies here.", class_="quiet")
        return section("findings", "Findings", calm)
    explained: dict[str, int] = {}
    items = []
    for number, found in enumerate(diagnosis.findings, 1):
        first = explained.setdefault(found.rule, number)
        items.append(_finding(number, found, first, names))
    body = element("ol", Html("\n"), lines(items), class_="findings")
    return section("findings", "Findings", body)


def _counts(findings: Collection[Finding]) -> str:
    """``1 error, 2 warnings and 1 ignored``."""
    severities = [found.severity for found in findings if not found.ignored]
    counts = [
        counted(severities.count(each), each.value) for each in Severity if each in severities
    ]
    ignored = sum(found.ignored for found in findings)
    return listed([*counts, f"{ignored} ignored"] if ignored else counts)


def _failure(step: Step) -> str:
    if step.outcome is Outcome.CRASHED:
        why = f" ({step.detail})" if step.detail else ""
        return f"Importing {step.module} crashed the process{why}"
    if step.outcome is Outcome.TIMED_OUT:
        return f"Importing {step.module} did not end"
    return f"Importing {step.module} failed"


def _finding(number: int, found: Finding, first: int, names: Names) -> Html:
    word = found.severity.value.capitalize() + ", ignored" * found.ignored
    what = element("p", severity_icon(found.weight), f" {word}", class_="severity")
    link = element("p", element("a", f"Finding {number}", href=f"#f{number}"), class_="ref")
    parts = (
        element("h3", _message(found.message, names)),
        _who(found, names),
        _remedies(found),
        _evidence(found, names),
        _rule(found, number, first),
    )
    side, body = element("div", what, link, class_="side"), element("div", *parts, class_="body")
    return element("li", side, body, class_=f"finding {found.weight.value}", id=f"f{number}")


def _message(text: str, names: Names) -> Html:
    """Libraries by their short names, with links to the table that has their paths."""
    return joined(
        element("a", code(words), href=f"#{names.library_row(path)}", title=path) if path else words
        for words, path in names.spans(readable(text))
    )


def _who(found: Finding, names: Names) -> Html:
    rows = []
    others = tuple(name for name in found.victims if name not in found.culprits)
    for word, packages in (("Culprit", found.culprits), ("Victim", others)):
        if packages:
            label = word if len(packages) == 1 else f"{word}s"
            mark = icon(word.lower())
            if found.weight is Severity.NOTE:  # a note blames no package
                label, mark = "Concerns" if word == "Culprit" else "Beside", EMPTY
            people = joined((_package(name, names) for name in packages), " ")
            rows += [element("dt", mark, f" {label}"), element("dd", people)]
    return element("dl", *rows, class_="who") if rows else EMPTY


def _package(name: str, names: Names) -> Html:
    package = names.packages.get(name)
    words: list[str | Html] = [element("bdi", name)]
    if package and package.version:
        words.append(element("span", f" {package.version}", class_="version"))
    place = names.place(name)
    return element("a" if place else "span", *words, href=place, class_="chip")


def _remedies(found: Finding) -> Html:
    if not found.remedies:
        return EMPTY
    items = [element("li", *map(_marked, pieces(text))) for text in found.remedies]
    many = len(items) > 1
    what = element("h4", "What to do" + ", the best first" * many)
    return element("div", what, element("ol" if many else "ul", *items), class_="remedies")


def _marked(piece: Piece) -> str | Html:
    """A command gets a mark, to which the script adds a button that copies it."""
    return element("span", code(piece.text), class_="command") if piece.command else piece.text


def _evidence(found: Finding, names: Names) -> Html:
    facts = [element("li", _message(text, names)) for text in found.evidence]
    facts += [element("li", _library(path, names)) for path in found.libraries]
    if not facts:
        return EMPTY
    is_open = len(facts) <= _OPEN_EVIDENCE
    said = f"Evidence ({len(facts)})"
    return details(said, element("ul", *facts), class_="evidence", open=is_open)


def _library(path: str, names: Names) -> Html:
    row = names.library_row(path)
    if row is None:
        return code(path)
    library = names.libraries[path]
    words = f", {library.version}" if library.version else ""
    if library.order is not None:
        words += f", number {library.order + 1} in the load order"
    return joined([element("a", code(path), href=f"#{row}"), words])


def _rule(found: Finding, number: int, first: int) -> Html:
    if first != number:
        link = element("a", f"finding {first}", href=f"#f{first}")
        return element("p", f"{_rule_title(found.rule)}, explained under ", link, class_="again")
    text = element("div", _rule_text(found.rule), class_="catalogue")
    return details(_rule_title(found.rule), text, class_="rule")


class Piece(NamedTuple):
    """A part of a remedy."""

    text: str
    command: bool


def pieces(remedy: str) -> Iterator[Piece]:
    """The commands of a remedy and the prose between them, in order, without quotes.

    A guess by the first words: it decides only on type and a button.
    """
    at = 0
    for match in _QUOTED.finditer(remedy):
        yield from _unquoted(remedy[at : match.start()])
        yield Piece(match["tick"] or match["quote"], command=True)
        at = match.end()
    yield from _unquoted(remedy[at:])


def _unquoted(text: str) -> Iterator[Piece]:
    for clause in _CLAUSE.split(text):
        start = _START.match(clause)
        end = _PROSE.search(clause, start.end() - 1 if start else 0)
        length = end.start() if end else len(clause)
        if start and length >= start.end():
            yield Piece(clause[:length], command=True)
            clause = clause[length:]  # noqa: PLW2901 - the rest of it
        if clause:
            yield Piece(clause, command=False)


def _rule_title(rule: str) -> str:
    """``CXXRT-H1: Bundled libstdc++ or libgcc_s``."""
    entry = _catalogue().get(rule)
    return f"{rule}: {entry.title}" if entry else rule


def _rule_text(rule: str) -> Html:
    """The entry, then the entries that it refers to ("As H1"), then the mechanisms (M1 to M4)."""
    entry = _catalogue().get(rule)
    if entry is None:
        return element("p", "The catalogue of this toolchain has no entry for this rule.")
    others = _references(entry)
    said = "\n".join(each.text for each in (entry, *others))
    names = sorted(set(_MECHANISM.findall(said)) & _mechanisms().keys())
    terms = [joined([element("dt", name), element("dd", _mechanisms()[name])]) for name in names]
    list_of_terms = element("dl", *terms) if terms else EMPTY
    return joined([rendered(entry), *map(_further, others), list_of_terms])


def _references(entry: Entry) -> list[Entry]:
    names = dict.fromkeys(f"CXXRT-{found['rule']}" for found in _REFERENCE.finditer(entry.text))
    found = (_catalogue().get(name) for name in names if name != entry.rule)
    return [each for each in found if each]


def _further(entry: Entry) -> Html:
    heading = element("p", f"{entry.rule}: {entry.title}", class_="further")
    return joined([heading, rendered(entry)])


def rendered(entry: Entry) -> Html:
    """The text of an entry."""
    return lines(
        element("p", *(element(kind, text) if kind else text for text, kind in spans))
        for spans in paragraphs(entry.text)
    )
