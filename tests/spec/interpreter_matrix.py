"""What the tool matrix says of this CPython, asked again for interpreters with another ABI.

In: the free-threaded CPythons and the PyPy of this machine (``.ci/interpreters``). Out:
``interpreter_matrix.json``: tool and interpreter to what pip in it, and uv for it, do with wheels
of its own ABI that are named in each candidate way.
``python tests/spec/interpreter_matrix.py [--write]``
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from interpreters import NAMES, find
from packaging.tags import Tag
from tool_matrix import Tool, endings, make_environment, measure, pip, run, uv

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDED = Path(__file__).with_suffix(".json")
NAME = "plain name"
"""The key of the name of the plain wheel, which tells the ABI that was asked about."""
OTHER = tuple(name for name in NAMES if name.endswith("t") or name == "pypy3")
"""Interpreters whose ABI is not that of an ordinary CPython."""
TAGS = "from pip._vendor.packaging.tags import sys_tags; print(*sys_tags(), sep='\\n')"
RELEASE = "import platform, pip; print(platform.python_version(), pip.__version__)"


def found() -> dict[str, str]:
    """Name to path of the interpreters of `OTHER` that run outside of a root folder."""
    each = {name: find(name) for name in OTHER}
    return {name: it.python for name, it in each.items() if it is not None and it.root is None}


def measured(name: str, python: str, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Each tool with its row, for one interpreter.

    Args:
        name: What it is called.
        python: Its path.
        folder: Where its environment is made; must not exist.
    """
    own = str(make_environment(folder, python=python) / "bin" / "python")
    _, text = run(own, "-c", TAGS)
    names = endings(Tag(*line.split("-")) for line in text.split())
    version, its_pip = run(own, "-c", RELEASE)[1].split()
    interpreter = f"PyPy for Python {version}" if name == "pypy3" else f"CPython {version}t"
    _, newest = run(sys.executable, "-m", "uv", "--version")
    for tool in (
        Tool(name=f"pip {its_pip}", asks=pip(own), installs=True),
        Tool(name=f"uv {newest.split()[1]}", asks=uv(python=own), installs=True),
    ):
        row = measure(tool, names)
        yield f"{tool.name}, {interpreter}", {NAME: f"foo-1.0-{names['plain']}.whl", **row}


def main() -> None:
    """Measure and print, or record."""
    rows: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, python in found().items():
            rows.update(measured(name, python, Path(folder) / name))
    text = json.dumps(rows, indent=1) + "\n"
    if "--write" in sys.argv:
        RECORDED.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
