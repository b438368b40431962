"""How the runner tells one end of a process from another; no wheel is needed for that."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from realwheels.execute import Job, run_job

if TYPE_CHECKING:
    from collections.abc import Callable

PYTHON = Path(sys.executable)


@pytest.mark.parametrize(
    ("steps", "prints", "said", "step"),
    [
        (("x = 6", "print(x * 7)"), "42", "ok", 2),
        (("x = 6", "print(x)"), "42", "wrong output: 6", 2),
        (("x = 6", "import no_such_module"), "", "error: ModuleNotFoundError: No module", 1),
        (("import ctypes; ctypes.string_at(0)",), "", "SIGSEGV", 0),
        (("import os", "os.abort()"), "", "SIGABRT", 1),
    ],
)
def test_each_end_has_its_name(steps: tuple[str, ...], prints: str, said: str, step: int) -> None:
    outcome = run_job(Job(python=PYTHON, steps=steps), prints)
    assert str(outcome).startswith(said)
    assert outcome.step == step


def test_a_job_is_told_nothing_by_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    step = "import os; print([key for key in os.environ if key[:3] in ('LD_', 'PYT')])"
    assert run_job(Job(python=PYTHON, steps=(step,)), "[]").kind == "ok"


def test_what_is_opened_first_is_global(elf_fixture: Callable[[str], Path]) -> None:
    step = "import ctypes; print(hasattr(ctypes.CDLL(None), 'dep'))"
    library = elf_fixture("libdep.so")
    assert run_job(Job(python=PYTHON, steps=(step,)), "False").kind == "ok"
    assert run_job(Job(python=PYTHON, steps=(step,), open_first=(library,)), "True").kind == "ok"
    assert run_job(Job(python=PYTHON, steps=(step,), preload=(library,)), "True").kind == "ok"
