"""How often a host is asked."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.survey.shard import Settings, require_contact
from cxxrt_toolchain.web.address import public
from cxxrt_toolchain.web.pace import Pace, is_local


def moments(pace: Pace, clock: list[float], host: str, count: int) -> list[float]:
    found = []
    for _ in range(count):
        pace.wait(host)
        found.append(clock[0])
    return found


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


def made(clock: list[float], rate: float | None = None, share: float = 1.0) -> Pace:
    def sleep(seconds: float) -> None:
        clock[0] += seconds

    return Pace(rate, share=share, clock=lambda: clock[0], sleep=sleep)


def test_another_host_is_asked_once_a_second_and_this_machine_at_once(clock: list[float]) -> None:
    pace = made(clock)
    assert moments(pace, clock, "index.example", 3) == [0, 1, 2]
    assert moments(pace, clock, "127.0.0.1", 3) == [2, 2, 2]


def test_a_rate_is_for_every_host_and_shared_by_the_workers(clock: list[float]) -> None:
    assert moments(made(clock, 4.0, share=0.5), clock, "localhost", 3) == [0, 0.5, 1]


def test_a_host_that_asks_for_patience_gets_it_in_every_thread(clock: list[float]) -> None:
    pace = made(clock)
    pace.pause("index.example", 30)
    assert moments(pace, clock, "index.example", 2) == [30, 31]
    assert moments(pace, clock, "other.example", 1) == [31]


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *((name, True) for name in ("localhost", "a.localhost", "127.0.0.1", "127.1.2.3", "::1")),
        *((name, False) for name in ("10.0.0.1", "example.org", "localhost.example", "")),
    ],
)
def test_only_this_machine_is_local(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_more_than_one_a_second_needs_a_contact() -> None:
    with pytest.raises(UsageError, match=r"index\.example needs --contact"):
        require_contact(["https://index.example/simple/"], 2, "")
    require_contact(["https://index.example/simple/"], 1, "")
    require_contact(["https://index.example/simple/"], 20, "me@example.org")
    require_contact(["http://127.0.0.1:80/"], 20, "")


def test_the_share_of_a_worker_is_a_part_of_its_part() -> None:
    settings = Settings(level="names", rate=8).shared_by(2).shared_by(4)
    assert settings.share == 0.125


@pytest.mark.parametrize(
    "url",
    ["https://a:b@host:1/x.whl?c=d#e", "https://host:1/x.whl?token=1", "https://host:1/x.whl"],
)
def test_what_may_be_secret_is_not_shown(url: str) -> None:
    assert public(url) == "https://host:1/x.whl"
