"""A server that does one wrong thing, chosen by the first part of the path: ``/503/NAME``."""

from __future__ import annotations

import base64
import gzip
import re
import socket
import time
from collections import Counter
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOGIN = "Basic " + base64.b64encode(b"guest:secret-word").decode()


class Handler(BaseHTTPRequestHandler):
    """Serves one file with ranges, and one fault."""

    protocol_version = "HTTP/1.1"
    content: ClassVar[bytes]
    seen: ClassVar[Counter[str]]
    headers_seen: ClassVar[list[dict[str, str]]]
    moments: ClassVar[list[float]]
    """When each request came."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:  # noqa: C901, PLR0911 - a fault each
        """Answer, with the fault of the path."""
        fault = self.path.split("/")[1]
        self.seen[fault] += 1
        self.headers_seen.append(dict(self.headers))
        self.moments.append(time.monotonic())
        nth = self.seen[fault]
        if fault == "503" and nth <= 2:
            return self._plain(503)
        if fault == "429" and nth == 1:
            return self._plain(429, ("Retry-After", "1"))
        if fault == "date" and nth == 1:
            later = formatdate(time.time() + 2, usegmt=True)
            return self._plain(503, ("Retry-After", later))
        if fault == "patience":
            return self._plain(429, ("Retry-After", "86400"))
        if fault == "redirect":
            return self._plain(302, ("Location", self.path.replace("redirect", "none")))
        if fault == "circle":
            return self._plain(302, ("Location", self.path))
        if fault == "file":
            return self._plain(302, ("Location", "file:///etc/passwd"))
        if fault == "auth" and self.headers.get("Authorization") != LOGIN:
            return self._plain(401, ("WWW-Authenticate", "Basic"))
        if fault in ("drip", "dripping-redirect"):
            return self._drip(fault)
        if fault in ("404", "403"):
            return self._plain(int(fault))
        return self._send(fault, nth)

    def _drip(self, fault: str) -> None:
        """Headers, or the body of a redirect, a byte at a time and without an end."""
        place = self.path.replace(fault, "none").encode()
        head = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 600\r\n\r\n" % place
        self.close_connection = True
        try:
            self.wfile.write(head if fault == "dripping-redirect" else b"HTTP/1.1 200 OK\r\nX: ")
            for _ in range(600):
                self.wfile.write(b"x")
                time.sleep(0.1)
        except OSError:  # the client gave up
            return

    def _plain(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", "0")):
            self.send_header(name, value)
        self.end_headers()

    def _send(self, fault: str, nth: int) -> None:
        size, tag = len(self.content), '"other"' if fault == "etag" and nth > 1 else '"one"'
        start, end, status = 0, size, 200
        asked = "" if fault == "norange" else self.headers.get("Range", "")
        if asked:
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
            if found is None:  # a suffix, or several ranges: a segmented cache has none
                return self._plain(501)
            start, end, status = int(found[1]), min(int(found[2]) + 1, size), 206
            if start >= size:
                return self._plain(416)
            if self.headers.get("If-Match", tag) != tag and fault != "etag":
                return self._plain(412)
        body = self.content[start:end]
        self.send_response(status)
        self.send_header("ETag", tag)
        if status == 206:
            shown = start + 7 if fault == "wrongrange" else start
            self.send_header("Content-Range", f"bytes {shown}-{end - 1}/{size}")
        if fault == "gzip":
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return self._write(fault, nth, body)

    def _write(self, fault: str, nth: int, body: bytes) -> None:
        if fault == "slow":
            try:
                for at in range(len(body)):
                    self.wfile.write(body[at : at + 1])
                    time.sleep(0.2)
            except OSError:  # the client gave up
                self.close_connection = True
            return
        if fault in ("cut", "reset") and nth == 1:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if fault == "reset":
                linger = b"\1\0\0\0\0\0\0\0"
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
            self.close_connection = True
            return
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that gives up is part of the test."""


@contextmanager
def faulty(path: Path) -> Iterator[tuple[str, type[Handler]]]:
    """The server's address and what it saw."""
    state = {
        "content": path.read_bytes(),
        "seen": Counter[str](),
        "headers_seen": [],
        "moments": [],
    }
    handler = type("Bound", (Handler,), state)
    server = _Server(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        server.server_close()
