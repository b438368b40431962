"""A simple index as PEP 503, 629, 691 and 714 allow it: what is asked for, and what is taken."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from survey_wheels import TAG

from cxxrt_toolchain.cli import main
from cxxrt_toolchain.survey.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cxxrt_toolchain.survey.refs import WheelRef

JSON, HTML = "application/vnd.pypi.simple.v1+json", "text/html; charset=utf-8"
NAME = f"one-1.0-{TAG}.whl"
ROOT = '<a href="/simple/one/">one</a>'


@contextmanager
def index(pages: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """An index of these pages (type and text), and what it was asked to accept."""
    accepted: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            accepted.append(self.headers["Accept"])
            kind, text = pages.get(self.path, ("", ""))
            self.send_response(200 if kind else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", accepted
    finally:
        server.shutdown()
        server.server_close()


def planned(url: str, folder: Path) -> list[WheelRef]:
    assert main(["survey", "plan", f"{url}/simple", "-o", str(folder)]) == 0
    store = Store(folder)
    return [ref for shard in store.shards() for ref in store.refs(shard)]


def page(**more: object) -> str:
    file = {"filename": NAME, "url": f"/files/{NAME}", "hashes": {"sha256": "A" * 64}, "size": 7}
    return json.dumps({"meta": {"api-version": "1.4"}, "name": "one", "files": [{**file, **more}]})


def test_json_is_asked_for_first_and_html_is_taken(tmp_path: Path) -> None:
    with index({"/simple/": (HTML, ROOT), "/simple/one/": (JSON, page())}) as (url, accepted):
        (ref,) = planned(url, tmp_path)
        assert ref.place == f"{url}/files/{NAME}"
    assert (ref.size, ref.sha256) == (7, "a" * 64)
    kinds = [each.partition(";")[0].strip() for each in accepted[0].split(",")]
    assert kinds == [JSON, "application/vnd.pypi.simple.v1+html", "text/html"]
    weights = [float(each.partition("q=")[2] or 1) for each in accepted[0].split(",")]
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize(
    "more",
    [
        {"core-metadata": {"sha256": "b" * 64}},
        {"core-metadata": True, "data-dist-info-metadata": {"sha256": "b" * 64}},
        {"dist-info-metadata": False},
        {"yanked": "broken", "gpg-sig": False, "upload-time": "no time", "size": "7"},
    ],
)
def test_keys_that_say_more_of_a_file_are_passed_over(
    tmp_path: Path, more: dict[str, object]
) -> None:
    """METADATA comes with the end of a wheel, so no file of metadata is needed (PEP 658, 714)."""
    pages = {"/simple/": (HTML, ROOT), "/simple/one/": (JSON, page(**more))}
    with index(pages) as (url, accepted):
        assert [ref.filename for ref in planned(url, tmp_path)] == [NAME]
        assert len(accepted) == 2


@pytest.mark.parametrize(
    "html",
    [
        '<a href="../../files/{}#sha256={}" data-core-metadata="true">',
        '<a href="/files/{}#sha256={}" data-dist-info-metadata="sha256=00" data-yanked="">',
        '<base href="/files/x/"><a href="../{}#sha256={}">',
        '<meta name="pypi:repository-version" content="1.9"><A HREF="/files/{}#sha256={}">',
    ],
)
def test_links_are_followed_as_html_means_them(tmp_path: Path, html: str) -> None:
    link = f"{html.format(NAME, 'c' * 64)}{NAME}</a>"
    with index({"/simple/": (HTML, ROOT), "/simple/one/": (HTML, link)}) as (url, _):
        (ref,) = planned(url, tmp_path)
        assert (ref.place, ref.sha256) == (f"{url}/files/{NAME}", "c" * 64)


@pytest.mark.parametrize("url", ["http://[bad/x", "file:///etc/passwd", "ftp://x/y", "", 7])
def test_a_file_without_an_address_of_a_server_is_none(tmp_path: Path, url: object) -> None:
    pages = {"/simple/": (HTML, ROOT), "/simple/one/": (JSON, page(url=url))}
    with index(pages) as (server, _):
        found = planned(server, tmp_path)
        assert all(ref.place.startswith(server) for ref in found)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (JSON, '{"meta": {"api-version": "2.0"}, "projects": []}'),
        (HTML, '<meta name="pypi:repository-version" content="2.0">'),
        (JSON, "[]"),
        (JSON, '{"meta": {"api-version": "1.0"}}'),
        (JSON, "{"),
    ],
)
def test_an_index_that_nobody_understands_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, text: str
) -> None:
    with index({"/simple/": (kind, text)}) as (url, _):
        assert main(["survey", "plan", f"{url}/simple", "-o", str(tmp_path)]) == 2
        assert f"{url}/simple/" in capsys.readouterr().err


def test_an_index_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with index({}) as (url, _):
        assert main(["survey", "plan", f"{url}/simple", "-o", str(tmp_path)]) == 2
        assert f"{url}/simple/: gone: 404" in capsys.readouterr().err
