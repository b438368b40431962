"""Environments with a chosen pip, and an index server on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from fixture_cache import copied_environment
from installer_environments import Environment, Index, NewEnvironment
from kept_environments import with_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_START = 30
"""Seconds that an index server may take until it answers."""


@pytest.fixture
def new_environment(tmp_path: Path) -> NewEnvironment:
    """Make a virtual environment with that release of pip, or with none."""

    def make(pip: str | None, python: str | None = None) -> Environment:
        folder = tmp_path / f"env-{pip}"
        packages = [] if pip is None else [f"pip=={pip}"]
        copied_environment(with_packages(*packages, python=python or sys.executable), folder)
        return Environment(folder=folder)

    return make


@pytest.fixture(scope="session")
def find_python() -> Callable[..., str]:
    """The first of some minor releases that PATH or pyenv has; skips where there is none."""

    def find(*minors: str) -> str:
        pyenv = Path.home() / ".pyenv" / "versions"
        for minor in minors:
            places = [Path(found)] if (found := shutil.which(f"python{minor}")) else []
            places += sorted(pyenv.glob(f"{minor}.*/bin/python"))
            for place in places:
                done = subprocess.run([place, "-c", "pass"], capture_output=True, check=False)
                if done.returncode == 0:
                    return str(place)
        pytest.skip(f"needs Python {minors[0]}: install it with 'pyenv install {minors[0]}'")

    return find


@pytest.fixture(scope="session")
def pypiserver() -> str:
    """The program of a real index server, in an environment of its own."""
    return str(with_packages("pypiserver") / "bin" / "pypi-server")


@pytest.fixture
def index(tmp_path: Path, pypiserver: str) -> Iterator[Index]:
    """An empty index on a real server that lists what lies in its folder."""
    folder = tmp_path / "packages"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [pypiserver, "run", "-i", "127.0.0.1", "-p", str(port), "--disable-fallback"]
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen([*command, str(folder)], stdout=log, stderr=log)
        try:
            _wait_for(port)
            yield Index(root=folder, url=f"http://127.0.0.1:{port}/simple/")
        finally:
            server.terminate()
            server.wait()


@pytest.fixture
def static_index(tmp_path: Path) -> Iterator[Index]:
    """Plain files: the pages of the simple API list every file, ``variants.json`` included.

    The index servers of today list only what they take for a distribution.
    """
    root = tmp_path / "static"
    handler = partial(_QuietHandler, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/simple/"
            yield Index(root=root / "simple", url=url, per_project=True)
        finally:
            server.shutdown()
            thread.join()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START
    while not _answers(port):
        if time.monotonic() > deadline:
            pytest.fail(f"the index server did not answer in {_START} s")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port)):
            return True
    except ConnectionError:
        return False
