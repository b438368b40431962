"""``cxxrt survey report --html FILE``: the report as one self-contained page."""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

from cxxrt_toolchain.report.page.markup import EMPTY, Html, code, element, lines, section
from cxxrt_toolchain.report.page.shell import bar, html_document, resource
from cxxrt_toolchain.survey.charts import bars, curves
from cxxrt_toolchain.survey.queries import KINDS, Answers, measure

_MOST_CULPRITS = 24
_MOST_ROWS = 40


def page_text(answers: Answers) -> str:
    """The HTML document."""
    sections = [
        each
        for each in (
            ("headline", "Shares", _shares(answers)),
            ("rules", "Rules", _rules(answers)),
            ("collisions", "Collisions", _collisions(answers)),
            ("matrix", "Matrix", _matrix(answers)),
            ("trend", "Trend", _trend(answers)),
            ("projects", "Projects", _projects(answers)),
            ("unread", "Not read", _errors(answers)),
        )
        if each[2] is not EMPTY
    ]
    links = [element("li", element("a", title, href=f"#{anchor}")) for anchor, title, _ in sections]
    main = [_header(answers), *(section(*each) for each in sections)]
    body = [
        Html(resource("page.svg")),
        element("a", "Skip to the shares", href="#headline", class_="skip"),
        bar("cxxrt survey", links),
        element("main", Html("\n"), lines(main), id="main"),
    ]
    style = files("cxxrt_toolchain.survey").joinpath("page.css").read_text("utf-8")
    title = f"Survey of {answers.state}"
    return html_document(title, "cxxrt survey", body, more_style=style)


def _header(answers: Answers) -> Html:
    plan = answers.plan
    levels = answers.rows("select level, count(*) from wheels group by 1 order by 1")
    facts = [
        ("Source", ", ".join(plan["sources"])),
        ("Shares", f"of {answers.subject}"),
        ("Levels", ", ".join(f"{count} at {level}" for level, count in levels)),
        ("Planned", plan["planned"]),
        ("Passed over", f"{plan['others']} files that are no Linux wheels"),
    ]
    rows = [element("div", element("dt", name), element("dd", text)) for name, text in facts]
    return element(
        "div",
        element("p", "Survey", class_="subject"),
        element("h1", answers.state),
        element("dl", *rows, class_="facts"),
        class_="head",
    )


def _shares(answers: Answers) -> Html:
    shares = answers.shares()
    rows = (
        (each.label, str(each.found), str(each.of), measure(each, sampled=answers.sampled))
        for each in shares
    )
    chart = element("div", bars(shares, sampled=answers.sampled), class_="scroll")
    said = f"Of {answers.subject}. {_interval(answers)}"
    heads = ("Wheels that", "Number", "Of", "Share")
    return lines([element("p", said, class_="quiet"), chart, _table("shares", heads, rows)])


def _interval(answers: Answers) -> str:
    if answers.sampled:
        return "Lines are 95 % confidence intervals (Wilson)."
    return "What a wheel's level does not tell is not counted in “Of”."


def _rules(answers: Answers) -> Html:
    rows = [(rule, severity, str(count)) for rule, severity, count in answers.rules()]
    said = "'cxxrt explain RULE' tells what a rule means."
    table = _table("rules-table", ("Rule", "Severity", "Wheels"), rows)
    return lines([element("p", said, class_="quiet"), table]) if rows else EMPTY


def _collisions(answers: Answers) -> Html:
    rows = [
        (KINDS[kind][0], KINDS[kind][1], str(pairs), str(projects), _number(weight))
        for kind, pairs, projects, weight in answers.collision_counts()
    ]
    said = (
        "Pairs of projects that meet in a process which imports both. Weight: the sum over the "
        "pairs of the smaller number of downloads, where the plan has downloads."
    )
    heads = ("Letter", "Kind", "Pairs", "Projects", "Weight")
    table = _table("kinds", heads, rows)
    return lines([element("p", said, class_="quiet"), table]) if rows else EMPTY


