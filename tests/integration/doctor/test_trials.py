"""Experiments side by side: which are made, in which order, and that none outlives its use."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cxxrt_toolchain.collect.imports.experiments import Question, experiment
from cxxrt_toolchain.collect.imports.trials import Trials
from cxxrt_toolchain.doctor.imports import diagnose_imports
from cxxrt_toolchain.facts.imports.run import Attempt, Outcome
from cxxrt_toolchain.facts.imports.trials import Change, Cure, Ending, Trial, Verdict

if TYPE_CHECKING:
    from cxxrt_toolchain.report.diagnosis import Diagnosis


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CXXRT_TEST_MARK", str(tmp_path / "mark"))
    (tmp_path / "first.py").write_text("")
    return tmp_path


def put(site: Path, name: str, text: str) -> None:
    (site / f"{name}.py").write_text(text)


def fails_after_first(site: Path) -> None:
    put(site, "last", "import sys\nassert 'first' not in sys.modules, 'first came first'\n")


def library() -> str:
    found = next(Path("/usr/lib").glob("*-linux-gnu/libstdc++.so.6"), None)
    if found is None:
        pytest.skip("needs the machine's libstdc++")
    return str(found)


def failed(detail: str, module: str = "last") -> Attempt[None]:
    return Attempt(module=module, outcome=Outcome.EXCEPTION, detail=detail)


FIRST_CAME_FIRST = failed("AssertionError: first came first")


def tried(
    suspected: Cure | None = None,
    modules: tuple[str, ...] = ("first", "last"),
    failure: Attempt[None] = FIRST_CAME_FIRST,
    **options: Any,  # noqa: ANN401 - those of Question
) -> Verdict:
    options = dict[str, Any](timeout=60, certain=True, preload=library()) | options
    return experiment(
        Question(
            executable=sys.executable,
            modules=modules,
            failure=failure,
            suspected=suspected,
            **options,
        )
    )


def names(trials: tuple[Trial, ...]) -> list[str]:
    return [each.name for each in trials]


def test_order_is_tried_where_the_failing_module_was_tried_alone(site: Path) -> None:
    fails_after_first(site)
    put(site, "first", "import os, sys\nopen(os.environ['CXXRT_TEST_MARK'], 'a').write(\n"
        "    f\"{os.getpid()} {'last' in sys.modules}\\n\")\n")  # fmt: skip
    found = tried(None)
    assert found.cure is Cure.SEPARATION
    assert found.works(Change.ALONE)
    assert found.works(Change.ORDER)
    assert found.ending(Change.RUNTIME) is Ending.SAME
    assert names(found.trials) == [
        *("last alone", "libstdc++ first and global"),
        *("last with RTLD_DEEPBIND", "the other order"),
    ]
    rows = (site / "mark").read_text().splitlines()
    assert sum(row.endswith("True") for row in rows) == 1, "in the process that had `last` already"


def test_what_the_memory_rules_out_is_not_tried(site: Path) -> None:
    fails_after_first(site)
    found = tried(Cure.SEPARATION)
    assert found.cure is Cure.SEPARATION
    assert found.ending(Change.RUNTIME) is None


def test_a_wrong_suspicion_loses_nothing(site: Path) -> None:
    for suspected in (Cure.SEPARATION, Cure.RUNTIME, None):
        put(site, "last", "import sys\n"
            "lib = 'libstdc++' in open('/proc/self/maps').read()\n"
            "assert lib or 'first' not in sys.modules, 'first came first'\n")  # fmt: skip
        put(site, "first", "import sys\nassert 'last' not in sys.modules, 'first came first'\n")
        found = tried(suspected)
        assert found.cure is Cure.RUNTIME, (suspected, found)
        assert "libstdc++ first and global" in names(found.trials)
    fails_after_first(site)
    put(site, "first", "")
    found = tried(Cure.RUNTIME)
    assert found.cure is Cure.SEPARATION


def test_a_module_that_fails_alone_is_not_tried_in_other_orders(site: Path) -> None:
    put(site, "last", "raise OSError('always')\n")
    found = tried(failure=failed("OSError: always"), preload="", certain=False)
    assert found.cure is Cure.NOTHING
    assert [(each.name, each.how) for each in found.trials] == [
        ("the same again", "fails: OSError: always"),
        ("last alone", "fails: OSError: always"),
    ]


def test_a_failure_of_another_kind_alone_says_nothing(site: Path) -> None:
    """`last` needs `loader` and fails after `first`: they are told apart by leaving one out."""
    put(site, "loader", "")
    put(site, "last", "import os, sys\nassert 'loader' in sys.modules, 'no loader'\n"
        "if 'first' in sys.modules: os.abort()\n")  # fmt: skip
    abort: Attempt[None] = Attempt(module="last", outcome=Outcome.CRASHED, detail="SIGABRT")
    found = tried(modules=("loader", "first", "last"), failure=abort)
    endings = {each.name: each.ending for each in found.trials}
    assert endings["last alone"] is Ending.OTHER
    assert endings["without loader"] is Ending.OTHER
    assert endings["without first"] is Ending.WORKS
    assert endings["the other order"] is Ending.WORKS, "loader, last, first"
    assert found.cure is Cure.SEPARATION


def test_an_abort_with_other_last_words_is_another_failure(site: Path) -> None:
    words = "b'twice\\n' if 'first' in sys.modules else b'no licence\\n'"
    put(site, "last", f"import os, sys\nos.write(2, {words})\nos.abort()\n")
    abort: Attempt[None] = Attempt(
        module="last", outcome=Outcome.CRASHED, detail="SIGABRT", words=("twice",)
    )
    found = tried(failure=abort)
    assert found.ending(Change.ALONE) is Ending.OTHER
    assert found.ending(Change.RUNTIME) is Ending.SAME
    hows = {each.name: each.how for each in found.trials}
    assert hows["last alone"] == "fails in another way: SIGABRT (no licence)"


def test_a_crash_at_exit_is_tried_to_the_end(site: Path) -> None:
    put(site, "last", "import atexit, os, sys\n"
        "if 'first' in sys.modules: atexit.register(os.abort)\n")  # fmt: skip
    abort: Attempt[None] = Attempt(module="", outcome=Outcome.CRASHED, detail="SIGABRT")
    found = tried(failure=abort)
    assert found.ending(Change.ALONE) is Ending.WORKS
    assert found.ending(Change.RUNTIME) is Ending.SAME
    assert found.works(Change.ORDER)


def test_what_is_there_before_python_is_preceded_by_a_variable(site: Path) -> None:
    fails_after_first(site)
    found = tried(resident="/another/libstdc++.so.6")
    assert "libstdc++ first and global, by LD_PRELOAD" in names(found.trials)
    put(site, "last", "import os\nassert not os.environ.get('LD_PRELOAD'), 'first came first'\n"
        "assert 0, 'first came first'\n")  # fmt: skip
    found = tried(resident=library())
    assert found.ending(Change.RUNTIME) is None, "that one is first already"


def test_a_second_success_ends_everything(site: Path) -> None:
    put(site, "last", "import sys, time\ntime.sleep(0 if 'first' in sys.modules else 600)\n")
    started = time.monotonic()
    found = tried(certain=False, preload="", timeout=600)
    assert found.cure is Cure.CHANCE
    assert names(found.trials) == ["the same again"]
    assert time.monotonic() - started < 60, "the module alone would sleep for minutes"


def test_nothing_outlives_the_trials(site: Path) -> None:
    put(site, "sleeps", "import os, time\nopen(os.environ['CXXRT_TEST_MARK'], 'a').write(\n"
        "    f'{os.getpid()}\\n')\ntime.sleep(600)\n")  # fmt: skip
    said: list[str] = []
    with Trials(sys.executable, FIRST_CAME_FIRST, timeout=600, say=said.append) as trials:
        for number in range(8):
            trials.start(Change.NOTHING, f"number {number}", ["sleeps"])
        deadline = time.monotonic() + 60
        while not (site / "mark").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    assert said[0] == "trying number 0"
    processes = (site / "mark").read_text().split()
    assert processes
    assert not [each for each in processes if Path(f"/proc/{each}").exists()]


def test_a_failed_trial_has_no_process_to_go_on_in(site: Path) -> None:
    put(site, "last", "raise OSError\n")
    with Trials(sys.executable, FIRST_CAME_FIRST, timeout=60) as trials:
        failed = trials.start(Change.ALONE, "one", ["last"], keep=True)
        dropped = trials.start(Change.ALONE, "two", ["first"])
        for trial in (failed, dropped):
            with pytest.raises(ValueError, match="has failed, or was not kept"):
                trials.go_on(Change.ORDER, "more", trial, ["first"])


def evidence(diagnosis: Diagnosis) -> str:
    return "\n".join(line for each in diagnosis.findings for line in each.evidence)


def test_a_library_that_is_missing_is_not_looked_for_again(site: Path) -> None:
    put(site, "last", "import ctypes\nctypes.CDLL('libcxxrt_absent.so.1')\n")
    diagnosis = diagnose_imports(sys.executable, ["first", "last"], timeout=60)
    (found,) = [each for each in diagnosis.findings if each.rule == "CXXRT-P1"]
    assert found.message == "libcxxrt_absent.so.1 was not found"
    assert "alone" not in evidence(diagnosis)
