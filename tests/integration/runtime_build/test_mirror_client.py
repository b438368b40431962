"""Plain downloads from a real HTTP server on this machine, which misbehaves when asked to."""

from __future__ import annotations

import functools
import hashlib
import io
import os
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.errors import InputError, MissingToolError
from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe import Input, Kind
from cxxrt_toolchain.runtime.sources.fetch import cached_path, fetch
from cxxrt_toolchain.runtime.sources.mirror import MirrorClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = os.urandom(400_000)
PIN = Input(
    kind=Kind.DEBIAN,
    package="thing",
    version="2:1.0+dfsg-1",
    architecture="amd64",
    source="thing",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)
POOL = "/debian/pool/main/t/thing/thing_1.0%2Bdfsg-1_amd64.deb"


@dataclass
class Mirror:
    """A server, what it offers, and what it was asked for."""

    base: str
    body: bytes = CONTENT
    cut_after: int | None = None
    """Bytes after which a connection ends, once."""
    ranges: bool = True
    length: bool = True
    """Whether it says how much will come."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, mirror: Mirror, *args: object) -> None:
        self.mirror = mirror
        super().__init__(*args)  # type: ignore[arg-type]  # the server's own three arguments

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.mirror.asked.append((self.path, asked))
        if self.path != POOL:
            self.send_error(404)
            return
        start = 0
        if asked and self.mirror.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])  # type: ignore[index]
        if start and start >= len(self.mirror.body):
            self.send_error(416)
            return
        rest = self.mirror.body[start:]
        self.send_response(206 if start else 200)
        if start:
            last = len(self.mirror.body)
            self.send_header("Content-Range", f"bytes {start}-{last - 1}/{last}")
        if self.mirror.length:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        cut, self.mirror.cut_after = self.mirror.cut_after, None
        self.wfile.write(rest[:cut])

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    mirror = Mirror(base="")
    handler = functools.partial(_Handler, mirror)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    mirror.base = f"http://127.0.0.1:{server.server_port}/debian"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield mirror
    server.shutdown()
    thread.join()
    server.server_close()


def _get(downloads: Path, *mirrors: str) -> bytes:
    downloads.mkdir(exist_ok=True)
    clients = {Kind.DEBIAN: MirrorClient(mirrors=lambda: mirrors)}
    progress = Progress(stream=io.StringIO())
    files = fetch([PIN], downloads=downloads, downloaders=clients, progress=progress)
    return files[PIN].read_bytes()


def _left(downloads: Path) -> list[str]:
    return [path.name for path in downloads.iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize("length", [True, False])
def test_a_mirror_that_sends_without_end_is_left(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, length: bool
) -> None:
    monkeypatch.setattr("cxxrt_toolchain.runtime.sources.mirror._MOST", 200_000)
    mirror.length = length
    with pytest.raises(MissingToolError, match=r"it sends more than 0\.2 MB"):
        _get(tmp_path, mirror.base)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0
    assert len(mirror.asked) == 1


def test_a_package_is_fetched_from_the_path_that_follows_from_its_pin(
    mirror: Mirror, tmp_path: Path
) -> None:
    assert _get(tmp_path, mirror.base) == CONTENT
    assert mirror.asked == [(POOL, None)]


def test_a_cut_connection_is_resumed_where_it_stopped(mirror: Mirror, tmp_path: Path) -> None:
    mirror.cut_after = 150_000
    assert _get(tmp_path, mirror.base) == CONTENT
    assert mirror.asked == [(POOL, None), (POOL, "bytes=150000-")]


def test_an_earlier_runs_part_is_resumed(mirror: Mirror, tmp_path: Path) -> None:
    cached_path(PIN, tmp_path).with_suffix(".deb.part").write_bytes(CONTENT[:1000])
    assert _get(tmp_path, mirror.base) == CONTENT
    assert mirror.asked == [(POOL, "bytes=1000-")]


def test_a_server_without_ranges_sends_the_whole_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.ranges = False
    cached_path(PIN, tmp_path).with_suffix(".deb.part").write_bytes(CONTENT[:1000])
    assert _get(tmp_path, mirror.base) == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(mirror: Mirror, tmp_path: Path) -> None:
    cached_path(PIN, tmp_path).with_suffix(".deb.part").write_bytes(CONTENT + b"more")
    assert _get(tmp_path, mirror.base) == CONTENT


def test_the_next_mirror_is_asked_when_one_does_not_have_it(mirror: Mirror, tmp_path: Path) -> None:
    assert _get(tmp_path, f"{mirror.base}/elsewhere", mirror.base) == CONTENT


def test_a_package_that_no_mirror_has_is_one_error_with_every_answer(
    mirror: Mirror, tmp_path: Path
) -> None:
    places = (f"{mirror.base}/one", f"{mirror.base}/two")
    with pytest.raises(MissingToolError, match="CXXRT_DEBIAN_MIRROR") as caught:
        _get(tmp_path, *places)
    for word in ("thing 2:1.0+dfsg-1", f"{places[0]}: 404", f"{places[1]}: 404"):
        assert word in str(caught.value)
    assert _left(tmp_path) == []


def test_no_network_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match="Connection refused"):
        _get(tmp_path, "http://127.0.0.1:9/debian")
    assert _left(tmp_path) == []


def test_another_content_is_refused_and_not_kept(mirror: Mirror, tmp_path: Path) -> None:
    mirror.body = b"an error page with status 200"
    actual = hashlib.sha256(mirror.body).hexdigest()
    with pytest.raises(InputError, match=f"Expected {PIN.sha256}, got {actual}"):
        _get(tmp_path, mirror.base)
    assert _left(tmp_path) == []


def test_a_mirror_on_disk_serves_too(tmp_path: Path) -> None:
    file = tmp_path / "mirror" / PIN.pool_path
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    assert _get(tmp_path / "downloads", (tmp_path / "mirror").as_uri()) == CONTENT


def test_an_address_that_is_no_download_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match="only http, https and file"):
        _get(tmp_path, "ftp://127.0.0.1/debian")