def _matrix(answers: Answers) -> Html:
    names = [each.project for each in answers.culprits(_MOST_CULPRITS)]
    if len(names) < 2:  # noqa: PLR2004 - a pair
        return EMPTY
    pairs = answers.pairs(names)
    head = element("tr", element("td"), *(element("th", name, scope="col") for name in names))
    body = [
        element(
            "tr", element("th", one, scope="row"), *(_cell(one, other, pairs) for other in names)
        )
        for one in names
    ]
    table = element(
        "table",
        element("thead", head),
        element("tbody", Html("\n"), lines(body)),
        class_="matrix",
        aria_label="Collisions between the projects that have most of them",
    )
    legend = [
        element("li", element("b", letter), f" {words}")
        for kind, (letter, words) in KINDS.items()
        if any(kind == found for each in pairs.values() for found, _ in each)
    ]
    said = (
        "The projects in the heaviest collisions. Each letter is a kind; point at it for what is "
        "shared."
    )
    return lines(
        [
            element("p", said, class_="quiet"),
            element("ul", *legend, class_="legend", aria_label="What the letters mean"),
            _scroll(table, "Matrix of collisions"),
        ]
    )


def _cell(one: str, other: str, pairs: dict[tuple[str, str], list[tuple[str, str]]]) -> Html:
    if one == other:
        return element("td", class_="self")
    first, second = sorted((one, other))
    found = pairs.get((first, second), [])
    if not found:
        return element("td")
    letters = "".join(KINDS[kind][0] for kind, _ in found)
    told = "; ".join(f"{KINDS[kind][1]}: {what}" for kind, what in found)
    said = f"{one} and {other}: {told}"
    words = element("abbr", letters, title=said)
    return element("td", words, class_=f"hit {' '.join(letters)}", aria_label=said)


def _trend(answers: Answers) -> Html:
    rows = answers.groups("month")
    months = [str(row[0]) for row in rows]
    known: list[tuple[str, Sequence[float | None]]] = [
        ("do not conform", [None if row[2] is None else 1 - row[2] for row in rows]),
        ("carry a runtime", [row[3] for row in rows]),
        ("export UNIQUE symbols", [row[4] for row in rows]),
    ]
    series = [each for each in known if any(value is not None for value in each[1])]
    if len(months) < 2 or not series:  # noqa: PLR2004 - a line
        return EMPTY
    chart = curves(months, series, "Shares by month of upload; the table has the same numbers")
    legend = [
        element("li", element("b", mark), f" {label}")
        for (label, _), mark in zip(series, ("solid:", "dashed:", "dotted:"), strict=False)
    ]
    heads = ("Month", "Wheels", *(label for label, _ in series))
    table = (
        (month, str(row[1]), *(_percent(values[at]) for _, values in series))
        for at, (month, row) in enumerate(zip(months, rows, strict=True))
    )
    return lines(
        [
            element("p", "Of all surveyed wheels, by the month of their upload.", class_="quiet"),
            element("ul", *legend, class_="legend"),
            element("div", chart, class_="scroll"),
            _table("months", heads, table),
        ]
    )


def _projects(answers: Answers) -> Html:
    rows = [
        (each.project, str(each.partners), _number(each.weight), each.kinds)
        for each in answers.culprits(_MOST_ROWS)
    ]
    heads = ("Project", "Partners", "Weight", "Kinds of collisions")
    return _table("culprits", heads, rows) if rows else EMPTY


def _errors(answers: Answers) -> Html:
    rows = [
        (filename, error)
        for filename, error in answers.rows(
            "select filename, error from wheels where error is not null order by 1 limit ?",
            [_MOST_ROWS],
        )
    ]
    return _table("errors", ("Wheel", "Why"), rows) if rows else EMPTY


def _table(anchor: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """A table whose columns of numbers are to the right."""
    found = [list(row) for row in rows]
    number = [at > 0 and all(_is_number(row[at]) for row in found) for at in range(len(heads))]
    classes = ["number" if each else None for each in number]
    head = (
        element("th", name, scope="col", class_=c) for name, c in zip(heads, classes, strict=True)
    )
    body = (
        element(
            "tr",
            element("th", code(row[0]) if anchor != "shares" else row[0], scope="row"),
            *(
                element("td", text, class_=c, data_head=name)
                for text, c, name in zip(row[1:], classes[1:], heads[1:], strict=True)
            ),
        )
        for row in found
    )
    table = element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", Html("\n"), lines(body)),
        id=anchor,
        aria_label=heads[-1] if anchor == "culprits" else anchor,
    )
    return _scroll(table, anchor)


def _scroll(table: Html, said: str) -> Html:
    return element("div", table, class_="scroll", role="region", aria_label=said, tabindex=0)


def _is_number(text: str) -> bool:
    return not text or text[:1].isdigit()


def _number(value: Any) -> str:  # noqa: ANN401 - of DuckDB
    return "" if value is None else f"{value:,}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
