"""A running process -> `Diagnosis`, from /proc and from the files that it has mapped.

In: a process id. Out: what is loaded, where it comes from, and what is wrong with it. The process
is neither stopped nor changed.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.process.belongings import interpreter_of
from cxxrt_toolchain.collect.process.observer import Observer
from cxxrt_toolchain.collect.process.procfs import read_process
from cxxrt_toolchain.report.diagnosis import Diagnosis, Subject
from cxxrt_toolchain.report.graph import edges_of
from cxxrt_toolchain.rules.process import judge

if TYPE_CHECKING:
    from cxxrt_toolchain.collect.cache import FactsCache

_LONGEST_TITLE = 400


def diagnose_process(
    pid: int, *, cache: FactsCache | None = None, memory: bool = True
) -> Diagnosis:
    """Look at a running process and judge it.

    Args:
        pid: Its id.
        cache: Of the facts of files.
        memory: Whether to read its memory, where that is allowed.

    Raises:
        InputError: There is no such process, or none that has anything loaded.
        MissingToolError: This is not Linux, or the process is not ours to look at.
    """
    facts = read_process(pid)
    interpreter = interpreter_of(facts)
    observer = Observer(interpreter, cache=cache)
    view = observer.look(facts, memory=memory)
    observer.save()
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
