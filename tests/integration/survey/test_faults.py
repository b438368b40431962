"""What a server can do wrong, each against the reader of ranges and of whole files."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from faults import Handler, faulty
from servers import free_port

from cxxrt_toolchain.survey.refs import WheelRef
from cxxrt_toolchain.survey.shard import Settings, survey
from cxxrt_toolchain.web import client as web
from cxxrt_toolchain.web.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "far-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"


@pytest.fixture(scope="module")
def served(wheels: Path) -> Iterator[tuple[str, type[Handler], int]]:
    with faulty(wheels / NAME) as (url, handler):
        yield url, handler, (wheels / NAME).stat().st_size


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(web, "_FIRST_WAIT", 0.01)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))


def look(
    served: tuple[str, type[Handler], int], fault: str, level: str = "names", more: int = 0
) -> dict[str, Any]:
    url, handler, size = served
    handler.seen.clear()
    handler.headers_seen.clear()
    ref = WheelRef(filename=NAME, place=f"{url}/{fault}/{NAME}", size=size + more)
    client = Client("test", stall=0.5)
    row, objects = survey(ref, level, client)
    assert bool(objects) == (row["error"] is None)
    return row


@pytest.mark.parametrize(
    ("fault", "requests", "retries"),
    [
        ("none", 2, 0),
        ("503", 4, 2),
        ("429", 3, 1),
        ("cut", 3, 1),
        ("reset", 3, 1),
        ("norange", 1, 0),
        ("redirect", 3, 0),
        ("dripping-redirect", 3, 0),
    ],
)
def test_what_another_request_cures(
    served: tuple[str, type[Handler], int], fault: str, requests: int, retries: int
) -> None:
    start = time.monotonic()
    row = look(served, fault)
    assert (row["error"], row["requests"], row["retries"]) == (None, requests, retries)
    assert (row["members"], row["native"]) == (5, True)
    if fault == "429":
        assert time.monotonic() - start >= 1
    asked = [each.get("Range", "") for each in served[1].headers_seen]
    assert all(each.startswith("bytes=") and each[-1].isdigit() for each in asked)
    assert not any("=-" in each or "," in each for each in asked)


@pytest.mark.parametrize(
    ("fault", "more", "error"),
    [
        ("gzip", 0, "encoded: gzip"),
        ("wrongrange", 0, "changed: Content-Range"),
        ("none", 1000, "changed: Content-Range"),
        ("none", -1000, "changed: Content-Range"),
        ("etag", 0, "changed: another ETag"),
        ("auth", 0, "denied: 401"),
        ("403", 0, "denied: 403"),
        ("404", 0, "gone: 404"),
        ("slow", 0, "stalled: "),
        ("drip", 0, "stalled: no answer"),
        ("circle", 0, "refused: it redirects"),
        ("file", 0, "refused: it redirects"),
        ("patience", 0, "busy: 429"),
    ],
)
def test_what_is_final_is_a_row(
    served: tuple[str, type[Handler], int], fault: str, more: int, error: str
) -> None:
    row = look(served, fault, more=more)
    assert row["error"].startswith(error)
    assert row["members"] is None
    if fault == "patience":
        assert row["requests"] == 1  # not asked again before it allows


@pytest.mark.parametrize("fault", ["none", "503", "429", "cut", "reset", "redirect"])
def test_a_whole_file_survives_them_too(served: tuple[str, type[Handler], int], fault: str) -> None:
    row = look(served, fault, "full")
    assert row["error"] is None
    assert row["conforms"] is not None


@pytest.mark.parametrize(
    ("fault", "more", "error"),
    [
        ("none", 5, "changed: "),
        ("none", -5, "changed: "),
        ("slow", 0, "stalled"),
        ("gzip", 0, "en"),
    ],
)
def test_a_whole_file_is_refused_for_the_same(
    served: tuple[str, type[Handler], int], fault: str, more: int, error: str
) -> None:
    assert look(served, fault, "full", more)["error"].startswith(error)


def test_a_file_of_another_hash_is_refused(served: tuple[str, type[Handler], int]) -> None:
    url, _, size = served
    ref = WheelRef(filename=NAME, place=f"{url}/none/{NAME}", size=size, sha256="0" * 64)
    row, _ = survey(ref, "full", Client("test"))
    assert row["error"] == "bad-hash: not the SHA-256 of the index"


def test_credentials_of_netrc_open_the_door_and_are_in_no_row(
    served: tuple[str, type[Handler], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login guest password secret-word\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    row = look(served, "auth")
    assert row["error"] is None
    assert row["requests"] == 3  # refused once, then known
    assert "secret" not in str(row)


def test_a_server_that_is_not_there_is_a_row(wheels: Path) -> None:
    ref = WheelRef(filename=NAME, place=f"http://127.0.0.1:{free_port()}/{NAME}", size=5000)
    row, _ = survey(ref, "names", Client("test", stall=1))
    assert row["error"] == "unreachable: no connection"
    assert row["requests"] == web.TRIES


def test_the_one_who_asks_is_named(served: tuple[str, type[Handler], int]) -> None:
    url, handler, size = served
    client = Settings(level="names", contact="me@example.org").client()
    handler.headers_seen.clear()
    survey(WheelRef(filename=NAME, place=f"{url}/none/{NAME}", size=size), "names", client)
    assert all("me@example.org" in each["User-Agent"] for each in handler.headers_seen)
