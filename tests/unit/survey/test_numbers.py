"""Shares, samples, times and names: what needs no wheel."""

from __future__ import annotations

import random

import pytest

from cxxrt_toolchain.survey.queries import share
from cxxrt_toolchain.survey.refs import WheelRef, is_linux_wheel, sampled, utc


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    draw = random.Random(7)  # noqa: S311 - the same each time
    truth, hits = 0.05, 0
    for _ in range(400):
        found = sum(draw.random() < truth for _ in range(300))
        each = share("", found, 300)
        hits += each.low <= truth <= each.high
    assert 0.92 <= hits / 400 <= 0.99


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    [(0, 296, 0, 0.0128), (13, 296, 0.0258, 0.0737), (5, 5, 0.5655, 1)],
)
def test_the_interval_of_wilson(found: int, of: int, low: float, high: float) -> None:
    each = share("", found, of)
    assert (round(each.low, 4), round(each.high, 4)) == (low, high)


def test_a_share_of_a_sample_is_near_the_share_of_all() -> None:
    everything = [
        WheelRef(filename=f"p{n}-1-py3-none-linux_x86_64.whl", place="") for n in range(5000)
    ]
    marked = {ref.filename for ref in everything[::4]}
    drawn = sampled(everything, 500, 3)
    assert len(set(drawn)) == 500
    each = share("", sum(ref.filename in marked for ref in drawn), 500)
    assert each.low <= 0.25 <= each.high


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", "2026-11-01T00:00:00Z"),
        ("2026-11-01T10:00:00.123456Z", "2026-11-01T10:00:00Z"),
        ("2026-11-01T12:30:00+02:00", "2026-11-01T10:30:00Z"),
    ],
)
def test_times_are_compared_as_utc(text: str, moment: str) -> None:
    assert utc(text) == moment


@pytest.mark.parametrize(
    ("name", "linux"),
    [
        ("a-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", True),
        ("a-1.0-cp311-cxxrt1_cp311-manylinux_2_28_aarch64.whl", True),
        ("a-1.0-py3-none-musllinux_1_2_x86_64.whl", True),
        ("a-1.0-py3-none-any.whl", False),
        ("a-1.0-cp311-cp311-win_amd64.whl", False),
        ("../a-1.0-py3-none-linux_x86_64.whl", False),
        ("a-1.0.tar.gz", False),
    ],
)
def test_a_name_tells_what_may_hold_linux_binaries(name: str, linux: bool) -> None:
    assert is_linux_wheel(name) is linux
