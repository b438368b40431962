"""What a module or a start file writes, closes or raises is never the answer of our child."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxxrt_toolchain.collect.imports.channel import parse_answer
from cxxrt_toolchain.collect.imports.import_run import run_imports
from cxxrt_toolchain.facts.imports.run import Outcome
from cxxrt_toolchain.host.describe import describe

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.imports.run import Attempt, ImportRun

_FORGED = '{"outcome": "imported", "question": ""}'
_WRITE = f"""
import os
for fd in range(3, 1024):
    for text in (b"garbage\\n", b'{_FORGED}\\n', b"[" * 5000 + b"\\n", b"\\xff{{}}\\n"):
        try: os.write(fd, text)
        except OSError: pass
"""
_CLOSE = "import os\nos.closerange({}, {})\n"
_FAIL = "raise ImportError('real failure')\n"


def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **modules: str) -> ImportRun[None]:
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    names = [name for name in modules if name != "sitecustomize"]
    return run_imports(sys.executable, names, timeout=20, observe=lambda _: None)


def _last(run: ImportRun[None]) -> Attempt[None]:
    return run.attempts[-1]


@pytest.mark.parametrize(
    "text", [_WRITE, _CLOSE.format(3, 500), _CLOSE.format(3, 1024), _CLOSE.format(0, 1024)]
)
def test_a_module_that_writes_to_or_closes_every_descriptor_is_imported(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _run(tmp_path, monkeypatch, first=text, second="x = 1\n")
    assert [each.outcome for each in run.attempts] == [Outcome.IMPORTED] * 2
    assert run.end is None


@pytest.mark.parametrize("text", [_WRITE, _CLOSE.format(3, 1024), _CLOSE.format(0, 1024)])
def test_no_forged_answer_hides_a_failure(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _last(_run(tmp_path, monkeypatch, broken=text + _FAIL))
    assert found.outcome is Outcome.EXCEPTION
    assert found.detail == "ImportError: real failure"


@pytest.mark.parametrize("text", [_CLOSE.format(3, 1024), _CLOSE.format(0, 1024)])
def test_a_crash_after_all_was_closed_is_reported_for_the_next_module(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    found = _last(_run(tmp_path, monkeypatch, first=text, crash=crash))
    assert (found.outcome, found.detail) == (Outcome.CRASHED, "SIGSEGV")
    assert found.report.startswith("Fatal Python error: ")


@pytest.mark.parametrize("text", [_WRITE, _CLOSE.format(3, 1024), _CLOSE.format(0, 1024)])
def test_a_start_file_may_do_so_too(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _run(tmp_path, monkeypatch, sitecustomize=text, fine="x = 1\n", broken=_FAIL)
    assert [each.outcome for each in run.attempts] == [Outcome.IMPORTED, Outcome.EXCEPTION]


_ODD = {
    "name": "error = ImportError('odd'); error.name = object()",
    "text": "class E(ImportError):\n def __str__(self): raise SystemExit(3)\nerror = E()",
    "equality": (
        "class E(ImportError):\n def __eq__(self, other): raise KeyError\n __hash__ = None\n"
        "error = E(); error.__cause__ = E(); error.__cause__.__cause__ = error"
    ),
    "cause": "class E(ImportError):\n __cause__ = 3\nerror = E()",
    "getattr": (
        "class E(ImportError):\n def __getattribute__(self, name): raise RuntimeError\nerror = E()"
    ),
    "long": "error = ImportError('x' * 10_000_000)",
    "surrogates": "error = ImportError('\\udcff\\x1b[31m')",
    "exit": "error = SystemExit(object())",
}


@pytest.mark.parametrize("kind", _ODD)
def test_an_odd_exception_is_an_exception(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _last(_run(tmp_path, monkeypatch, odd=f"{_ODD[kind]}\nraise error\n"))
    assert found.outcome is Outcome.EXCEPTION
    assert len(found.detail) <= 4010


def test_functions_that_a_module_replaces_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = "import os, json\nfor f in ('open', 'read', 'write', 'close'): setattr(os, f, None)\n"
    run = _run(
        tmp_path, monkeypatch, patch=f"{patch}json.dumps = json.loads = None\n", broken=_FAIL
    )
    assert [each.outcome for each in run.attempts] == [Outcome.IMPORTED, Outcome.EXCEPTION]


def test_a_fork_in_a_module_answers_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = _run(tmp_path, monkeypatch, fork="import os\nos.fork()\n", broken=_FAIL)
    assert [each.outcome for each in run.attempts] == [Outcome.IMPORTED, Outcome.EXCEPTION]


@pytest.mark.parametrize(
    "text",
    [
        "import atexit; atexit.register(print, 'bye')",
        "import atexit; atexit.register(print, '{}')",
        "import atexit, os; atexit.register(os.abort)",
        "import os; os.closerange(0, 1024)",
        "import sys; sys.stdout = sys.stderr = None",
        "import threading, time; threading.Thread(target=time.sleep, args=(300,)).start()",
        _WRITE,
    ],
)
def test_an_interpreter_describes_itself_whatever_its_start_files_do(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = describe(sys.executable)
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert str(tmp_path) in found.path
    assert Path(found.program).samefile(os.path.realpath(sys.executable))


@given(
    st.one_of(
        st.binary(),
        st.recursive(
            st.none() | st.integers() | st.text() | st.sampled_from(["q", "imported", "ready"]),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from(["question", "outcome", "causes", "detail", "descriptor"]),
                    inner,
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_only_a_whole_answer_to_the_question_is_one(line: bytes) -> None:
    found = parse_answer(line, "q")
    if found is not None:
        assert found["question"] == "q"
        assert found["outcome"] in ("ready", "imported")
        assert all(isinstance(each, str) for each in found.get("causes", []))


_LIMIT = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, ({0}, {0}))\n"
_NASTY = {
    "no descriptor may be opened": _LIMIT.format(0),
    "none is left": "import os\ntry:\n    while True: os.dup(1)\nexcept OSError: pass\n",
    "another root": "import os, tempfile\nos.chroot(tempfile.mkdtemp())\n",
    "our folder is gone": "import glob, shutil, sys, tempfile\n"
    "for each in glob.glob(tempfile.gettempdir() + '/cxxrt-imports-*'): shutil.rmtree(each)\n",
    "our functions are replaced": "import faulthandler, json, os, resource, sys, traceback\n"
    "for name in ('stat', 'fstat', 'set_blocking', 'dup2', 'getpid', 'open', 'write'):\n"
    "    setattr(os, name, None)\n"
    "resource.setrlimit = resource.getrlimit = json.dumps = faulthandler.enable = None\n"
    "sys.stdout = sys.stderr = traceback.format_exception_only = traceback.format_exc = None\n",
    "an audit hook forbids to open": "import sys\ndef hook(event, _):\n"
    "    if event == 'open': raise RuntimeError('forbidden')\nsys.addaudithook(hook)\n",
    "every signal is handled": "import signal\nfor number in range(1, 32):\n"
    "    try: signal.signal(number, lambda *_: None)\n    except (OSError, ValueError): pass\n",
    "memory cannot be looked at": "import ctypes\nctypes.CDLL(None).prctl(4, 0)\n",
    "a thread goes on": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n",
}


@pytest.mark.parametrize("kind", _NASTY)
def test_no_module_takes_away_how_its_import_ended(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "chroot" in _NASTY[kind] and os.geteuid() != 0:
        pytest.skip("only root may have another root folder")
    assert _last(_run(tmp_path, monkeypatch, quiet=_NASTY[kind])).outcome is Outcome.IMPORTED
    found = _last(_run(tmp_path, monkeypatch, broken=_NASTY[kind] + _FAIL))
    assert (found.outcome, found.detail) == (Outcome.EXCEPTION, "ImportError: real failure")


@pytest.mark.parametrize(
    ("text", "outcome", "detail"),
    [
        ("raise KeyboardInterrupt\n", Outcome.EXCEPTION, "KeyboardInterrupt"),
        ("import os\nif os.fork(): os._exit(0)\n", Outcome.CRASHED, "exit 0"),
        ("import os\nif not os.fork(): raise ImportError\n", Outcome.IMPORTED, ""),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n", Outcome.TIMED_OUT, ""),
        ("import os\nwhile True: os.write(1, b'x' * (1 << 20))\n", Outcome.TIMED_OUT, ""),
    ],
)
def test_it_always_ends_and_says_how(
    text: str, outcome: Outcome, detail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    started = time.monotonic()
    run = run_imports(sys.executable, ["odd"], timeout=2, observe=lambda _: None)
    assert time.monotonic() - started < 30
    found = _last(run)
    assert found.outcome is outcome
    assert found.detail == (detail or found.detail)
