"""One case after another: as it is, then with each cure. In: cases. Out: `CaseResult`s."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cxxrt_toolchain
from realwheels.cases import Case, Cure, Expectation
from realwheels.execute import Job, Outcome, backtrace, run_job

if TYPE_CHECKING:
    from realwheels.environments import Environments

AS_IS = "as is"
"""The way that cures nothing."""
_RUNTIME_SINCE = (3, 9)
"""What the runtime package supports; before it, a process opens the runtime's files itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayResult:
    """All runs of a case in one way."""

    way: str
    """``as is`` or the cure."""
    outcomes: tuple[Outcome, ...]
    expected: Expectation

    @property
    def as_expected(self) -> bool:
        """Whether the runs ended as the table of cases says."""
        hits = [str(each).startswith(self.expected.outcomes) for each in self.outcomes]
        return all(hits) if self.expected.rate == "all" else any(hits)

    @property
    def summary(self) -> str:
        """``SIGSEGV 3/3``, or the kinds with their counts."""
        kinds = [each.kind for each in self.outcomes]
        if kinds and set(kinds) == {"refused"}:
            return f"refused ({self.outcomes[0].detail})"
        counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        return ", ".join(f"{kind} {number}/{len(kinds)}" for kind, number in counts.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What one case did."""

    case: Case
    ways: tuple[WayResult, ...]
    """As it is first, then the cures."""
    frames: tuple[str, ...]
    """Of the crash as it is, innermost first."""

    @property
    def as_expected(self) -> bool:
        """Every way ended as the table of cases says."""
        return all(way.as_expected for way in self.ways)


class Prover:
    """Runs cases.

    Args:
        environments: Makes them.
        folder: The cache, for repaired wheels.
        frames: Whether gdb is asked where a case crashes.
    """

    def __init__(self, environments: Environments, folder: Path, *, frames: bool) -> None:
        self._environments = environments
        self._folder = folder
        self._frames = frames

    def prove(self, case: Case) -> CaseResult:
        """Run one case in every way."""
        plain = Job(python=self._environments.make(case.environment), steps=case.steps)
        ways = [_repeat(AS_IS, plain, case, case.expect)]
        ways += [self._cured(case, plain, cure, expected) for cure, expected in case.cures]
        crashed = any(each.kind.startswith("SIG") for each in ways[0].outcomes)
        frames = backtrace(plain) if crashed and self._frames else ()
        return CaseResult(case=case, ways=tuple(ways), frames=frames)

    def _cured(self, case: Case, plain: Job, cure: Cure, expected: Expectation) -> WayResult:
        if cure is Cure.REPAIR:
            return self._repaired(case, expected)
        return _repeat(cure.value, self._job(case, plain, cure), case, expected)

    def _job(self, case: Case, plain: Job, cure: Cure) -> Job:
        libraries = self._environments.runtime_libraries()
        if cure is Cure.RUNTIME and not _supported(case):
            return Job(python=plain.python, steps=case.steps, open_first=libraries)
        if cure is Cure.RUNTIME:
            python = self._environments.make(case.environment, runtime=True)
            return Job(python=python, steps=(case.runtime_step, *case.steps))
        return Job(
            python=plain.python,
            steps=case.other_order if cure is Cure.ORDER else case.steps,
            preload=libraries if cure is Cure.PRELOAD else (),
            deepbind_last=cure is Cure.DEEPBIND,
            local=cure is Cure.LOCAL,
        )

    def _repaired(self, case: Case, expected: Expectation) -> WayResult:
        instead: list[tuple[str, Path]] = []
        for name in case.repair:
            wheel, refusals = self._repair(self._environments.wheel(case.environment, name))
            if wheel is None:
                refused = Outcome(kind="refused", detail=refusals, step=0, mapped=())
                return WayResult(way=Cure.REPAIR.value, outcomes=(refused,), expected=expected)
            instead.append((name, wheel))
        python = self._environments.make(
            case.environment, runtime=_supported(case), instead=instead
        )
        return _repeat(Cure.REPAIR.value, Job(python=python, steps=case.steps), case, expected)

    def _repair(self, wheel: Path) -> tuple[Path | None, str]:
        """The repaired wheel, else the rules for which it is refused."""
        place = self._folder / "repaired" / f"{wheel.parent.name[:16]}-{_toolchain_digest()}"
        answer = place / "plan.json"
        if not answer.is_file():
            shutil.rmtree(place, ignore_errors=True)
            command = [
                sys.executable,
                "-m",
                "cxxrt_toolchain",
                "repair",
                "--json",
                "--keep-platform",
            ]
            command += ["-w", str(place), str(wheel)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            place.mkdir(parents=True, exist_ok=True)
            answer.write_text(done.stdout, encoding="utf-8")
        (document,) = json.loads(answer.read_text(encoding="utf-8"))["wheels"]
        rules = sorted({row["rule"] for row in document["refusals"]})
        found = next(place.glob("*.whl"), None)
        return (None, ", ".join(rules)) if rules or found is None else (found, "")


def _repeat(way: str, job: Job, case: Case, expected: Expectation) -> WayResult:
    outcomes = tuple(run_job(job, case.prints) for _ in range(case.runs))
    return WayResult(way=way, outcomes=outcomes, expected=expected)


def _supported(case: Case) -> bool:
    major, _, minor = case.environment.python.partition(".")
    return (int(major), int(minor)) >= _RUNTIME_SINCE


def _toolchain_digest() -> str:
    root = Path(cxxrt_toolchain.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
