"""Imports modules one by one in a child process and diagnoses it, also if it crashes.

The diagnosis holds the outcome of each import, what it loaded, what the memory showed between the
imports and at a crash, and the cure that experiments found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.environment.installed import read_environment
from cxxrt_toolchain.collect.environment.reader import collect_environment
from cxxrt_toolchain.collect.imports.experiments import (
    EVERY_CHANGE,
    Extra,
    Question,
    defines,
    experiment,
    find_preload,
    first_by_variable,
)
from cxxrt_toolchain.collect.imports.import_run import run_imports, say_nothing
from cxxrt_toolchain.collect.imports.registries import shared_registries
from cxxrt_toolchain.collect.imports.watched_child import Variant
from cxxrt_toolchain.collect.process.observer import Observer
from cxxrt_toolchain.collect.process.procfs import read_process
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.errors import InputError, MissingToolError, UsageError
from cxxrt_toolchain.facts.families import LIBSTDCXX, RuntimeFamily
from cxxrt_toolchain.facts.imports.run import (
    Attempt,
    ImportRun,
    ImportScene,
    Outcome,
    Step,
    last_object,
)
from cxxrt_toolchain.facts.imports.trials import ROOM_FOR_TLS, TRIED_ROOM, Change, Cure
from cxxrt_toolchain.host.describe import describe
from cxxrt_toolchain.report.diagnosis import Diagnosis, Subject
from cxxrt_toolchain.report.graph import edges_of
from cxxrt_toolchain.rules.every import judge
from cxxrt_toolchain.rules.imports import crashes
from cxxrt_toolchain.rules.imports.causes import victim_of
from cxxrt_toolchain.rules.imports.loader_messages import is_message
from cxxrt_toolchain.rules.imports.trials import after_trials
from cxxrt_toolchain.rules.rule import Finding, Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.process import ProcessView

TIMEOUT = 120.0
"""Seconds for one import; TensorFlow takes ten on a busy machine."""
_WORTH = {
    **dict.fromkeys(
        ("CXXRT-D8", "CXXRT-D10", "CXXRT-H12", "CXXRT-L004", "CXXRT-P1"), frozenset[Change]()
    ),
    "CXXRT-H13": frozenset({Change.ALONE, Change.ORDER}),
}
"""What may change a message of the loader, where most changes cannot: a library is missing, the
kernel refuses, the reserve is used up."""
_ABSENT = frozenset({"CXXRT-D12", "CXXRT-L004", "CXXRT-P1"})
_PLAIN_EXCEPTIONS = ("ModuleNotFoundError", "SyntaxError", "IndentationError")
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
    failure = run.failure or run.end
    if failure is not None and is_message("\n".join((failure.detail, *failure.causes))):
        say("following the loader")
        with suppress(InputError):  # not glibc's
            scene = replace(scene, facts=collect_environment(environment, os.environ, store))
    if experiments and failure is not None and _may_be_cured(failure):
        if not {each.rule for each in judge(scene)} - crashes.RULES:
            scene = replace(scene, registries=shared_registries(scene.view))
        question = _question(scene, failure, found, modules, timeout)
        if question.worth or question.also:
            scene = replace(scene, verdict=experiment(question, say=say))
    late = (*victim_of(scene), failure.module) if failure else ()
    findings = [
        after_trials(each, scene.verdict, late) if each.rule in _IN_MEMORY else each
        for each in found
    ]
    findings += [after_trials(each, scene.verdict, late) for each in judge(scene)]
    return _diagnosis(scene, tuple(findings))


def _question(
    scene: ImportScene,
    failure: Attempt[ProcessView | None],
    found: Sequence[Finding],
    modules: Sequence[str],
    timeout: float,
) -> Question:
    """What is to be tried, by what is known without trials."""
    interpreter, view = scene.environment.interpreter, scene.view
    own = judge(scene)
    rules = {each.rule for each in own}
    names = [each.module for each in scene.run.attempts]
    before = scene.run.before.libraries if scene.run.before else ()
    preload = find_preload((*interpreter.path, *sys.path), interpreter.base_prefix)
    if any(each.version and not defines(preload, each.version) for each in own):
        preload = ""  # what is known to lack it shows nothing
    narrow = [_WORTH[rule] for rule in rules if rule in _WORTH]
    return Question(
        executable=interpreter.executable,
        modules=modules[: names.index(failure.module) + 1] if failure.module else modules,
        failure=failure,
        preload=preload,
        resident=next((each.path for each in before if each.soname == LIBSTDCXX), ""),
        timeout=timeout,
        certain=bool(rules - crashes.RULES) or _is_certain(found),
        suspected=_suspected(rules, view, found),
        worth=narrow[0] if narrow else EVERY_CHANGE,
        also=tuple(_also(own, scene)),
    )


def _also(own: Sequence[Finding], scene: ImportScene) -> Iterator[Extra]:
    """The trials that test a remedy of one rule."""
    for each in own:
        if each.rule == "CXXRT-H13":
            tried = ROOM_FOR_TLS.format(TRIED_ROOM)
            name, _, value = tried.partition("=")
            given = os.environ.get(name)
            room = Variant(environ=((name, f"{given}:{value}" if given else value),))
            yield Extra(Change.TUNABLE, tried, room)
            by = each.libraries[0]
            yield Extra(Change.PRELOAD, f"LD_PRELOAD={by}", first_by_variable(by, os.environ))
        elif each.rule in _ABSENT and each.library:
            for path in scene.environment.files_named(each.library)[:1]:
                if module := scene.environment.module_above(path):
                    yield Extra(Change.OWNER, f"{module} first", before=(module,))
                yield Extra(Change.LIBRARY, f"{path} loaded first", Variant(preload=(path,)))
        elif each.rule == "CXXRT-P7":
            owner = scene.environment.owner(each.libraries[0])
            others = [e for e in each.libraries[1:] if scene.environment.owner(e) is not owner]
            for path in others[:1]:
                yield Extra(Change.LIBRARY, f"{path} loaded first", Variant(preload=(path,)))
    if scene.registries:
        name, variant = "a registry of types for each module", Variant(own_registries=True)
        yield Extra(Change.REGISTRY, name, variant)


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
        except (InputError, MissingToolError):  # it has ended, or hides itself (PR_SET_DUMPABLE)
            return None

    return look


def _may_be_cured(failure: Attempt[ProcessView | None]) -> bool:
    """False for a module that is not installed or not valid Python."""
    return not failure.detail.startswith(_PLAIN_EXCEPTIONS)


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
