"""A case, built both ways and run several times, to one row of the matrix.

The wheels are audited and the two packages diagnosed, too.

In: a `Case` and a `Workshop`. Out: a `Row`; `as_json` is what ``matrix.json`` records of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from crash_builds import Refused, Way, clean_environment
from crash_run import run_case

from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.facts.families import RuntimeFamily, family_of_name
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from crash_builds import Built, Workshop
    from crash_case import Case
    from crash_run import Outcome

    from cxxrt_toolchain.facts.wheel import WheelReport
    from cxxrt_toolchain.rules.wheel.verdict import Verdict

RUNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A case, built one way."""

    outcome: str
    """The same in all runs, or every one that there was; ``refused: RULE`` without a wheel."""
    copies: int
    """Of the case's library, in the process: files that are mapped, and static ones in modules."""
    rules: tuple[str, ...]
    """What ``cxxrt check`` says of either wheel, notes included; sorted."""
    conforms: bool
    """Whether both wheels conform."""
    diagnosis: tuple[str, ...]
    """What ``cxxrt doctor --import first,second`` finds: a rule and its culprits. Of the notes only
    the one that the case is to get."""
    healthy: bool
    """The doctor's own summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A case of the matrix."""

    title: str
    mechanism: str
    library: str
    expected: str
    """What the process prints where all is well."""
    rule: str | None
    usual: Result
    backend: Result

    def as_json(self) -> dict[str, Any]:
        """As ``matrix.json`` has it."""
        row = asdict(self)
        for way in ("usual", "backend"):
            row[way] = {k: list(v) if isinstance(v, tuple) else v for k, v in row[way].items()}
        return row


def measure(case: Case, workshop: Workshop) -> Row:
    """Build and run a case both ways."""
    results = {way: _result(case, workshop, way) for way in Way}
    return Row(
        title=case.title,
        mechanism=case.mechanism,
        library=case.library,
        expected=case.prints,
        rule=case.rule,
        usual=results[Way.USUAL],
        backend=results[Way.BACKEND],
    )


def _result(case: Case, workshop: Workshop, way: Way) -> Result:
    try:
        built = workshop.build(case, way)
    except Refused as refusal:
        return _nothing(f"refused: {refusal}")
    outcomes = [run_case(case, built) for _ in range(RUNS)]
    audited = [_audited(wheel) for wheel in built.wheels]
    diagnosis, healthy = _diagnosed(case, built)
    return Result(
        outcome=" or ".join(sorted({outcome.words for outcome in outcomes})),
        copies=max(
            _copies(case.library, outcome, built.site, (report for report, _ in audited))
            for outcome in outcomes
        ),
        rules=tuple(sorted({found.rule for _, verdict in audited for found in verdict.findings})),
        conforms=all(verdict.conforms for _, verdict in audited),
        diagnosis=diagnosis,
        healthy=healthy,
    )


def _nothing(outcome: str) -> Result:
    """Of wheels that there are not."""
    return Result(outcome=outcome, copies=0, rules=(), conforms=True, diagnosis=(), healthy=True)


def _audited(path: Path) -> tuple[WheelReport, Verdict]:
    with Wheel.open(path) as wheel:
        report = collect(wheel)
    return report, judge(report)


def _diagnosed(case: Case, built: Built) -> tuple[tuple[str, ...], bool]:
    command = [sys.executable, "-m", "cxxrt_toolchain", "doctor", "--json"]
    names = {project.name.replace("_", "-"): project.folder.name for project in case.projects}
    modules = ",".join(project.name for project in case.projects)
    done = subprocess.run(
        [*command, "--python", str(built.python), "--import", modules],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    document = json.loads(done.stdout)
    found = []
    for finding in document["findings"]:
        words = [finding["rule"], *(names.get(who, who) for who in finding["culprits"])]
        if finding["severity"] == "note":
            words = ["note", *words]
        said = " ".join(words)
        if said == case.doctor or finding["severity"] != "note":
            found.append(said)
    return tuple(sorted(found)), document["healthy"]


def _copies(library: str, outcome: Outcome, site: Path, reports: Iterable[WheelReport]) -> int:
    family = RuntimeFamily(library)
    known = {site / found.member: found for report in reports for found in report.objects}
    count = 0
    for path in outcome.mapped:
        found = known.get(path)
        count += (found.copy_of if found else family_of_name(path.name)) is family
        count += found is not None and family in found.static
    return count
