"""``cxxrt survey report``: the headline, shares by group, the answer to a query, the page."""

import csv
import sys

from cxxrt_toolchain.report.terminal import Page
from cxxrt_toolchain.survey.queries import KINDS, Answers, measure
from cxxrt_toolchain.wording import counted

_MOST_GROUPS = 50
_MOST_CULPRITS = 12


def report(answers: Answers, *, by: str | None, sql: str | None) -> None:
    """Print what was asked for."""
    if sql is not None:
        names, rows = answers.asked(sql)
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
    elif by is not None:
        _groups(Page(), answers, by)
    else:
        _headline(Page(), answers)


def _headline(page: Page, answers: Answers) -> None:
    page.line((answers.state, "bold"))
    page.line((f"shares are of {answers.subject}", ""))
    for each in answers.shares():
        share = measure(each, sampled=answers.sampled)
        page.line((f"{each.found:8} of {each.of:<8} {share:>8}  {each.label}", ""))
    for kind, count, example in answers.errors():
        page.line((f"{count:8} not readable: {kind}, for example {example}", "yellow"))
    counts = answers.collision_counts()
    if counts:
        page.line(("pairs of projects that collide in one process", "bold"))
    for kind, pairs, projects, weight in counts:
        heavy = f", weight {weight}" if weight else ""
        page.line((f"{pairs:8} {KINDS[kind][1]} ({counted(projects, 'project')}{heavy})", ""))
    for one in answers.culprits(_MOST_CULPRITS):
        heavy = f", weight {one.weight}" if one.weight else ""
        page.line((f"{one.partners:8} partners of {one.project} ({one.kinds}{heavy})", ""))


def _groups(page: Page, answers: Answers, by: str) -> None:
    page.line((f"{'wheels':>8} {'conform':>8} {'carry a runtime':>16} {'UNIQUE':>8}  {by}", "bold"))
    for key, count, conform, carry, unique in answers.groups(by)[:_MOST_GROUPS]:
        numbers = f"{_part(conform):>8} {_part(carry):>16} {_part(unique):>8}"
        page.line((f"{count:8} {numbers}  {key}", ""))


def _part(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
