"""GET with retries: what a server may do wrong becomes one of a few kinds of `WebError`.

urllib3 carries the requests: it blocks, so that the readers of archives run over it unchanged; it
keeps connections, has no dependency of its own, and leaves retries, redirects and content encodings
to us, all of which matter here. No ``HEAD``, no suffix range and no request for several ranges is
ever sent: a content network answers them by fetching the whole file, or not at all.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

from cxxrt_toolchain.errors import InputError, MissingToolError
from cxxrt_toolchain.web.address import host_of, joined, parts_of, public
from cxxrt_toolchain.web.bounded import bounded_pools
from cxxrt_toolchain.web.credentials import authorization
from cxxrt_toolchain.web.pace import Pace

T = TypeVar("T")

TRIES = 5
_FIRST_WAIT, _MOST_WAIT, _LONGEST_WAIT = 0.5, 60.0, 600.0
"""Seconds: before the second try; before a later one; what a server may ask for."""
STALL = 20.0
"""Seconds without a byte, and with less than `_LEAST_SPEED`, after which a reply is given up."""
_LEAST_SPEED = 1024
"""Bytes a second."""
_MOST_HEADERS = 2
"""Stalls that all headers of a reply may take."""
_PIECE = 256 << 10
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({429, 500, 502, 503, 504})
_KINDS = {401: "denied", 403: "denied", 404: "gone", 410: "gone", 412: "changed", 416: "changed"}
TRANSIENT = frozenset({"busy", "cut", "stalled", "unreachable"})
"""The kinds that another try may cure."""


class WebError(InputError):
    """What a server did; its kind is one word, its detail has no address and no secret."""

    def __init__(self, kind: str, detail: str = "", wait: float = 0) -> None:
        super().__init__(f"{kind}: {detail}".rstrip(": "))
        self.kind = kind
        self.detail = detail
        self.wait = wait
        """Seconds that the server asks to wait."""
        if kind in TRANSIENT:  # of the network, not of what was asked for
            self.exit_code = MissingToolError.exit_code

    def about(self, url: str) -> WebError:
        """The same error, with the address that it is about."""
        told = WebError(self.kind, self.detail)
        told.message = f"{public(url) or 'The address'}: {self.message}."
        return told


class Reply:
    """A response whose body is read with limits; gone when the caller's function returns."""

    def __init__(self, response: Any, url: str, stall: float) -> None:  # noqa: ANN401 - urllib3's
        self._response = response
        self._stall = stall
        self.url = url
        """Where it came from, after redirects."""
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

    def pieces(self, most: int) -> Iterator[bytes]:
        """The body in pieces; more bytes than `most` are a change, and a trickle is a stall."""
        got, start = 0, time.monotonic()
        while piece := self._response.read1(_PIECE, decode_content=False):
            got += len(piece)
            if got > most:
                raise WebError("changed", f"more than {most} bytes came")
            spent = time.monotonic() - start
            if spent > self._stall and got < _LEAST_SPEED * spent:
                raise WebError("stalled", f"{got} bytes in {spent:.0f} s")
            yield piece

    def body(self, most: int) -> bytes:
        """The whole body."""
        return b"".join(self.pieces(most))


