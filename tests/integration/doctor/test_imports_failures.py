"""Imports that end in other ways: exceptions, exits, hangs, noise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.collect.imports import import_run
from cxxrt_toolchain.doctor.imports import diagnose_imports
from cxxrt_toolchain.errors import InputError, MissingToolError, UsageError
from cxxrt_toolchain.facts.imports.run import Outcome
from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.report.diagnosis import Diagnosis


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def diagnose(*modules: str, timeout: float = 60) -> Diagnosis:
    return diagnose_imports(sys.executable, modules, timeout=timeout, experiments=False)


def test_a_module_that_is_missing(site: Path) -> None:
    diagnosis = diagnose("json", "cxxrt_absent.part")
    (found,) = [each for each in diagnosis.findings if each.rule == "CXXRT-D28"]
    assert "cxxrt_absent is not installed for" in found.message
    assert not diagnosis.healthy
    assert diagnosis.steps[1].detail == "ModuleNotFoundError: No module named 'cxxrt_absent'"


def test_what_an_exception_was_raised_from_is_read_too(site: Path) -> None:
    (site / "wraps.py").write_text(
        "import ctypes\n"
        "try:\n    ctypes.CDLL('libcxxrt_absent.so.7')\n"
        "except OSError:\n    raise RuntimeError('no backend')\n"
    )
    diagnosis = diagnose("wraps")
    errors = {e.rule: e for e in diagnosis.findings if e.severity is Severity.ERROR}
    missing, failed = errors.pop("CXXRT-P1"), errors.pop("CXXRT-D28")
    assert not errors
    assert "libcxxrt_absent.so.7 was not found" in missing.message
    assert "raises RuntimeError: no backend" in failed.message
    (site / "hides.py").write_text((site / "wraps.py").read_text().rstrip() + " from None\n")
    assert {each.rule for each in diagnose("hides").findings} >= {"CXXRT-D28"}
    assert "CXXRT-P1" not in {each.rule for each in diagnose("hides").findings}


_ENDS = "import atexit, ctypes\natexit.register({})\n"
_DESTRUCTOR = """
struct Ends { ~Ends() { *(volatile int*)0 = 1; } };
static Ends ends;
"""


def test_a_crash_when_the_interpreter_ends_is_one(site: Path) -> None:
    (site / "ends.py").write_text(_ENDS.format("ctypes.string_at, 0"))
    diagnosis = diagnose("json", "ends")
    assert [step.outcome for step in diagnosis.steps] == [Outcome.IMPORTED] * 2
    (found,) = [each for each in diagnosis.findings if each.rule == "CXXRT-D27"]
    assert found.message == (
        "Importing json, ends works, and the interpreter crashes with SIGSEGV at exit"
    )
    (site / "calm.py").write_text(_ENDS.format("print, 'bye'"))
    assert diagnose("json", "calm").healthy


@pytest.mark.compile
def test_so_is_one_in_a_static_destructor(site: Path) -> None:
    if shutil.which("g++") is None:
        pytest.skip("needs a C++ compiler: apt-get install g++")
    (site / "ends.cc").write_text(_DESTRUCTOR)
    library = site / "libends.so"
    subprocess.run(["g++", "-shared", "-fPIC", "-o", library, site / "ends.cc"], check=True)
    (site / "ends.py").write_text(f"import ctypes\nctypes.CDLL({str(library)!r})\n")
    diagnosis = diagnose("ends")
    (found,) = [each for each in diagnosis.findings if each.rule == "CXXRT-D27"]
    assert "crashes with SIGSEGV at exit" in found.message


def test_a_process_that_does_not_end_is_not_waited_for(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_run, "_MOST_FOR_THE_END", 0.5)
    (site / "goes_on.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
    )
    started = time.monotonic()
    assert diagnose("goes_on").healthy
    assert time.monotonic() - started < 60


def test_an_exception_says_what_and_where(site: Path) -> None:
    (site / "raises.py").write_text("x = 1\nraise ValueError('three\\nlines\\nof it')\n")
    diagnosis = diagnose("raises")
    (found,) = [each for each in diagnosis.findings if each.rule == "CXXRT-D28"]
    assert f"the last line of Python was {site / 'raises.py'}:2" in found.evidence
    assert diagnosis.steps[0].detail == "of it"


def test_what_a_failing_import_wrote_is_quoted(site: Path) -> None:
    (site / "says.py").write_text(
        "import os\nprint('to stdout')\nos.write(2, b'early\\n' * 9 + b'the cause\\n')\n"
        "import gone\n"
    )
    (site / "dies.py").write_text("import os\nos.write(2, b'no \\x1b licence\\n')\nos._exit(4)\n")
    evidence = _evidence(diagnose("json", "says")).splitlines()
    assert evidence[-1] == "it wrote: the cause"
    assert evidence.count("it wrote: early") == 4
    (found,) = [each for each in diagnose("dies").findings if each.rule == "CXXRT-D27"]
    assert found.message.startswith("Importing dies ends the process, exit 4")
    assert "it wrote: no \\x1b licence" in found.evidence


def test_a_module_that_ends_the_process(site: Path) -> None:
    (site / "leaves.py").write_text("import os\nos._exit(3)\n")
    (site / "exits.py").write_text("import sys\nsys.exit('no licence')\n")
    assert diagnose("leaves").steps[0].detail == "exit 3"
    step = diagnose("exits").steps[0]
    assert (step.outcome, step.detail) == (Outcome.EXCEPTION, "SystemExit: no licence")


def test_a_hang_ends_with_its_line_and_without_survivors(site: Path) -> None:
    (site / "hangs.py").write_text(
        "import subprocess\nsubprocess.Popen(['sleep', '12345.75'])\nwhile True:\n    pass\n"
    )
    diagnosis = diagnose("hangs", timeout=2)
    assert diagnosis.steps[0].outcome is Outcome.TIMED_OUT
    (found,) = [each for each in diagnosis.findings if each.rule == "CXXRT-D29"]
    assert any("hangs.py:" in line for line in found.evidence)
    deadline = time.monotonic() + 20
    while _running("12345.75") and time.monotonic() < deadline:  # it is killed, not yet gone
        time.sleep(0.1)
    assert not _running("12345.75")


def _running(argument: str) -> bool:
    return any(argument in words for words in map(_command, Path("/proc").glob("[0-9]*")))


def _command(place: Path) -> list[str]:
    try:
        return (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def test_what_modules_print_stays_out_of_ours(
    site: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (site / "noisy.py").write_text(
        "import os, sys\nprint('to stdout' * 10_000)\nos.write(2, b'to stderr')\n"
        "assert sys.stdin.read() == ''\n"
    )
    assert diagnose("noisy").healthy
    assert capfd.readouterr() == ("", "")


def test_a_crash_in_a_thread_is_seen(site: Path) -> None:
    (site / "threaded.py").write_text(
        "import ctypes, threading\n"
        "worker = threading.Thread(target=ctypes.string_at, args=(0,))\n"
        "worker.start()\nworker.join()\n"
    )
    diagnosis = diagnose("threaded")
    assert diagnosis.steps[0].detail == "SIGSEGV"
    if os.uname().machine == "x86_64":
        assert "it was in " in _evidence(diagnosis), "the handler runs on the thread's own stack"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the signal frame of x86-64")
def test_a_jump_into_nowhere_is_called_one(site: Path) -> None:
    (site / "jumps.py").write_text("import ctypes\nctypes.CFUNCTYPE(None)(0x1000)()\n")
    evidence = _evidence(diagnose("jumps"))
    assert "it jumped to 0x1000, where no code is mapped, called from libffi" in evidence


def _evidence(diagnosis: Diagnosis) -> str:
    return "\n".join(line for each in diagnosis.findings for line in each.evidence)


def test_a_crash_without_a_report_is_still_one(site: Path) -> None:
    (site / "killed.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert diagnose("killed").steps[0].detail == "SIGKILL"


@pytest.mark.parametrize("names", [[], ["not-a-module"], ["a", "a"], ["os; import x"]])
def test_names_that_are_none(names: list[str]) -> None:
    with pytest.raises(UsageError):
        diagnose(*names)


def test_an_interpreter_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError):
        diagnose_imports(str(tmp_path / "python"), ["json"])
    with pytest.raises(InputError):
        diagnose_imports("/bin/true", ["json"])
