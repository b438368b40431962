"""Modules imported one by one in a child process -> `Diagnosis`, also where the child dies of it.

In: an interpreter and module names. Out: how each import went, what it loaded, what the process's
memory showed between the imports and in the moment of a crash, and after a failure what cures it.
The modules never run in this process.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.environment.installed import read_environment
from cxxrt_toolchain.collect.imports.experiments import experiment, find_preload
from cxxrt_toolchain.collect.imports.import_run import run_imports, say_nothing
from cxxrt_toolchain.collect.process.observer import Observer
from cxxrt_toolchain.collect.process.procfs import read_process
from cxxrt_toolchain.errors import InputError, UsageError
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.imports import Cure, ImportRun, Outcome, Step, Verdict
from cxxrt_toolchain.facts.loader_trace import last_object
from cxxrt_toolchain.host.describe import describe
from cxxrt_toolchain.report.diagnosis import Diagnosis, Subject
from cxxrt_toolchain.report.process_edges import edges_of
from cxxrt_toolchain.rules import captures as binding_rules
from cxxrt_toolchain.rules import loader_messages
from cxxrt_toolchain.rules.crashes import triage
from cxxrt_toolchain.rules.process import judge
from cxxrt_toolchain.rules.rule import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cxxrt_toolchain.collect.cache import FactsCache
    from cxxrt_toolchain.facts.imports import Attempt
    from cxxrt_toolchain.facts.installed import Environment
    from cxxrt_toolchain.facts.loader_trace import Event
    from cxxrt_toolchain.facts.process import ProcessView

TIMEOUT = 120.0
"""Seconds for one import; TensorFlow takes ten on a busy machine."""
_HOPELESS = frozenset({"CXXRT-D8", "CXXRT-H12", "CXXRT-L004", "CXXRT-P1"})
"""What the loader may say that no variant changes: a library is missing, or the kernel refuses."""


def diagnose_imports(
    executable: str,
    modules: Sequence[str],
    *,
    timeout: float = TIMEOUT,
    experiments: bool = True,
    cache: FactsCache | None = None,
    say: Callable[[str], None] = say_nothing,
) -> Diagnosis:
    """Import modules with an interpreter, one by one, and judge what comes of it.

    Args:
        executable: The user's interpreter, Python 3.6 or newer.
        modules: Dotted names, in the order in which the user imports them.
        timeout: Seconds for one import.
        experiments: Whether to repeat a failure in other ways, to learn what cures it.
        cache: Of the facts of files.
        say: Is told what is going on, a line each time; also from other threads.

    Raises:
        UsageError: A name is no module name.
        MissingToolError: The interpreter cannot be started, or this is not Linux.
        InputError: It fails before the first import.
    """
    _check(modules)
    say("reading what is installed")
    environment = read_environment(describe(executable), cache)
    observer = Observer(environment.interpreter, environment=environment, cache=cache)
    look = _look_with(observer, say)
    run = run_imports(executable, modules, timeout=timeout, observe=look, say=say)
    view = _last_view(run)
    found = judge(view) if view else ()
    verdict = None
    if run.failure is not None and view is not None and experiments and _is_worth_it(run.failure):
        tried = modules[: [each.module for each in run.attempts].index(run.failure.module) + 1]
        preload = find_preload(
            (*environment.interpreter.path, *sys.path), environment.interpreter.base_prefix
        )
        failure = run.failure
        text = "\n".join((failure.detail, *failure.causes))
        told = tuple(loader_messages.findings(text, view, environment, failure.events))
        if not _HOPELESS.intersection(each.rule for each in told):
            verdict = experiment(
                executable,
                tried,
                preload,
                timeout=timeout,
                certain=bool(told) or _is_certain(found),
                suspected=_suspected(told, view, found),
                say=say,
            )
    return _diagnosis(run, view, found, verdict, environment)


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
        except InputError:  # it is gone already
            return None

    return look


def _last_view(run: ImportRun[ProcessView | None]) -> ProcessView | None:
    views = [run.before, *(each.seen for each in run.attempts)]
    return next((view for view in reversed(views) if view is not None), None)


def _is_worth_it(failure: Attempt[ProcessView | None]) -> bool:
    """A module that is not installed, or not valid Python, stays so in every variant."""
    simple = ("ModuleNotFoundError", "SyntaxError", "IndentationError")
    return not failure.detail.startswith(simple)


def _is_certain(found: Iterable[Finding]) -> bool:
    """Whether the memory shows why; then it is no chance."""
    return any(
        each.rule in binding_rules.RULES and each.severity is not Severity.NOTE for each in found
    )


def _suspected(told: Iterable[Finding], view: ProcessView, found: Iterable[Finding]) -> Cure | None:
    """What would cure the failure by what loader and memory say.

    Separation only where a runtime cannot: one libstdc++ serves all, nobody has taken over parts of
    it that matter, and definitions that do not fit have replaced others.
    """
    rules = {each.rule for each in (*told, *found) if each.severity is not Severity.NOTE}
    if rules & {"CXXRT-D1", "CXXRT-D20", "CXXRT-D21"}:
        return Cure.RUNTIME
    copies = len(view.of_family(RuntimeFamily.LIBSTDCXX))
    linked = any(RuntimeFamily.LIBSTDCXX in each.static for each in view.libraries)
    whole = view.bindings is not None and copies <= 1 and not linked
    return Cure.SEPARATION if whole and "CXXRT-D22" in rules else None


def _diagnosis(
    run: ImportRun[ProcessView | None],
    view: ProcessView | None,
    found: tuple[Finding, ...],
    verdict: Verdict | None,
    environment: Environment,
) -> Diagnosis:
    interpreter = environment.interpreter
    findings = list(found)
    if view is not None and (run.failure is not None or run.end is not None):
        findings = list(triage(run, view, findings, verdict, environment))
    events: list[Event] = [event for each in run.attempts for event in each.events]
    return Diagnosis(
        subject=Subject.IMPORTS,
        title=f"import {', '.join(each.module for each in run.attempts)}",
        python=interpreter.python,
        executable=interpreter.executable,
        glibc=interpreter.glibc,
        variables=tuple(sorted(view.variables.items())) if view else (),
        packages=view.packages if view else (),
        libraries=view.libraries if view else (),
        edges=edges_of(view, events) if view else (),
        steps=_steps(run, view),
        findings=tuple(sorted(findings, key=lambda each: each.sort_key)),
    )


def _steps(run: ImportRun[ProcessView | None], view: ProcessView | None) -> tuple[Step, ...]:
    """What each import brought in, by comparing what was loaded before and after."""
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


def _as_listed(path: str, view: ProcessView | None) -> str:
    """The loader names files as they were opened, /proc as they lie; take /proc's name."""
    if not path or view is None or path in view.by_path:
        return path
    real = os.path.realpath(path)
    return real if real in view.by_path else path
