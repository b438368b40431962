"""How often requests may be sent to each host; one pace is shared by the threads of a process."""

import time
from collections.abc import Callable
from ipaddress import ip_address
from threading import Lock

UNASKED_RATE = 1.0
"""Requests a second to a host whose operator cannot ask who is there."""
CONTACT_RATE = 5.0
"""The default with a contact."""


def is_local(host: str) -> bool:
    """Whether a host is this machine, so that nobody else is disturbed."""
    name = host.lower().strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


class Pace:
    """Waits until the next request to a host may be sent."""

    def __init__(
        self,
        rate: float | None = None,
        *,
        other: float | None = None,
        share: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Requests a second to each host, for all that share it together, and this one's share.

        `other` is for hosts that are not this machine; by default the rate or, without one, at
        which this machine has no limit, `UNASKED_RATE`.
        """
        self._rate = rate
        self._other = other or rate or UNASKED_RATE
        self._share = share
        self._next: dict[str, float] = {}
        self._lock = Lock()
        self._clock = clock
        self._sleep = sleep

    def wait(self, host: str) -> None:
        """Sleep until this host may be asked again."""
        rate = self._rate if is_local(host) else self._other
        with self._lock:
            now = self._clock()
            at = max(now, self._next.get(host, now))
            self._next[host] = at + (1 / (rate * self._share) if rate else 0)
        if at > now:
            self._sleep(at - now)

    def pause(self, host: str, seconds: float) -> None:
        """Ask this host nothing for so long, in no thread."""
        with self._lock:
            self._next[host] = max(self._next.get(host, 0), self._clock() + seconds)
