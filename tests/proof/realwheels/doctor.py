"""What ``cxxrt doctor`` says of a case's environment and of its imports.

In: cases. Out: `Answer`s, which know whether the doctor was right: in a case that fails, an error
has to name the recorded culprit; in a healthy one, nothing may be said that asks for action.
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
    def has_errors(self) -> bool:
        """Whether anything is called an error."""
        return any(each.severity == "error" for each in (*self.environment, *self.imports))

    @property
    def innocents(self) -> tuple[str, ...]:
        """Who is named by errors besides the culprits."""
        found = (*self.environment, *self.imports)
        named = {name for each in found if each.severity == "error" for name in each.culprits}
        return tuple(sorted(named - {canonicalize_name(each) for each in self.culprits}))

    @property
    def summary(self) -> str:
        """Rules with who is named, of both questions."""
        return f"environment: {_said(self.environment)}; imports: {_said(self.imports)}"

    def _right(self, found: tuple[Named, ...]) -> bool:
        if not self.culprits:
            return not found
        wanted = {canonicalize_name(each) for each in self.culprits}
        return any(each.severity == "error" and wanted & set(each.culprits) for each in found)


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
    if done.returncode not in _ANSWERED:
        raise ProofError(f"doctor ended with {done.returncode}: {done.stderr.strip()[-600:]}")
    return tuple(
        Named(
            rule=row["rule"],
            severity=row["severity"],
            culprits=tuple(canonicalize_name(each) for each in row["culprits"]),
        )
        for row in json.loads(done.stdout)["findings"]
        if row["severity"] != "info"
    )


def _said(found: tuple[Named, ...]) -> str:
    parts = dict.fromkeys(
        f"{each.rule.removeprefix('CXXRT-')} {' + '.join(each.culprits)}"
        + ("" if each.severity == "error" else f" ({each.severity})")
        for each in found
    )
    return ", ".join(parts) or "healthy"
