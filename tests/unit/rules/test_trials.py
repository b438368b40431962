"""What trials leave of remedies, and which failures are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.facts.imports.run import Attempt, Outcome
from cxxrt_toolchain.facts.imports.trials import Change, Ending, Trial, Verdict
from cxxrt_toolchain.rules.imports.trials import after_trials
from cxxrt_toolchain.rules.remedies import Remedy
from cxxrt_toolchain.rules.rule import error

if TYPE_CHECKING:
    from collections.abc import Sequence

RUNTIME = "/env/site-packages/cxx11_cuda_runtime/lib/libstdc++.so.6"


def left(trials: Sequence[Trial], late: Sequence[str] = ("victim",)) -> tuple[str, ...]:
    found = error(
        "x",
        remedies=(
            "something that nobody can try",
            Remedy("activate", Change.RUNTIME),
            Remedy("import victim before maker", Change.ORDER, "victim"),
            Remedy("in two processes", Change.ALONE),
        ),
    )
    return after_trials(found, Verdict(trials=tuple(trials)), late).remedies


def tried(change: Change, ending: Ending | None, library: str = "") -> Trial:
    return Trial(change, change.value, "", ending, library)


def test_what_worked_comes_first_and_says_so() -> None:
    runtime = tried(Change.RUNTIME, Ending.WORKS, RUNTIME)
    assert left([tried(Change.ORDER, Ending.SAME), runtime]) == (
        *("tried, works: activate", "something that nobody can try", "in two processes"),
    )


@pytest.mark.parametrize("ending", [Ending.SAME, Ending.OTHER])
def test_what_failed_is_not_offered(ending: Ending) -> None:
    trials = [tried(each, ending) for each in (Change.RUNTIME, Change.ORDER, Change.ALONE)]
    assert left(trials) == ("something that nobody can try",)


def test_what_was_not_tried_stays_as_it_was() -> None:
    assert len(left([])) == 4
    assert len(left([tried(Change.RUNTIME, None)])) == 4


def test_the_order_of_two_others_was_not_tried() -> None:
    found = left([tried(Change.ORDER, Ending.WORKS)], late=["third"])
    assert "import victim before maker" in found


def test_a_stand_in_for_the_runtime_is_named() -> None:
    (first, *_) = left([tried(Change.RUNTIME, Ending.WORKS, "/lib/libstdc++.so.6")])
    assert first == "tried with /lib/libstdc++.so.6, works: activate"


def failed(outcome: str, detail: str = "", *words: str) -> tuple[str, ...]:
    one: Attempt[None] = Attempt(module="m", outcome=Outcome(outcome), detail=detail, words=words)
    return one.way


TLS = "ImportError: {}: cannot allocate memory in static TLS block"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("crashed", "SIGSEGV", "a"), ("crashed", "SIGSEGV", "b")),
        (("crashed", "SIGABRT", "x", "pid 12"), ("crashed", "SIGABRT", "pid 7")),
        (("exception", TLS.format("/a/one.so.1")), ("exception", TLS.format("/b/two.so.2"))),
        (("exception", "ValueError: at 0x7f00"), ("exception", "ValueError: at 0x7e01")),
        (("timed-out", "no end after 5 s"), ("timed-out", "no end after 6 s")),
    ],
)
def test_failures_that_are_the_same(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert failed(*one) == failed(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("crashed", "SIGSEGV"), ("crashed", "SIGABRT")),
        (("crashed", "SIGABRT", "bad_cast"), ("crashed", "SIGABRT", "File already exists")),
        (("crashed", "exit 1"), ("crashed", "exit 2")),
        (("crashed", "SIGABRT"), ("exception", "ModuleNotFoundError: No module named 'x'")),
        (("exception", "ImportError: a"), ("exception", "ImportError: b")),
        (("exception", "ImportError: a"), ("exception", "OSError: a")),
        (("timed-out", "no end after 5 s"), ("crashed", "SIGSEGV")),
    ],
)
def test_failures_that_are_not(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert failed(*one) != failed(*other)
