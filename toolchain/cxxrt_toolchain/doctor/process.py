"""A running process, neither stopped nor changed -> its `Diagnosis`, from /proc and its files."""

import shlex

from cxxrt_toolchain.collect.process.belongings import interpreter_of
from cxxrt_toolchain.collect.process.observer import Observer
from cxxrt_toolchain.collect.process.procfs import read_process
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.host.frozen import running_program
from cxxrt_toolchain.report.diagnosis import Diagnosis, Subject
from cxxrt_toolchain.report.graph import edges_of
from cxxrt_toolchain.rules.scenes import judge

_LONGEST_TITLE = 400


def diagnose_process(
    pid: int, *, store: Store | None = None, memory: bool = True, workers: int = 1
) -> Diagnosis:
    """The diagnosis of a running process; its memory is read if `memory` is set and it is allowed.

    `workers` processes read files at once, for a program without threads. Without a store, nothing
    is kept.

    Raises:
        InputError: There is no such process, it has nothing loaded, or it only starts another one.
        MissingToolError: This is not Linux, or /proc denies access to the process.
    """
    facts = read_process(pid)
    interpreter = interpreter_of(facts)
    program = None if interpreter.python else running_program(pid, facts.executable)
    if program is not None:
        raise InputError(
            f"process {pid} only starts the program, which is process {program}.",
            f"Look at that one: cxxrt doctor --pid {program}",
        )
    observer = Observer(interpreter, store or Store(), workers=workers)
    view = observer.look(facts, memory=memory)
    command = " ".join(shlex.join(facts.arguments or (facts.executable,)).split())
    return Diagnosis(
        subject=Subject.PROCESS,
        title=f"process {pid}: {command}"[:_LONGEST_TITLE],
        python=interpreter.python,
        executable=facts.executable,
        glibc=view.glibc,
        variables=tuple(sorted(view.variables.items())),
        packages=view.packages,
        libraries=view.libraries,
        edges=edges_of(view),
        steps=(),
        findings=judge(view),
    )
