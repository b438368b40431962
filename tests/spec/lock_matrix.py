"""Lock and install one release that has every permitted encoding, with releases of lock tools.

In: wheels as `tool_matrix` writes them, behind a simple index that `http.server` serves. Out:
``lock_matrix.json``: for each tool, which encodings its lock file lists, which one it installs from
it, and the same of a release that has tagged wheels only; for uv also what other releases install
from one and the same lock file. From it a table of PEP-DRAFT.rst is made.
``python tests/spec/lock_matrix.py [--write]``
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socketserver
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

from tool_matrix import PERMITTED, endings, make_environment, run, write_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDED = Path(__file__).with_suffix(".json")
TAGGED = ("tag", "abi3")
PROJECT = """\
[project]
name = "user"
version = "1"
requires-python = ">={python}"
dependencies = ["foo"]
[tool.uv]
package = false
[[tool.uv.index]]
name = "here"
url = "{index}"
default = true
[tool.poetry]
package-mode = false
[[tool.poetry.source]]
name = "here"
url = "{index}"
[tool.pdm]
distribution = false
[[tool.pdm.source]]
name = "pypi"
url = "{index}"
verify_ssl = false
"""
"""One project that every lock tool here can read."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One release of a lock tool."""

    requirement: str
    lock: tuple[str, ...]
    file: str
    install: tuple[str, ...] = ()
    """Empty: the tool locks and doesn't install from what it wrote."""
    label: str = ""
    beside: tuple[str, ...] = ()
    """What must stand beside the tool for it to start."""

    @property
    def name(self) -> str:
        return " ".join(self.requirement.split("==")) + self.label


UV_RELEASES = ("0.4.30", "0.5.18", "0.5.19", "0.7.22", "0.8.24", "0.9.28", "0.9.29", "0.13.9")
PREVIEW = ("--preview-features", "wheel-variants")


def _uv(release: str, options: tuple[str, ...] = (), label: str = "") -> Tool:
    return Tool(
        requirement=f"uv=={release}",
        lock=("bin/uv", "lock", *options),
        file="uv.lock",
        install=("bin/uv", "sync", "--frozen", *options),
        label=label,
    )


TOOLS = (
    *map(_uv, UV_RELEASES),
    _uv(UV_RELEASES[-1], PREVIEW, ", wheel-variants preview"),
    Tool(
        requirement="pip==26.3", file="pylock.toml", lock=("bin/python", "-m", "pip", "lock", "foo")
    ),
    Tool(
        requirement="poetry==2.5.1",
        lock=("bin/poetry", "lock"),
        file="poetry.lock",
        install=("bin/poetry", "install", "--no-root"),
    ),
    Tool(
        requirement="pdm==2.29.4",
        beside=("hishel<2",),
        lock=("bin/pdm", "lock"),
        file="pdm.lock",
        install=("bin/pdm", "sync"),
    ),
)
WRITERS = ("uv 0.8.24", "uv 0.13.9")
"""The releases whose lock files every other release of uv is given."""