class Client:
    """Sends requests; to be shared by the threads of a process."""

    def __init__(
        self, agent: str, *, pace: Pace | None = None, stall: float = STALL, connections: int = 16
    ) -> None:
        self._urllib3 = _urllib3()
        self._pace = pace or Pace()
        self._stall = stall
        self._headers = {"User-Agent": agent, "Accept-Encoding": "identity"}
        self._known: dict[tuple[str, str], str] = {}
        """Credentials by `_origin`: what is for TLS is not sent in plain text."""
        self._pools: dict[tuple[str, str], Any] = {}
        self._connections = connections

    def get(
        self,
        url: str,
        read: Callable[[Reply], T],
        headers: Mapping[str, str] | None = None,
        count: Callable[[bool], None] = lambda _again: None,
    ) -> T:
        """What a function makes of the reply; called again where the reply breaks off in it.

        `count` is called for each request, with whether it repeats one.

        Raises:
            WebError: The server refuses, or failed as often as it is tried.
        """
        wait = _FIRST_WAIT
        for attempt in range(TRIES):
            try:
                return self._follow(url, read, headers or {}, partial(count, attempt > 0))
            except WebError as error:  # noqa: PERF203 - a request takes a thousand times as long
                last = attempt == TRIES - 1 or error.wait > _LONGEST_WAIT
                if last or error.kind not in TRANSIENT:
                    raise
                if error.wait:
                    self._pace.pause(host_of(url), error.wait)
                else:
                    time.sleep(wait * (0.5 + random.random()))  # noqa: S311 - spreads retries
                wait = min(2 * wait, _MOST_WAIT)
        raise AssertionError  # the last attempt returns or raises

    def _follow(
        self,
        url: str,
        read: Callable[[Reply], T],
        headers: Mapping[str, str],
        count: Callable[[], None],
    ) -> T:
        asked_again = False
        for _ in range(_REDIRECTS):
            count()
            with _Response(self._send(url, headers)) as response:
                known = None
                if response.status == HTTPStatus.UNAUTHORIZED and not asked_again:
                    known = authorization(url)
                if known:
                    self._known[_origin(url)], asked_again = known, True
                elif response.status in _MOVED:
                    url = _next(url, response.headers.get("Location", ""))
                else:
                    _refuse(response.status, response.headers)
                    return self._read(Reply(response, url, self._stall), read)
        raise WebError("refused", "it redirects without an end")

    def _send(self, url: str, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - urllib3's
        self._pace.wait(host_of(url))
        sent = {**self._headers, **headers}
        if known := self._known.get(_origin(url)):
            sent["Authorization"] = known
        errors = self._urllib3.exceptions
        try:
            return self._pool(url).urlopen(
                "GET",
                url,
                headers=sent,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=self._urllib3.Timeout(connect=self._stall, read=self._stall),
            )
        except errors.ReadTimeoutError as error:
            raise WebError("stalled", "no answer") from error
        except (errors.ConnectTimeoutError, errors.NewConnectionError) as error:
            raise WebError("unreachable", "no connection") from error
        except errors.SSLError as error:
            raise WebError("refused", "its certificate is not trusted") from error
        except errors.LocationValueError as error:
            raise WebError("refused", "no address of a server") from error
        except errors.HTTPError as error:
            raise WebError("cut", type(error).__name__) from error

    def _read(self, reply: Reply, read: Callable[[Reply], T]) -> T:
        errors = self._urllib3.exceptions
        try:
            return read(reply)
        except errors.ReadTimeoutError as error:
            raise WebError("stalled", "it stopped sending") from error
        except errors.HTTPError as error:
            raise WebError("cut", type(error).__name__) from error

    def _pool(self, url: str) -> Any:  # noqa: ANN401 - urllib3's
        place = _origin(url)
        if place not in self._pools:  # looking for a proxy takes half as long as a request
            proxy = None if proxy_bypass(host_of(url)) else getproxies().get(place[0])
            options: dict[str, Any] = {"maxsize": self._connections, "block": False}
            if proxy:
                options |= {"proxy_url": proxy, "proxy_headers": self._proxy_headers(proxy)}
            kind = self._urllib3.ProxyManager if proxy else self._urllib3.PoolManager
            manager = kind(**options)
            manager.pool_classes_by_scheme = bounded_pools(_MOST_HEADERS * self._stall)
            self._pools[place] = manager
        return self._pools[place]

    def _proxy_headers(self, proxy: str) -> dict[str, str]:
        user, _, _ = parts_of(proxy).netloc.rpartition("@")
        made: dict[str, str] = self._urllib3.make_headers(proxy_basic_auth=unquote(user) or None)
        return made


class _Response:
    """Returns the connection to its pool, or closes it where the body was not read to its end."""

    def __init__(self, response: Any) -> None:  # noqa: ANN401 - urllib3's
        self._response = response

    def __enter__(self) -> Any:  # noqa: ANN401 - urllib3's
        return self._response

    def __exit__(self, kind: object, *_: object) -> None:
        empty = self._response.headers.get("Content-Length") == "0"
        if kind is None and self._response.status in _MOVED and empty:
            self._response.drain_conn()
        if not self._response.closed:
            self._response.close()
        self._response.release_conn()


def _urllib3() -> ModuleType:
    try:
        return import_module("urllib3")
    except ImportError as error:
        advice = "pip install 'cxxrt-toolchain[survey]' has it."
        raise MissingToolError("Reading from a server needs urllib3.", advice) from error


def _origin(url: str) -> tuple[str, str]:
    """Scheme, and host with its port."""
    parts = parts_of(public(url))
    return parts.scheme, parts.netloc.lower()


def _next(url: str, location: str) -> str:
    """Where a redirect leads; never from TLS to plain text, nor to another kind of address."""
    target = joined(url, location)
    allowed = ("https",) if url.lower().startswith("https:") else ("http", "https")
    if not location or parts_of(target).scheme not in allowed:
        raise WebError("refused", "it redirects to nowhere that is as safe")
    return target


def _refuse(status: int, headers: Mapping[str, str]) -> None:
    if status in _BUSY:
        raise WebError("busy", str(status), _asked_wait(headers.get("Retry-After", "")))
    if status not in (200, 206):
        raise WebError(_KINDS.get(status, "refused"), str(status))
    encoding = headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("", "identity"):
        raise WebError("encoded", encoding[:20])


def _asked_wait(text: str) -> float:
    """Seconds of a ``Retry-After``: a number of them, or a date (RFC 9110, 10.2.3)."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0
