"""The results file: what was seen, case by case, so that a rerun continues where one stopped.

In and out: JSON. A result belongs to exactly one description of a case, one runtime wheel and one
toolchain; where one of them changes, the case is run anew.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from realwheels.cases import Case, Cure
from realwheels.doctor import Answer, Named
from realwheels.execute import Outcome
from realwheels.prove import AS_IS, CaseResult, WayResult

if TYPE_CHECKING:
    from pathlib import Path


class Results:
    """Results by case id.

    Args:
        path: The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.document: dict[str, Any] = {"host": {}, "cases": {}, "doctor": {}}
        if path.is_file():
            self.document.update(json.loads(path.read_text(encoding="utf-8")))

    def get(self, case: Case) -> CaseResult | None:
        """The stored result of this very case."""
        row = self.document["cases"].get(case.id)
        if row is None or row["description"] != describe(case):
            return None
        expected = {AS_IS: case.expect, **{cure.value: each for cure, each in case.cures}}
        ways = tuple(
            WayResult(
                way=each["way"],
                outcomes=_outcomes(each["outcomes"]),
                expected=expected[each["way"]],
            )
            for each in row["ways"]
        )
        return CaseResult(case=case, ways=ways, frames=tuple(row["frames"]))

    def put(self, result: CaseResult) -> None:
        """Keep a result and write the file."""
        self.document["cases"][result.case.id] = {
            "description": describe(result.case),
            "frames": list(result.frames),
            "ways": [
                {
                    "way": way.way,
                    "outcomes": [
                        {"times": times, **asdict(outcome)}
                        for outcome, times in Counter(way.outcomes).items()
                    ],
                }
                for way in result.ways
            ],
        }
        self.write()

    def get_answer(self, case: Case) -> Answer | None:
        """The stored answer of the doctor about this very case."""
        row = self.document["doctor"].get(case.id)
        if row is None or row["description"] != describe(case):
            return None
        return Answer(
            culprits=case.culprits,
            also=case.also,
            environment=tuple(_named(each) for each in row["environment"]),
            imports=tuple(_named(each) for each in row["imports"]),
        )

    def put_answer(self, case: Case, answer: Answer) -> None:
        """Keep an answer and write the file."""
        self.document["doctor"][case.id] = {
            "description": describe(case),
            "environment": [asdict(each) for each in answer.environment],
            "imports": [asdict(each) for each in answer.imports],
        }
        self.write()

    def write(self) -> None:
        """Write the file at once and whole."""
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(self.document, indent=1, sort_keys=True) + "\n", "utf-8")
        part.replace(self._path)


def describe(case: Case) -> str:
    """A digest of everything that decides what a case does; not of what is expected of it."""
    facts = (
        case.environment,
        case.steps,
        case.other_order,
        case.prints,
        case.runs,
        case.runtime_step,
        case.repair,
        sorted(cure.name for cure, _ in case.cures),
        sorted(cure.value for cure in Cure),
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _named(row: dict[str, Any]) -> Named:
    return Named(rule=row["rule"], severity=row["severity"], culprits=tuple(row["culprits"]))


def _outcomes(rows: list[dict[str, Any]]) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(
            kind=row["kind"], detail=row["detail"], step=row["step"], mapped=tuple(row["mapped"])
        )
        for row in rows
        for _ in range(row["times"])
    )
