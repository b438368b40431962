"""What ``cxxrt doctor`` says of a case's environment and of its imports.

In: cases. Out: `Answer`s, which know whether the doctor was right: in a case that fails, a finding
has to name the recorded culprit as the one at fault (a victim does not count); in a healthy one,
nothing may be said that asks for action.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from realwheels.pins import ProofError

if TYPE_CHECKING:
    from pathlib import Path

    from realwheels.cases import Case
    from realwheels.environments import Environments

_LIMIT = 900
_ANSWERED = (0, 1)
"""Exit codes: healthy, findings."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Named:
    """One finding, as far as it matters here."""

    rule: str
    severity: str
    culprits: tuple[str, ...]
    """Normalized names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The findings of both questions about a case, info left out, worst first."""

    culprits: tuple[str, ...]
    """Those that the case records; empty where it is healthy."""
    also: tuple[str, ...] = ()
    """Who is rightly named besides."""
    environment: tuple[Named, ...]
    """Nothing imported."""
    imports: tuple[Named, ...]
    """The case's modules imported in its order."""

    @property
    def in_environment(self) -> bool:
        """Whether the answer about the environment alone is right."""
        return self._right(self.environment)

    @property
    def in_imports(self) -> bool:
        """Whether the answer about the imports is right."""
        return self._right(self.imports)

    @property
    def right(self) -> bool:
        """A culprit has to be named by one of the two; an alarm may be raised by neither."""
        either, both = (
            (self.in_environment or self.in_imports),
            self.in_environment and self.in_imports,
        )
        return either if self.culprits else both

    @property
    def by_error(self) -> bool:
        """Whether the culprit is named by an error, not only by a warning."""
        found = (*self.environment, *self.imports)
        return any(each.severity == "error" and self._names_culprit(each) for each in found)

    @property
    def has_errors(self) -> bool:
        """Whether anything is called an error."""
        return any(each.severity == "error" for each in (*self.environment, *self.imports))

    @property
    def innocents(self) -> tuple[str, ...]:
        """Who is named by errors besides the culprits."""
        found = (*self.environment, *self.imports)
        named = {name for each in found if each.severity == "error" for name in each.culprits}
        right = {canonicalize_name(each) for each in (*self.culprits, *self.also)}
        return tuple(sorted(named - right))

    @property
    def summary(self) -> str:
        """Rules with who is named, of both questions."""
        return f"environment: {_said(self.environment)}; imports: {_said(self.imports)}"

    @property
    def short(self) -> str:
        """The culprits with the rules that name them; what else is said does not fit a table."""
        named = [each for each in (*self.environment, *self.imports) if self._names_culprit(each)]
        rules = dict.fromkeys(
            each.rule.removeprefix("CXXRT-") + ("" if each.severity == "error" else " (warning)")
            for each in named
        )
        if not self.culprits:
            return self.summary if self.environment or self.imports else "healthy"
        return f"{', '.join(self.culprits)}: {', '.join(rules)}" if rules else "**not named**"

    def _right(self, found: tuple[Named, ...]) -> bool:
        if not self.culprits:
            return not found
        return any(self._names_culprit(each) for each in found)

    def _names_culprit(self, found: Named) -> bool:
        return bool({canonicalize_name(each) for each in self.culprits} & set(found.culprits))


class Doctor:
    """Asks the command.

    Args:
        environments: Makes the environments to ask about.
    """

    def __init__(self, environments: Environments) -> None:
        self._environments = environments

    def ask(self, case: Case) -> Answer:
        """Both questions about one case.

        Raises:
            ProofError: The command does not answer.
        """
        python = self._environments.make(case.environment)
        return Answer(
            culprits=case.culprits,
            also=case.also,
            environment=_ask(python),
            imports=_ask(python, "--import", ",".join(case.imports)),
        )


def _ask(python: Path, *options: str) -> tuple[Named, ...]:
    command = [sys.executable, "-m", "cxxrt_toolchain", "doctor", "--json", "--python", str(python)]
    kept = {key: each for key, each in os.environ.items() if not key.startswith(("LD_", "PYTHON"))}
    done = subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT,
        env={**kept, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    if done.returncode not in _ANSWERED or not done.stdout:
        raise ProofError(f"doctor ended with {done.returncode}: {done.stderr.strip()[-600:]}")
    return tuple(
        Named(
            rule=row["rule"],
            severity=row["severity"],
            culprits=tuple(canonicalize_name(each) for each in row["culprits"]),
        )
        for row in json.loads(done.stdout)["findings"]
        if row["severity"] != "note"
    )


def _said(found: tuple[Named, ...]) -> str:
    parts = dict.fromkeys(
        f"{each.rule.removeprefix('CXXRT-')} {' + '.join(each.culprits)}"
        + ("" if each.severity == "error" else f" ({each.severity})")
        for each in found
    )
    return ", ".join(parts) or "healthy"
