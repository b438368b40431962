"""Why an import crashed, raised an exception or did not end: rules D27, D28 and D29.

The cause is what the loader's message, the process's memory and the experiments show of it. Where
the loader's message tells the cause, its finding (D1, D11, ...) stands in place of D28.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.imports.run import Attempt, ImportScene, Outcome, last_object
from cxxrt_toolchain.facts.process import ProcessView, names_of
from cxxrt_toolchain.rules.imports import loader_messages
from cxxrt_toolchain.rules.imports.causes import cause_of
from cxxrt_toolchain.rules.imports.crash_signs import signs
from cxxrt_toolchain.rules.imports.simulated import explained
from cxxrt_toolchain.rules.rule import Finding, error, rule

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.imports.trials import Verdict

RULES = frozenset({"CXXRT-D27", "CXXRT-D28", "CXXRT-D29"})
"""What is reported of a failure, unless the loader's message tells more."""


@rule("CXXRT-D27", "An import crashes", on=(ImportScene,))
def crashed(scene: ImportScene) -> Iterator[Finding]:
    """A signal ended the interpreter during an import, or at exit after all imports."""
    failure, end = scene.run.failure, scene.run.end
    if failure is not None and failure.outcome is Outcome.CRASHED:
        ended = failure.detail.startswith("exit ")
        how = f"ends the process, {failure.detail}" if ended else f"crashes with {failure.detail}"
        yield _failed(scene, failure, how)
    elif failure is None and end is not None:
        yield _at_exit(scene, end)


@rule("CXXRT-D28", "An import raises an exception", on=(ImportScene,))
def raised(scene: ImportScene) -> Iterator[Finding]:
    """An exception; a message of the loader in it or in its causes is a finding of its own."""
    failure = scene.run.failure
    if failure is None or failure.outcome is not Outcome.EXCEPTION:
        return
    where = (scene.view, scene.environment, failure.events)
    said = list(loader_messages.findings(failure.detail, *where))
    if found := explained(failure.detail, scene, said):
        trials = _trials(scene.verdict)
        yield from (replace(each, evidence=(*each.evidence, *trials)) for each in found)
        return
    causes = "\n".join(failure.causes)
    yield from explained(causes, scene, list(loader_messages.findings(causes, *where)))
    last = failure.detail.splitlines()[-1] if failure.detail else "?"
    yield _failed(scene, failure, f"raises {last}")


@rule("CXXRT-D29", "An import does not end", on=(ImportScene,))
def timed_out(scene: ImportScene) -> Iterator[Finding]:
    """An import that was still running at the time limit."""
    failure = scene.run.failure
    if failure is not None and failure.outcome is Outcome.TIMED_OUT:
        yield _failed(scene, failure, f"does not end ({failure.detail})")


def _at_exit(scene: ImportScene, end: Attempt[ProcessView | None]) -> Finding:
    """Static destructors and atexit functions run after the imports."""
    view, noise = scene.view, scene.run.noise
    modules = [each.module for each in scene.run.attempts]
    paths = (end.site.path, *end.site.callers) if end.site else ()
    cause = cause_of(scene, end) if scene.verdict else None
    return error(
        f"Importing {', '.join(modules)} works, and the interpreter crashes with {end.detail} at "
        f"exit{f': {cause.reason}' if cause else ''}",
        culprits=cause.culprits if cause else (),
        victims=next(filter(None, (names_of(view, [path]) for path in paths)), ()),
        libraries=tuple(path for path in paths if path in view.by_path)[:1],
        evidence=(
            *_places(end),
            *_words(end),
            *signs(end.site, noise, view),
            *_trials(scene.verdict),
        ),
        remedies=cause.remedies if cause else (),
    )


def _words(failure: Attempt[ProcessView | None]) -> list[str]:
    """What a process wrote before it ended."""
    return [f"it wrote: {line}" for line in failure.words]


def _trials(verdict: Verdict | None) -> tuple[str, ...]:
    return tuple(f"{each.name}: {each.how}" for each in verdict.trials) if verdict else ()


def _failed(scene: ImportScene, failure: Attempt[ProcessView | None], how: str) -> Finding:
    earlier = [each.module for each in scene.run.attempts if each.outcome is Outcome.IMPORTED]
    after = f" after {', '.join(earlier)}" if earlier else ""
    last = last_object(failure.events)
    noise = scene.run.noise
    cause = cause_of(scene, failure)
    return error(
        f"Importing {failure.module}{after} {how}: {cause.reason}",
        culprits=cause.culprits,
        victims=cause.victims,
        libraries=cause.libraries,
        evidence=(
            *_places(failure),
            *([f"the last line of Python was {failure.where}"] if failure.where else []),
            *([f"the last object that was initialized was {last}"] if last else []),
            *_words(failure),
            *signs(failure.site, noise, scene.view),
            *_trials(scene.verdict),
        ),
        remedies=cause.remedies,
    )


def _places(failure: Attempt[ProcessView | None]) -> list[str]:
    if failure.site is None:
        return []
    below = ", ".join(path.rpartition("/")[2] for path in failure.site.callers[:4])
    return [f"{failure.site}" + (f", called from {below}" if below else "")]
