"""Experiments side by side: which are made, in which order, and that none outlives its use."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.collect.imports.experiments import experiment
from cxxrt_toolchain.collect.imports.trials import Trials
from cxxrt_toolchain.collect.imports.watched_child import AS_IS
from cxxrt_toolchain.doctor.imports import diagnose_imports
from cxxrt_toolchain.facts.imports import Cure, Verdict

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


def tried(suspected: Cure | None) -> Verdict:
    modules = ["first", "last"]
    return experiment(
        sys.executable, modules, library(), timeout=60, certain=True, suspected=suspected
    )


def names(trials: tuple[tuple[str, str], ...]) -> list[str]:
    return [name for name, _ in trials]


def test_order_is_tried_where_the_failing_module_was_tried_alone(site: Path) -> None:
    fails_after_first(site)
    put(site, "first", "import os, sys\nopen(os.environ['CXXRT_TEST_MARK'], 'a').write(\n"
        "    f\"{os.getpid()} {'last' in sys.modules}\\n\")\n")  # fmt: skip
    found = tried(None)
    assert found.cure is Cure.SEPARATION
    assert (found.alone, found.reordered) == (False, True)
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
    assert found.trials[-1][1].startswith("skipped: ")


def test_a_wrong_suspicion_loses_nothing(site: Path) -> None:
    for suspected in (Cure.SEPARATION, Cure.RUNTIME, None):
        put(site, "last", "import sys\n"
            "lib = 'libstdc++' in open('/proc/self/maps').read()\n"
            "assert lib or 'first' not in sys.modules\n")  # fmt: skip
        put(site, "first", "import sys\nassert 'last' not in sys.modules\n")
        found = tried(suspected)
        assert found.cure is Cure.RUNTIME, (suspected, found)
        assert "libstdc++ first and global" in names(found.trials)
    fails_after_first(site)
    put(site, "first", "")
    found = tried(Cure.RUNTIME)
    assert found.cure is Cure.SEPARATION


def test_a_module_that_fails_alone_is_not_tried_in_other_orders(site: Path) -> None:
    put(site, "last", "raise OSError('always')\n")
    found = experiment(sys.executable, ["first", "last"], "", timeout=60, certain=False)
    assert (found.cure, found.alone, found.reordered) == (Cure.NOTHING, True, None)
    assert found.trials == (
        ("the same again", "fails: OSError: always"),
        ("last alone", "fails: OSError: always"),
    )


def test_a_second_success_ends_everything(site: Path) -> None:
    put(site, "last", "import sys, time\ntime.sleep(0 if 'first' in sys.modules else 600)\n")
    started = time.monotonic()
    found = experiment(sys.executable, ["first", "last"], "", timeout=600, certain=False)
    assert found.cure is Cure.CHANCE
    assert names(found.trials) == ["the same again"]
    assert time.monotonic() - started < 60, "the module alone would sleep for minutes"


def test_nothing_outlives_the_trials(site: Path) -> None:
    put(site, "sleeps", "import os, time\nopen(os.environ['CXXRT_TEST_MARK'], 'a').write(\n"
        "    f'{os.getpid()}\\n')\ntime.sleep(600)\n")  # fmt: skip
    said: list[str] = []
    with Trials(sys.executable, timeout=600, say=said.append) as trials:
        for number in range(8):
            trials.start(f"number {number}", ["sleeps"], AS_IS)
        deadline = time.monotonic() + 60
        while not (site / "mark").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    assert said[0] == "trying number 0"
    processes = (site / "mark").read_text().split()
    assert processes
    assert not [each for each in processes if Path(f"/proc/{each}").exists()]


def test_a_failed_trial_has_no_process_to_go_on_in(site: Path) -> None:
    put(site, "last", "raise OSError\n")
    with Trials(sys.executable, timeout=60) as trials:
        failed = trials.start("one", ["last"], AS_IS, keep=True)
        dropped = trials.start("two", ["first"], AS_IS)
        for trial in (failed, dropped):
            with pytest.raises(ValueError, match="has failed, or was not kept"):
                trials.go_on("more", trial, ["first"])


def evidence(diagnosis: Diagnosis) -> str:
    return "\n".join(line for each in diagnosis.findings for line in each.evidence)


def test_a_library_that_is_missing_is_not_looked_for_again(site: Path) -> None:
    put(site, "last", "import ctypes\nctypes.CDLL('libcxxrt_absent.so.1')\n")
    diagnosis = diagnose_imports(sys.executable, ["first", "last"], timeout=60)
    (found,) = [each for each in diagnosis.findings if each.rule == "CXXRT-P1"]
    assert found.message == "libcxxrt_absent.so.1 was not found"
    assert "alone" not in evidence(diagnosis)
