"""Imports modules one by one in a child process and diagnoses it, also if it crashes.

The diagnosis holds the outcome of each import, what it loaded, what the memory showed between the
imports and at a crash, and the cure that experiments found.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.environment.installed import read_environment
from cxxrt_toolchain.collect.imports.experiments import experiment, find_preload
from cxxrt_toolchain.collect.imports.import_run import run_imports, say_nothing
from cxxrt_toolchain.collect.process.observer import Observer
from cxxrt_toolchain.collect.process.procfs import read_process
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.errors import InputError, UsageError
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.imports import Cure, ImportRun, ImportScene, Outcome, Step, last_object
from cxxrt_toolchain.host.describe import describe
from cxxrt_toolchain.report.diagnosis import Diagnosis, Subject
from cxxrt_toolchain.report.graph import edges_of
from cxxrt_toolchain.rules.every import judge
from cxxrt_toolchain.rules.imports import crashes
from cxxrt_toolchain.rules.rule import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from cxxrt_toolchain.facts.imports import Attempt
    from cxxrt_toolchain.facts.process import ProcessView

TIMEOUT = 120.0
"""Seconds for one import; TensorFlow takes ten on a busy machine."""
_HOPELESS = frozenset({"CXXRT-D8", "CXXRT-H12", "CXXRT-L004", "CXXRT-P1"})
"""Messages of the loader that no experiment changes: a library is missing, the kernel refuses."""
_IN_MEMORY = frozenset({"CXXRT-D20", "CXXRT-D21", "CXXRT-D22"})


def diagnose_imports(
    executable: str,
    modules: Sequence[str],
    *,
    timeout: float = TIMEOUT,
    experiments: bool = True,
    store: Store | None = None,
    say: Callable[[str], None] = say_nothing,
) -> Diagnosis:
    """Import modules with an interpreter, one by one, and judge the outcome.

    Args:
        executable: The user's interpreter, Python 3.6 or newer.
        modules: Dotted names, in the order in which the user imports them.
        timeout: Seconds for one import.
        experiments: Whether to repeat a failure in other ways, to find what cures it.
        store: Keeps what files said between runs; None: nothing is kept.
        say: Called with a line of progress, from several threads.

    Raises:
        UsageError: A name is not a module name.
        MissingToolError: The interpreter cannot be started, or this is not Linux.
        InputError: It fails before the first import.
    """
    _check(modules)
    say("reading what is installed")
    store = store or Store()
    environment = read_environment(describe(executable), store)
    observer = Observer(environment.interpreter, store, environment=environment)
    look = _look_with(observer, say)
    run = run_imports(executable, modules, timeout=timeout, observe=look, say=say)
    scene = ImportScene(run=run, environment=environment)
    found = judge(scene.view)
    if experiments and run.failure is not None and _may_be_cured(run.failure):
        rules = {each.rule for each in judge(scene)}
        if not _HOPELESS & rules:
            verdict = experiment(
                executable,
                modules[: [each.module for each in run.attempts].index(run.failure.module) + 1],
                find_preload(
                    (*environment.interpreter.path, *sys.path), environment.interpreter.base_prefix
                ),
                timeout=timeout,
                certain=bool(rules - crashes.RULES) or _is_certain(found),
                suspected=_suspected(rules, scene.view, found),
                say=say,
            )
            scene = replace(scene, verdict=verdict)
    return _diagnosis(scene, (*found, *judge(scene)))


def _check(modules: Sequence[str]) -> None:
    bad = [name for name in modules if not all(part.isidentifier() for part in name.split("."))]
    if bad or not modules:
        raise UsageError(
            f"not a module name: {bad[0]!r}." if bad else "no module is named.",
            "Give dotted names, separated by commas: --import torch,pyarrow.parquet",
        )
    if len(set(modules)) < len(modules):
        raise UsageError("a module is named twice.", "The second import would do nothing.")


def _look_with(
    observer: Observer, say: Callable[[str], None]
) -> Callable[[int], ProcessView | None]:
    def look(pid: int) -> ProcessView | None:
        say("looking at what is loaded")
        try:
            return observer.look(read_process(pid))
        except InputError:  # the process has ended
            return None

    return look


def _may_be_cured(failure: Attempt[ProcessView | None]) -> bool:
    """False for a module that is not installed or not valid Python."""
    simple = ("ModuleNotFoundError", "SyntaxError", "IndentationError")
    return not failure.detail.startswith(simple)


def _is_certain(found: Iterable[Finding]) -> bool:
    """Whether the memory shows the cause, so that chance need not be ruled out."""
    return any(each.rule in _IN_MEMORY and each.severity is not Severity.NOTE for each in found)


def _suspected(rules: Collection[str], view: ProcessView, found: Iterable[Finding]) -> Cure | None:
    """The likely cure by the findings; None if they suggest none.

    Separation only where a runtime cannot help: the process has one libstdc++, none of its
    symbols is captured, and incompatible definitions have replaced others.
    """
    rules = {*rules, *(each.rule for each in found if each.severity is not Severity.NOTE)}
    if rules & {"CXXRT-D1", "CXXRT-D20", "CXXRT-D21"}:
        return Cure.RUNTIME
    copies = len(view.of_family(RuntimeFamily.LIBSTDCXX))
    linked = any(RuntimeFamily.LIBSTDCXX in each.static for each in view.libraries)
    whole = view.bindings is not None and copies <= 1 and not linked
    return Cure.SEPARATION if whole and "CXXRT-D22" in rules else None


def _diagnosis(scene: ImportScene, findings: tuple[Finding, ...]) -> Diagnosis:
    run, view, interpreter = scene.run, scene.view, scene.environment.interpreter
    events = [event for each in run.attempts for event in each.events]
    return Diagnosis(
        subject=Subject.IMPORTS,
        title=f"import {', '.join(each.module for each in run.attempts)}",
        python=interpreter.python,
        executable=interpreter.executable,
        glibc=interpreter.glibc,
        variables=tuple(sorted(view.variables.items())),
        packages=view.packages,
        libraries=view.libraries,
        edges=edges_of(view, events),
        steps=_steps(run, view),
        findings=tuple(sorted(findings, key=lambda each: each.sort_key)),
    )


def _steps(run: ImportRun[ProcessView | None], view: ProcessView) -> tuple[Step, ...]:
    known = {each.path for each in run.before.libraries} if run.before else set()
    steps = []
    for each in run.attempts:
        loaded: tuple[str, ...] = ()
        if each.seen is not None:
            loaded = tuple(row.path for row in each.seen.libraries if row.path not in known)
            known |= set(loaded)
        last = last_object(each.events) or (loaded[-1] if loaded else "")
        steps.append(
            Step(
                module=each.module,
                outcome=each.outcome,
                detail=_detail(each),
                last_object=_as_listed(last, view),
                loaded=loaded,
                seconds=round(each.seconds, 3),
            )
        )
    return tuple(steps)


def _detail(attempt: Attempt[ProcessView | None]) -> str:
    if attempt.outcome is Outcome.EXCEPTION:
        return attempt.detail.splitlines()[-1] if attempt.detail else ""
    return attempt.detail


def _as_listed(path: str, view: ProcessView) -> str:
    """The path as /proc has it; the loader's trace has the path as it was opened."""
    if not path or path in view.by_path:
        return path
    real = os.path.realpath(path)
    return real if real in view.by_path else path