@contextmanager
def index(folder: Path, encodings: tuple[str, ...]) -> Iterator[str]:
    """The address of a simple index whose one project, foo, has the encodings."""
    files = folder / "simple" / "foo"
    files.mkdir(parents=True)
    for each in encodings:
        write_wheel(files, endings()[each])
    links = "".join(f'<a href="{path.name}">{path.name}</a>\n' for path in sorted(files.iterdir()))
    (files / "index.html").write_text(f"<!DOCTYPE html>\n{links}", encoding="utf-8")
    (files.parent / "index.html").write_text('<a href="foo/">foo</a>\n', encoding="utf-8")
    handler = partial(_Quiet, directory=str(folder))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/simple/"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def installed(environment: Path) -> str:
    """The encoding of the foo that an environment has, by its ``WHEEL``; "none" if it has none."""
    for path in environment.glob("lib/python*/site-packages/foo-1.0.dist-info/WHEEL"):
        tags = re.findall(r"^Tag: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if (path.parent / "variant.json").exists():
            return "variant"
        return next(name for name, ending in endings().items() if tags == [ending])
    return "none"


def _command(tools: Path, project: Path, command: tuple[str, ...], address: str) -> bool:
    local = {
        "HOME": str(project),
        "VIRTUAL_ENV": str(project / ".venv"),
        "PATH": f"{project / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_INDEX_URL": address,
        "PIP_CONFIG_FILE": os.devnull,
        "UV_CACHE_DIR": str(project / "uv-cache"),
        "UV_PYTHON": str(project / ".venv" / "bin" / "python"),
        "POETRY_VIRTUALENVS_CREATE": "false",
        "POETRY_CACHE_DIR": str(project / "poetry-cache"),
        "PDM_CACHE_DIR": str(project / "pdm-cache"),
        "PDM_CHECK_UPDATE": "false",
    }
    unset = (
        "UV_NO_CONFIG",
        "UV_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "UV_EXTRA_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
    )
    options = [f"-u{name}" for name in unset] + [f"{name}={value}" for name, value in local.items()]
    program = (str(tools / command[0]), *command[1:])
    return run("env", f"--chdir={project}", *options, *program)[0]


def new_project(folder: Path, address: str) -> Path:
    """A project that needs foo, with an empty environment."""
    folder.mkdir(parents=True)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "pyproject.toml").write_text(
        PROJECT.format(index=address, python=python), encoding="utf-8"
    )
    make_environment(folder / ".venv")
    return folder


def ask(tool: Tool, tools: Path, project: Path, address: str) -> dict[str, object]:
    """What a tool locks, and what it then installs."""
    if not _command(tools, project, tool.lock, address):
        return {"locks": "fails"}
    text = (project / tool.file).read_text(encoding="utf-8")
    listed = [name for name, ending in endings().items() if f"foo-1.0-{ending}.whl" in text]
    row: dict[str, object] = {"locks": listed}
    if tool.install:
        done = _command(tools, project, tool.install, address)
        row["installs"] = installed(project / ".venv") if done else "fails"
    return row


def measure(folder: Path) -> dict[str, object]:
    """The whole document."""
    tools = {
        tool.requirement: make_environment(
            folder / "tools" / str(number), tool.requirement, *tool.beside
        )
        for number, tool in enumerate(TOOLS)
    }
    rows: dict[str, dict[str, object]] = {tool.name: {} for tool in TOOLS}
    readers: dict[str, dict[str, str]] = {}
    for offer, encodings in {"all": PERMITTED, "tagged": TAGGED}.items():
        with index(folder / offer, encodings) as address:
            for number, tool in enumerate(TOOLS):
                project = new_project(folder / f"{offer}-{number}", address)
                rows[tool.name][offer] = ask(tool, tools[tool.requirement], project, address)
                if offer == "all" and tool.name in WRITERS:
                    written = project / tool.file
                    readers[tool.name] = {
                        other.name: _reads(other, tools[other.requirement], project, written)
                        for other in TOOLS
                        if other.file == tool.file
                    }
    return {"tools": rows, "readers": readers}


def _reads(tool: Tool, tools: Path, project: Path, lock: Path) -> str:
    """What one release installs from another's lock file."""
    other = project.with_name(f"{project.name}-{tool.name.replace(' ', '-').replace(',', '')}")
    other.mkdir()
    for path in (project / "pyproject.toml", lock):
        shutil.copy(path, other)
    make_environment(other / ".venv")
    return installed(other / ".venv") if _command(tools, other, tool.install, "") else "fails"


def main() -> None:
    """Measure and print, or record."""
    with tempfile.TemporaryDirectory() as name:
        text = json.dumps(measure(Path(name)), indent=1) + "\n"
    if "--write" in sys.argv:
        RECORDED.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
