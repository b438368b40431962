"""Run the pip of an environment with the tags known that the environment supports.

pip runs in the environment's own interpreter through ``pip_hook.py``; nothing is installed for it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.errors import MissingToolError, UsageError
from cxxrt_toolchain.host.describe import describe, find_interpreter
from cxxrt_toolchain.host.probe import probe
from cxxrt_toolchain.host.supported import SupportedRuntime, expansion_rows, supported_runtimes
from cxxrt_toolchain.installer.pip_hook import RESTARTED, VARIABLE

if TYPE_CHECKING:
    from cxxrt_toolchain.host.interpreter import Interpreter

_HOOK = Path(__file__).with_name("pip_hook.py")
_EXPANSION = Path(__file__).parents[1] / "host" / "expansion.py"
_SIGNALLED = 128
"""Plus the signal's number: what a shell makes of a process that a signal ended."""


def run_pip(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run pip with these arguments and environment variables; its exit code comes back.

    `UsageError`: a bad ``--python`` or ``CXXRT_CUDA``; `InputError`: no interpreter at that path;
    `MissingToolError`: no pip, or a Python that is too old.
    """
    python, rest = split_python_option(arguments)
    chosen = python or environ.get("PIP_PYTHON")
    executable = find_interpreter(chosen) if chosen else sys.executable
    spec = load_spec()
    interpreter = describe(executable, spec)
    question = hook_question(
        supported_runtimes(probe(interpreter, spec, environ), spec),
        pip=pip_folder(interpreter),
        home=None if chosen else sys.executable,
    )
    command = [executable, str(_HOOK), *rest]
    # pip restarts itself in another interpreter for --python, PIP_PYTHON and the configuration key
    # "python", unless RESTARTED is set (pip._internal.cli.main_parser). The first two are read
    # above; for the third, pip restarts pip_hook.py, which comes back here for that one's tags.
    child_environ = {**environ, **({RESTARTED: "1"} if chosen else {}), VARIABLE: question}
    with subprocess.Popen(command, env=child_environ) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:  # the terminal has sent it to pip as well, which cleans up
            code = process.wait()
        except SystemExit:
            process.terminate()
            raise
    return code if code >= 0 else _SIGNALLED - code


def split_python_option(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Take ``--python EXE`` or ``--python=EXE`` out of pip's arguments; the last one counts."""
    python: str | None = None
    rest: list[str] = []
    pending = iter(arguments)
    for argument in pending:
        if argument == "--":
            return python, [*rest, argument, *pending]
        if argument == "--python":
            python = next(pending, "")
            if not python:
                raise UsageError("--python needs the path of an interpreter or an environment.")
        elif argument.startswith("--python="):
            python = argument.partition("=")[2]
        else:
            rest.append(argument)
    return python, rest


def hook_question(found: Sequence[SupportedRuntime], *, pip: str | None, home: str | None) -> str:
    """What ``pip_hook.py`` reads from its variable; its docstring says what the parts are."""
    rows = [
        (runtime, behind, floor, sorted(architectures))
        for runtime, behind, floor, architectures in expansion_rows(found)
    ]
    return json.dumps({"runtimes": rows, "expansion": str(_EXPANSION), "pip": pip, "home": home})


def pip_folder(interpreter: Interpreter) -> str | None:
    """The folder to take pip from; None: the environment's own. `MissingToolError` without any."""
    if interpreter.pip is not None:
        return None
    ours = describe(sys.executable, load_spec()).pip
    if ours is None:
        raise MissingToolError(
            f"neither {interpreter.executable} nor {sys.executable} has pip.",
            f"Run '{interpreter.executable} -m ensurepip', or install the package pip.",
        )
    return ours
