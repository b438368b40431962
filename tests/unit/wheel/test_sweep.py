"""Looking at many members in threads: order, errors, limits."""

from __future__ import annotations

import os
import threading
import time

import pytest

from cxxrt_toolchain.wheel import sweep as sweep_module
from cxxrt_toolchain.wheel.reader import Member
from cxxrt_toolchain.wheel.sweep import sweep


@pytest.fixture(autouse=True)
def four_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(4))


def members(*sizes: int) -> list[Member]:
    return [
        Member(str(i), size, size, crc=0, method=8, mode=0, is_dir=False, header=0, end=0)
        for i, size in enumerate(sizes)
    ]


def test_the_answers_are_in_the_members_order() -> None:
    asked: set[int] = set()

    def look(member: Member) -> str:
        time.sleep(0.001 * (member.size % 5))
        asked.add(threading.get_ident())
        return member.name

    found = sweep(members(*range(1 << 20, (1 << 20) + 50)), look)
    assert found == [str(i) for i in range(50)]
    assert len(asked) > 1


def test_a_little_work_is_no_reason_to_start_threads() -> None:
    found = sweep(members(10, 20, 30), lambda _: threading.get_ident())
    assert set(found) == {threading.get_ident()}
    assert sweep([], lambda _: 1) == []


def test_the_first_members_error_is_raised_and_later_ones_are_left_out() -> None:
    looked: list[str] = []

    def look(member: Member) -> None:
        looked.append(member.name)
        if member.name == "7":
            raise ValueError(member.name)
        time.sleep(0.005)
        if member.name == "3":
            raise ValueError(member.name)

    sizes = [1 << 20] * 500
    sizes[7] = 1 << 22  # the largest, and so the first to fail
    with pytest.raises(ValueError, match="3"):
        sweep(members(*sizes), look)
    assert {"0", "1", "2", "3", "7"} <= set(looked)
    assert len(looked) < 500


def test_members_in_work_stay_below_the_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_module, "_MOST_IN_FLIGHT", 100)
    monkeypatch.setattr(sweep_module, "_WORTH_A_THREAD", 1)
    lock = threading.Lock()
    now, highest = 0, 0

    def look(member: Member) -> None:
        nonlocal now, highest
        with lock:
            now += member.size
            highest = max(highest, now)
        time.sleep(0.002)
        with lock:
            now -= member.size

    sweep(members(*[30] * 10, *[60] * 5, 90, 250), look)
    assert 90 < highest <= 250
    assert now == 0
    highest = 0
    sweep(members(*[30] * 20, *[60] * 10), look)
    assert 60 < highest <= 100


def test_an_interruption_ends_the_sweep() -> None:
    def look(member: Member) -> None:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        time.sleep(0.01)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        sweep(members(*[1 << 20] * 2000), look)
    assert time.monotonic() - start < 5
