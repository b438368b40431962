"""An interpreter -> the `Diagnosis` of its environment: collect, judge, draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.environment.installed import read_environment, with_program
from cxxrt_toolchain.collect.environment.reader import collect_environment
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.host.describe import describe
from cxxrt_toolchain.report.graph import draw
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.rules.scenes import judge

if TYPE_CHECKING:
    from cxxrt_toolchain.host.interpreter import Interpreter
    from cxxrt_toolchain.report.diagnosis import Diagnosis


def diagnose_environment(
    executable: str, environ: Mapping[str, str], *, store: Store | None = None, workers: int = 1
) -> Diagnosis:
    """The diagnosis of all that is installed for an interpreter, which is started once.

    `environ` holds the variables that its programs run with; `workers` processes read at once, for
    a program without threads. Without a store, nothing is kept.

    Raises:
        InputError: It cannot describe itself, or does not run on glibc.
        MissingToolError: It cannot be started.
    """
    store = store or Store()
    environment = read_environment(describe(executable), store)
    facts = collect_environment(environment, environ, store, workers=workers)
    return draw(facts, judge(facts))


def diagnose_packed(
    interpreter: Interpreter,
    environ: Mapping[str, str],
    *,
    store: Store | None = None,
    workers: int = 1,
) -> Diagnosis:
    """The diagnosis of a program that was packed with its interpreter, which is not started.

    Raises `InputError` if it does not run on glibc.
    """
    store = store or Store()
    environment = with_program(read_environment(interpreter, store), store)
    facts = collect_environment(environment, environ, store, workers=workers)
    program = environment.distributions[-1].name
    findings = (
        replace(each, remedies=tuple(_where_it_is_built(each, program))) for each in judge(facts)
    )
    return draw(facts, tuple(findings))


def _where_it_is_built(found: Finding, program: str) -> Iterator[str]:
    """A packed program has no pip: what it consists of is changed where it is built."""
    for each in found.remedies if found.severity is not Severity.NOTE else ():
        if not each.startswith("pip "):
            yield each
        elif program not in found.culprits:
            yield f"where the program is built: {each}; then pack it again"
