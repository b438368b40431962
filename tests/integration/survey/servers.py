"""Real servers on this machine: nginx as a simple index with ranges, and what it logged."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

from cxxrt_toolchain.facts.installed import normalized

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
_JSON = "application/vnd.pypi.simple.v1+json"
_CONFIG = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  log_format counted '$request_method $status $body_bytes_sent "$http_range" $uri';
  access_log {folder}/access.log counted;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  sendfile on; keepalive_requests 100000; etag on;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/www;
    types {{ }}
    location /simple/ {{ default_type {kind}; index index; }}
    location /files/ {{ default_type application/octet-stream; }}
    {more}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A running nginx."""

    url: str
    folder: Path

    @property
    def index(self) -> str:
        """The address of its simple index."""
        return f"{self.url}/simple/"

    def requests(self) -> list[tuple[str, int, int, str, str]]:
        """What it logged of files: method, status, bytes, range, path."""
        time.sleep(0.05)  # the log is written after the answer
        found = []
        for line in (self.folder / "access.log").read_text().splitlines():
            method, status, sent, rest = line.split(" ", 3)
            ranges, path = rest[1:].split('" ', 1)
            if path.startswith("/files/"):
                found.append((method, int(status), int(sent), ranges, path))
        return found


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_index(www: Path, wheels: Iterable[Path], *, html: bool = False) -> None:
    """The pages of an index, and links to the wheels."""
    projects: dict[str, list[Path]] = defaultdict(list)
    (www / "files").mkdir(parents=True)
    for wheel in wheels:
        (www / "files" / wheel.name).hardlink_to(wheel)
        projects[normalized(wheel.name.partition("-")[0])].append(wheel)
    _page(www, "", sorted(projects), html=html)
    for name, files in projects.items():
        _page(www, name, sorted(files), html=html)


def _page(www: Path, project: str, items: Iterable[str | Path], *, html: bool) -> None:
    folder = www / "simple" / project
    folder.mkdir(parents=True, exist_ok=True)
    if html:
        links = [
            f'<a href="/simple/{item}/">{item}</a>'
            if isinstance(item, str)
            else f'<a href="/files/{item.name}#sha256={_sha256(item)}">{item.name}</a>'
            for item in items
        ]
        (folder / "index").write_text(f"<html><body>{'<br>'.join(links)}</body></html>")
        return
    meta: dict[str, object] = {"api-version": "1.4"}
    if project:
        files = [_file(item) for item in items if isinstance(item, Path)]
        body: dict[str, object] = {"meta": meta, "name": project, "files": files}
    else:
        rows = [{"name": name, "_last-serial": 7} for name in items]
        body = {"meta": {**meta, "_last-serial": 7}, "projects": rows}
    (folder / "index").write_text(json.dumps(body))


def _file(wheel: Path) -> dict[str, object]:
    return {
        "filename": wheel.name,
        "url": f"../../files/{wheel.name}",
        "hashes": {"sha256": _sha256(wheel)},
        "size": wheel.stat().st_size,
        "upload-time": "2026-11-05T10:00:00.123456Z",
        "yanked": False,
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def nginx(folder: Path, *, html: bool = False, more: str = "") -> Iterator[Served]:
    """Serve ``folder/www``; `more` are directives of the server."""
    assert NGINX is not None
    port = free_port()
    kind = "text/html" if html else _JSON
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, port=port, kind=kind, more=more))
    command = [NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command) as process:
        try:
            wait_for(url)
            yield Served(url, folder)
        finally:
            process.terminate()


def wait_for(url: str) -> None:
    """Until something answers."""
    for _ in range(200):
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - a server of our own
                return
        except OSError as error:  # noqa: PERF203 - it waits
            if hasattr(error, "code"):
                return
            time.sleep(0.05)
    raise AssertionError(url)
